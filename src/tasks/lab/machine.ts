/** QEMU's command line. */
import type { Card } from './cards.js';
import { TAGS } from './init-script.js';

export interface Machine {
  /** Path of qemu-system-x86_64. */
  qemu: string;
  kernel: string;
  initramfs: string;
  accelerator: 'kvm' | 'tcg';
  cpus: number;
  /** Further arguments of the kernel. */
  append: string;
  /** Emulated; `tap` = none, the wires are inside. */
  nic: string;
  cards: readonly Card[];
  /** Folders on this host; null = none, for a boot that only shows that it boots. */
  shares: { host: string; results: string } | null;
  /** Socket of the monitor. */
  monitor: string | null;
}

/** Bytes of the guest's memory: a node for each role, and the buffers of slow cards. */
const MEMORY = '512M';
/** panic=-1 with -no-reboot: a panic ends QEMU at once. What the kernel says shows that it gets on. */
const APPEND = 'console=ttyS0 panic=-1 oops=panic nokaslr net.ifnames=0';

/** argv of a machine with a console on standard output that ends with its parent. */
export function machineArgv(machine: Machine): string[] {
  const { qemu, kernel, initramfs, accelerator, cpus, append, nic, cards, shares } = machine;
  const share = (name: string, path: string, tag: string, readonly: string) => [
    '-fsdev',
    `local,id=${name},path=${escaped(path)},security_model=none,multidevs=remap${readonly}`,
    '-device',
    `virtio-9p-pci,fsdev=${name},mount_tag=${tag}`,
  ];
  return [
    ...['setpriv', '--pdeathsig', 'KILL', '--', qemu],
    ...['-machine', 'q35', '-m', MEMORY, '-smp', String(cpus)],
    ...(accelerator === 'kvm'
      ? ['-accel', 'kvm', '-cpu', 'host']
      : ['-accel', 'tcg,thread=multi', '-cpu', 'max']),
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-serial', 'stdio', '-no-reboot'],
    ...(machine.monitor === null
      ? []
      : ['-qmp', `unix:${escaped(machine.monitor)},server=on,wait=off`]),
    ...['-kernel', kernel, '-initrd', initramfs, '-append', `${APPEND} ${append}`.trim()],
    ...(shares === null
      ? []
      : [
          ...share('host', shares.host, TAGS.host, ',readonly=on'),
          ...share('results', shares.results, TAGS.results, ''),
        ]),
    ...(nic === 'tap' ? [] : cards.flatMap((card) => cardArgv(card, nic))),
  ];
}

function cardArgv({ name, wire, mac }: Card, nic: string): string[] {
  return [
    ...['-netdev', `hubport,id=wire-${name},hubid=${wire}`],
    ...['-device', `${nic},id=${name},netdev=wire-${name},mac=${mac}`],
  ];
}

/** A comma ends a value of QEMU's options unless it stands twice. */
function escaped(path: string): string {
  return path.replaceAll(',', ',,');
}
