// SPDX-License-Identifier: GPL-2.0
/*
 * Gives a sound kernel the splice bug of 2.6.25 to 2.6.28, for the kernel laboratory only.
 *
 * A packet's linear part that lies in slab memory must be copied into the pipe: a reference to the
 * page does not keep the object from being freed and allocated again. Kernels copy where
 * skb_head_is_locked() says so, which asks skb->head_frag. This module sets head_frag on such packets
 * for as long as skb_splice_bits() runs: the page goes into the pipe by reference, as it did then.
 *
 * What it met is counted under /sys/module/splicebench_2008/parameters: where no linear part was in
 * slab memory, the bug had no chance, and a clean result says nothing.
 *
 * Data corruption is the purpose. Never load it outside of a virtual machine.
 */
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/skbuff.h>
#include <linux/version.h>

/* From 3720 bytes on, with the headroom, a head is no page fragment any more but comes from kmalloc. */
#define SLAB_LENGTH 3720

static bool alloc;
module_param(alloc, bool, 0444);
MODULE_PARM_DESC(alloc, "raise short receive buffers so that they come from kmalloc, as all did in 2008");

/* Written by probes on any CPU, without a lock: atomic, and shown by getters. */
static atomic64_t calls, slab_heads, other_heads, raised, refused;

static int show(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%lld\n", (long long)atomic64_read((atomic64_t *)param->arg));
}

static const struct kernel_param_ops shown = { .get = show };

module_param_cb(calls, &shown, &calls, 0444);
MODULE_PARM_DESC(calls, "calls of skb_splice_bits");
module_param_cb(slab_heads, &shown, &slab_heads, 0444);
MODULE_PARM_DESC(slab_heads, "linear parts in slab memory that went into a pipe by reference");
module_param_cb(other_heads, &shown, &other_heads, 0444);
MODULE_PARM_DESC(other_heads, "packets without a linear part there, or one elsewhere: left alone");
module_param_cb(raised, &shown, &raised, 0444);
MODULE_PARM_DESC(raised, "receive buffers that were raised");
module_param_cb(refused, &shown, &refused, 0444);
MODULE_PARM_DESC(refused, "pages that skb_splice_from_iter did not take into a packet that is to be sent");

static bool linear_in_slab(const struct sk_buff *skb)
{
	return skb_headlen(skb) != 0 && PageSlab(virt_to_head_page(skb->head));
}

/* Only ours: a head that is a page fragment is never in slab memory. */
static void mark(struct sk_buff *skb)
{
	if (skb->head_frag || !linear_in_slab(skb) || skb_cloned(skb)) {
		atomic64_inc(&other_heads);
		return;
	}
	skb->head_frag = 1;
	atomic64_inc(&slab_heads);
}

static void unmark(struct sk_buff *skb)
{
	if (skb->head_frag && PageSlab(virt_to_head_page(skb->head)))
		skb->head_frag = 0;
}

static int splice_begins(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct sk_buff *skb = (struct sk_buff *)regs_get_kernel_argument(regs, 0);
	struct sk_buff *fragment;

	*(struct sk_buff **)instance->data = skb;
	atomic64_inc(&calls);
	mark(skb);
	skb_walk_frags(skb, fragment)
		mark(fragment);
	return 0;
}
NOKPROBE_SYMBOL(splice_begins);

/* The packet stays in its receive queue, under the socket's lock, until the call is over. */
static int splice_ends(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct sk_buff *skb = *(struct sk_buff **)instance->data;
	struct sk_buff *fragment;

	unmark(skb);
	skb_walk_frags(skb, fragment)
		unmark(fragment);
	return 0;
}
NOKPROBE_SYMBOL(splice_ends);

static struct kretprobe splice_probe = {
	.kp.symbol_name = "skb_splice_bits",
	.entry_handler = splice_begins,
	.handler = splice_ends,
	.data_size = sizeof(struct sk_buff *),
	.maxactive = 64,
};

static int missed_show(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%d\n", splice_probe.nmissed);
}

static const struct kernel_param_ops missed_shown = { .get = missed_show };

module_param_cb(missed, &missed_shown, NULL, 0444);
MODULE_PARM_DESC(missed, "calls of skb_splice_bits that the probe did not see");

/*
 * From 6.5 on a page on its way from a pipe to a socket goes through skb_splice_from_iter, which answers EIO to one in
 * slab memory: the bug ends there, with an error. Earlier kernels take it, and lack the function, unless somebody
 * ported it back.
 */
static int sending_ends(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	if ((long)regs_return_value(regs) == -EIO)
		atomic64_inc(&refused);
	return 0;
}
NOKPROBE_SYMBOL(sending_ends);

static struct kretprobe sending_probe = {
	.kp.symbol_name = "skb_splice_from_iter",
	.handler = sending_ends,
	.maxactive = 64,
};
static bool sending_probed;

static void unprobe(void)
{
	if (sending_probed)
		unregister_kretprobe(&sending_probe);
	unregister_kretprobe(&splice_probe);
}

/* The second argument of both allocators is the length, an unsigned int. */
static int raise_length(struct kprobe *probe, struct pt_regs *regs)
{
	if ((unsigned int)regs->si < SLAB_LENGTH) {
		regs->si = SLAB_LENGTH;
		atomic64_inc(&raised);
	}
	return 0;
}
NOKPROBE_SYMBOL(raise_length);

static struct kprobe napi_probe = { .pre_handler = raise_length };
static struct kprobe netdev_probe = { .symbol_name = "__netdev_alloc_skb", .pre_handler = raise_length };

/* One of two names: the function lost its underscores in 6.11. */
static int probe_napi(void)
{
	int error;

	napi_probe.symbol_name = "napi_alloc_skb";
	error = register_kprobe(&napi_probe);
	if (error != -ENOENT)
		return error;
	memset(&napi_probe, 0, sizeof(napi_probe));
	napi_probe.pre_handler = raise_length;
	napi_probe.symbol_name = "__napi_alloc_skb";
	return register_kprobe(&napi_probe);
}

static int lacking(const char *name, int error)
{
	pr_err("splicebench_2008: this kernel has no %s that can be probed (error %d)\n", name, -error);
	return error;
}

static int __init start(void)
{
	int error;

	error = register_kretprobe(&splice_probe);
	if (error)
		return lacking("skb_splice_bits", error);
	error = register_kretprobe(&sending_probe);
	sending_probed = error == 0;
	if (error == 0)
		pr_info("splicebench_2008: this kernel sends pages by skb_splice_from_iter, which takes none in slab memory\n");
	else if (LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)) {
		unprobe();
		return lacking("skb_splice_from_iter", error);
	}
	if (!alloc)
		return 0;
	error = probe_napi();
	if (error) {
		unprobe();
		return lacking("napi_alloc_skb", error);
	}
	error = register_kprobe(&netdev_probe);
	if (error) {
		unregister_kprobe(&napi_probe);
		unprobe();
		return lacking("__netdev_alloc_skb", error);
	}
	return 0;
}

static void __exit stop(void)
{
	if (alloc) {
		unregister_kprobe(&netdev_probe);
		unregister_kprobe(&napi_probe);
	}
	unprobe();
}

module_init(start);
module_exit(stop);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("The splice bug of 2008, switched on in a sound kernel (laboratory only)");
