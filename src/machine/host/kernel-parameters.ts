/**
 * Kernel parameters that decide how a host measures. The whole command line is not stored: what else
 * stands there (addresses, keys, arguments of the init process) is nobody's business in a result that
 * is passed on.
 */

/** Parameters by name; a name that ends with a dot stands for a module's parameters. */
const KEPT: readonly string[] = [
  'mitigations',
  'nosmt',
  'spectre_v2',
  'spec_store_bypass_disable',
  'pti',
  'nopti',
  'mds',
  'l1tf',
  'retbleed',
  'isolcpus',
  'nohz',
  'nohz_full',
  'rcu_nocbs',
  'irqaffinity',
  'maxcpus',
  'nr_cpus',
  'numa',
  'numa_balancing',
  'idle',
  'intel_idle.',
  'processor.',
  'cpuidle.',
  'cpuidle_haltpoll.',
  'haltpoll.',
  'cpufreq.',
  'intel_pstate',
  'amd_pstate',
  'preempt',
  'threadirqs',
  'tsc',
  'clocksource',
  'transparent_hugepage',
  'hugepages',
  'hugepagesz',
  'default_hugepagesz',
  'iommu',
  'intel_iommu',
  'amd_iommu',
  'swiotlb',
  'pcie_aspm',
  'pci',
  'audit',
  'lsm',
  'selinux',
  'apparmor',
  'init_on_alloc',
  'init_on_free',
  'slub_debug',
  'page_alloc.',
  'page_poison',
  'psi',
  'skew_tick',
  'nowatchdog',
  'nmi_watchdog',
  'kvm.',
  'kvm-intel.',
  'kvm-amd.',
];

/**
 * The parameters of a kernel command line that matter to a measurement, in their order.
 * @param line as /proc/cmdline has it; what follows ` -- ` is for the init process
 */
export function measuringParameters(line: string): string {
  const [parameters = ''] = line.split(/(?:^|\s)--(?:\s|$)/);
  const kept = parameters.split(/\s+/).filter((parameter) => {
    const [name = ''] = parameter.split('=');
    return KEPT.some((known) => (known.endsWith('.') ? name.startsWith(known) : name === known));
  });
  return kept.join(' ');
}
