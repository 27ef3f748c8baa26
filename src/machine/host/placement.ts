/** Which CPUs the roles of a trial run on. */
import { readFileSync } from 'node:fs';
import { parseCpuList } from '../../base/units/sizes.js';
import type { Cell } from '../../data/record/plan.js';
import type { Direction } from '../../data/record/words.js';

/** CPUs by role. */
export interface Placement {
  source: number[];
  forwarder: number[];
  sink: number[];
  /** Of the ends of each pair where these are on machines of their own, whoever sends. */
  ends?: PairCpus[];
}

/** The CPUs this process may use, in order. */
export function allowedCpus(status = readFileSync('/proc/self/status', 'utf8')): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '0';
  return parseCpuList(list);
}

/** The CPU's threads of the same core, itself included; itself alone where the host does not say. */
function siblingsOf(cpu: number): number[] {
  try {
    const file = `/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`;
    return parseCpuList(readFileSync(file, 'utf8').trim());
  } catch {
    return [cpu];
  }
}

/**
 * The forwarder has a CPU of its own and shares its core with nobody where there are cores enough;
 * source and sink have the others. With two CPUs source and sink share one, with one all share it.
 * The scenario's `pin` overrides.
 */
export function placeRoles(
  pin: Cell['pin'],
  cpus: readonly number[] = allowedCpus(),
  siblings: (cpu: number) => readonly number[] = siblingsOf,
): Placement {
  if (pin !== null) return pin;
  const [source = 0, forwarder = source, sink = source] = coreCpus(cpus, siblings);
  return { source: [source], forwarder: [forwarder], sink: [sink] };
}

/** CPUs to place roles on: one of each core where there are two cores or more, else all. */
export function coreCpus(
  cpus: readonly number[],
  siblings: (cpu: number) => readonly number[] = siblingsOf,
): number[] {
  const cores: number[] = [];
  const seen = new Set<number>();
  for (const cpu of cpus) {
    if (seen.has(cpu)) continue;
    cores.push(cpu);
    for (const sibling of siblings(cpu)) seen.add(sibling);
  }
  return cores.length >= 2 ? cores : [...cpus];
}

/** CPUs of both ends of a pair. */
export interface PairCpus {
  upstream: number[];
  downstream: number[];
}

/**
 * The CPUs that a scenario pins the ends to. `source` is whoever sends and `sink` whoever receives, on
 * every topology: for uploads the sender is the downstream end.
 */
export function pinnedEnds(
  { source, sink }: NonNullable<Cell['pin']>,
  direction: Direction,
): PairCpus {
  return direction === 'upload'
    ? { upstream: sink, downstream: source }
    : { upstream: source, downstream: sink };
}

/** A machine that parts run on, and the CPUs it has for them. */
export interface MachineCpus {
  machine: string;
  cpus: readonly number[];
}

/**
 * Parts on one machine share it as they do on loopback. A part that has a machine to itself has its
 * second CPU: the first one often has the interrupts. Ends beyond a machine's CPUs share them in turn.
 * @param on which machine each part is
 */
export function placeParts(
  pin: Cell['pin'],
  direction: Direction,
  on: {
    forwarder: MachineCpus;
    pairs: readonly { upstream: MachineCpus; downstream: MachineCpus }[];
  },
): { forwarder: number[]; pairs: PairCpus[] } {
  if (pin !== null) {
    const pairs = on.pairs.map(() => pinnedEnds(pin, direction));
    return { forwarder: pin.forwarder, pairs };
  }
  const ends = on.pairs.flatMap(({ upstream, downstream }) => [upstream, downstream]);
  const placed = new Map<string, number>();
  const place = ({ machine, cpus }: MachineCpus): number[] => {
    const [first = 0, second = first, ...rest] = cpus;
    const withForwarder = on.forwarder.machine === machine;
    const alone = !withForwarder && ends.filter((end) => end.machine === machine).length === 1;
    if (alone) return [second];
    const free = withForwarder ? [first, ...rest] : [...new Set([first, second, ...rest])];
    const before = placed.get(machine) ?? 0;
    placed.set(machine, before + 1);
    return [free[before % free.length] ?? first];
  };
  const [first = 0, second = first] = on.forwarder.cpus;
  return {
    forwarder: [second],
    pairs: on.pairs.map(({ upstream, downstream }) => ({
      upstream: place(upstream),
      downstream: place(downstream),
    })),
  };
}
