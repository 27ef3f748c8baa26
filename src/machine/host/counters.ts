/** Counters of the whole host and of a network namespace, from /proc. */
import { readFileSync } from 'node:fs';

/** Ticks of /proc/stat per second: fixed in the kernel's interface (USER_HZ). */
const USER_HZ = 100;
const PAGE = 4096;

/** CPU time since boot, seconds. */
export interface CpuTimes {
  /** All CPUs, everything but idle, waiting for I/O and stolen. */
  busy: number;
  /** Of that, in the network's and other software interrupts. */
  softirq: number;
  /** Time that the hypervisor gave to others. */
  stolen: number;
  /** Busy seconds by CPU number. */
  byCpu: ReadonlyMap<number, number>;
}

/** Reads /proc/stat. Busy includes interrupts and softirq, where zero copy moves cost to. */
export function readCpuTimes(text = readFileSync('/proc/stat', 'utf8')): CpuTimes {
  let busy = 0;
  let softirqs = 0;
  let stolen = 0;
  const byCpu = new Map<number, number>();
  for (const match of text.matchAll(/^cpu(\d*)\s+(.*)$/gm)) {
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (match[2] ?? '')
      .split(/\s+/)
      .map(Number);
    const seconds = (user + nice + system + irq + softirq) / USER_HZ;
    if (match[1] === '') {
      busy = seconds;
      softirqs = softirq / USER_HZ;
      stolen = steal / USER_HZ;
    } else {
      byCpu.set(Number(match[1]), seconds);
    }
  }
  return { busy, softirq: softirqs, stolen, byCpu };
}

/**
 * TCP segments sent again since the namespace began; null when it cannot be read.
 * @param pid process whose network is meant; null = this one's
 */
export function readRetransmits(pid: number | null): number | null {
  const lines = lineFields(`/proc/${pid ?? 'self'}/net/snmp`, 'Tcp:');
  const [names, values] = lines;
  const index = names?.indexOf('RetransSegs') ?? -1;
  const value = Number(values?.[index]);
  return index >= 0 && Number.isFinite(value) ? value : null;
}

/** Kernel memory that TCP holds in its queues on the whole host, bytes; null when unreadable. */
export function readTcpMemory(): number | null {
  const [fields] = lineFields('/proc/self/net/sockstat', 'TCP:');
  const index = fields?.indexOf('mem') ?? -1;
  const pages = Number(fields?.[index + 1]);
  return index >= 0 && Number.isFinite(pages) ? pages * PAGE : null;
}

function lineFields(path: string, head: string): string[][] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  return text
    .split('\n')
    .filter((line) => line.startsWith(head))
    .map((line) => line.split(/\s+/));
}
