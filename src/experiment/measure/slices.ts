/**
 * The figures of an arm from its slices. Goodput is of the measured parts alone; costs run from drained to
 * drained and belong to all bytes of a slice. Both become one pair of marks, so that everything made from
 * marks is made the same way whether a trial ran alone or as an arm. Pure.
 */
import type { EndpointSnapshot } from '../../data/native/native-surface.js';
import { apartOf } from '../../data/record/apart.js';
import type { WaitTimes } from '../../data/record/contended-cpu.js';
import type { WorkTimes } from '../../data/record/shared-core.js';
import type { SliceSeries } from '../../data/record/record.js';
import { callsBetween, sumCalls } from '../../data/record/sum-calls.js';
import type { ForwarderCost } from './forwarder-under-test.js';
import type { Side } from './endpoints.js';
import { type Marks, NO_SNAPSHOT } from './window.js';

/** What one receiving end measured of a slice. */
export interface Measured {
  side: Side;
  seconds: number;
  bytes: number;
}

/** One slice, from drained to drained. */
export interface Slice {
  round: number;
  turn: number;
  measured: readonly Measured[];
  /** Of the whole slice, all receiving ends. */
  allBytes: number;
  /** CPU seconds of the ends' threads. */
  endCpu: Readonly<Record<Side, number>>;
  /** Of the forwarder at both ends; null = there is none. */
  cost: { from: ForwarderCost; to: ForwarderCost } | null;
  host: { from: Marks['host']; to: Marks['host'] };
  /** Round trip of a cache line between the forwarder's CPU and the ends', the longer of before and after, ns; null = not known. */
  lineNs: number | null;
  /** The longer of before and after; null = not known. */
  workNs: WorkTimes | null;
  waitNs: WaitTimes | null;
}

/**
 * Marks that lie as far apart as all slices together. Their time is that in which all bytes would have passed
 * at the measured speed, so that costs per byte are those of the whole slices, and shares of a CPU those at
 * the measured speed.
 * @param slices at least one
 */
export function marksOfSlices(
  slices: readonly Slice[],
  memory: { from: Marks['memory']; to: Marks['memory'] },
): { from: Marks; to: Marks } {
  const seconds = (side: Side) => total(ofSide(slices, side).map((one) => one.seconds));
  const bytes = (side: Side) => total(ofSide(slices, side).map((one) => one.bytes));
  const sides: readonly Side[] = ['upstream', 'downstream'];
  const rate = total(sides.map((side) => (seconds(side) > 0 ? bytes(side) / seconds(side) : 0)));
  const all = total(slices.map(({ allBytes }) => allBytes));
  const time = rate > 0 ? all / rate : 0;
  const end = (side: Side): EndpointSnapshot => {
    const receives = seconds(side) > 0;
    const own = receives ? seconds(side) : time;
    const cpu = total(slices.map(({ endCpu }) => endCpu[side]));
    return {
      ...NO_SNAPSHOT,
      timeNs: own * 1e9,
      cpuNs: time > 0 ? (cpu * own * 1e9) / time : 0,
      received: bytes(side),
    };
  };
  const zero = { upstream: NO_SNAPSHOT, downstream: NO_SNAPSHOT };
  const hosts = slices.map(({ host }) => host);
  return {
    from: { endpoints: [zero], ...costMarks([], 0), memory: memory.from, host: hostSum(hosts, 0) },
    to: {
      endpoints: [{ upstream: end('upstream'), downstream: end('downstream') }],
      ...costMarks(slices, time),
      memory: memory.to,
      host: hostSum(hosts, time),
    },
  };
  function costMarks(of: readonly Slice[], at: number): { forwarder: ForwarderCost | null } {
    if (slices.some(({ cost }) => cost === null)) return { forwarder: null };
    return { forwarder: costSum(slices, of.length > 0, at) };
  }
}

function ofSide(slices: readonly Slice[], side: Side): Measured[] {
  return slices.flatMap(({ measured }) => measured.filter((one) => one.side === side));
}

/** At `begin` zeros in the places of what is known, so that what is not stays unknown in both marks. */
function costSum(slices: readonly Slice[], end: boolean, seconds: number): ForwarderCost {
  const costs = slices.flatMap(({ cost }) => cost ?? []);
  const sum = (of: (cost: ForwarderCost) => number | null): number | null => {
    let all = 0;
    for (const { from, to } of costs) {
      const [a, b] = [of(from), of(to)];
      if (a === null || b === null) return null;
      all += b - a;
    }
    return end ? all : 0;
  };
  const calls = costs.flatMap(({ from, to }) =>
    from.calls === null || to.calls === null ? [] : [callsBetween(from.calls, to.calls)],
  );
  return {
    timeNs: seconds * 1e9,
    cpuNs: sum(({ cpuNs }) => cpuNs) ?? 0,
    syscalls: sum(({ syscalls }) => syscalls),
    contextSwitches: sum(({ contextSwitches }) => contextSwitches),
    calls: calls.length < costs.length ? null : end ? sumCalls(calls) : {},
  };
}

/** @param seconds 0 = the begin, where nothing was counted yet */
function hostSum(hosts: readonly Slice['host'][], seconds: number): Marks['host'] {
  const factor = seconds === 0 ? 0 : 1;
  const sum = (of: (host: Marks['host']) => number) =>
    factor * total(hosts.map(({ from, to }) => of(to) - of(from)));
  const first = hosts[0]?.from;
  const cpus = [...(first?.cpu.byCpu.keys() ?? [])];
  const known = hosts.every(({ from, to }) => from.retransmits !== null && to.retransmits !== null);
  const links = first?.links ?? null;
  return {
    machine: first?.machine ?? '',
    seconds,
    cpu: {
      busy: sum(({ cpu }) => cpu.busy),
      softirq: sum(({ cpu }) => cpu.softirq),
      stolen: sum(({ cpu }) => cpu.stolen),
      byCpu: new Map(cpus.map((cpu) => [cpu, sum((host) => host.cpu.byCpu.get(cpu) ?? 0)])),
    },
    retransmits: known ? sum(({ retransmits }) => retransmits ?? 0) : null,
    links:
      links === null
        ? null
        : {
            directions: links.directions.map((_, index) =>
              sum((host) => host.links?.directions[index] ?? 0),
            ),
            data:
              links.data === null
                ? null
                : {
                    bytes: sum((host) => host.links?.data?.bytes ?? 0),
                    packets: sum((host) => host.links?.data?.packets ?? 0),
                  },
            lost: sum((host) => host.links?.lost ?? 0),
          },
  };
}

/** Seconds: one tick of /proc/stat, the least that it can tell. */
const STOLEN = 0.01;

/**
 * Rounds in which time was stolen from a slice or the CPUs were apart, and those left out for that: for all
 * arms alike, so that none has an advantage, by what the hypervisor did and not by what was measured. Where
 * time was stolen in more than half of them, none is left out for that: the rest would not stand for the host.
 * @param arms the slices of each
 * @param nearest round trip between the CPUs that is known from before, ns
 */
export function disturbance(
  arms: readonly (readonly Slice[])[],
  nearest = Infinity,
): { disturbed: number[]; apart: number[]; left_out: number[] } {
  const rounds = new Set(arms.flatMap((slices) => slices.map(({ round }) => round)));
  const stolen = arms.flatMap((slices) =>
    slices.flatMap(({ round, host }) =>
      host.to.cpu.stolen - host.from.cpu.stolen >= STOLEN - 1e-9 ? [round] : [],
    ),
  );
  const disturbed = [...new Set(stolen)].sort((a, b) => a - b);
  const numbers = [...rounds].sort((a, b) => a - b);
  const trips = tripsByRound(arms);
  const far = apartOf(
    numbers.map((round) => trips.get(round) ?? null),
    nearest,
  );
  const named = (indices: readonly number[]) => indices.flatMap((index) => numbers[index] ?? []);
  const out = new Set([
    ...(disturbed.length * 2 > rounds.size ? [] : disturbed),
    ...named(far.left_out),
  ]);
  return {
    disturbed,
    apart: named(far.apart),
    left_out: numbers.filter((round) => out.has(round)),
  };
}

/** The longest of each round, ns; rounds of which none is known are not in it. */
function tripsByRound(arms: readonly (readonly Slice[])[]): Map<number, number> {
  const trips = new Map<number, number>();
  for (const { round, lineNs } of arms.flat()) {
    if (lineNs !== null) trips.set(round, Math.max(lineNs, trips.get(round) ?? 0));
  }
  return trips;
}

/** What the series of all arms of a set have alike; each may leave out more, see own-rounds.ts. */
export type OfSet = Pick<
  SliceSeries,
  | 'set'
  | 'settle'
  | 'disturbed'
  | 'apart'
  | 'left_out'
  | 'shared'
  | 'contended'
  | 'pressure'
  | 'pressed'
  | 'took'
  | 'rounds_run'
>;

/** As it is stored. */
export function seriesOfSlices(set: OfSet, slices: readonly Slice[]): SliceSeries {
  return {
    ...set,
    round: slices.map(({ round }) => round),
    turn: slices.map(({ turn }) => turn),
    seconds: slices.map(({ measured }) =>
      rounded(Math.max(0, ...measured.map((one) => one.seconds))),
    ),
    bytes: slices.map(({ measured }) => total(measured.map((one) => one.bytes))),
    all_bytes: slices.map(({ allBytes }) => allBytes),
    cpu_seconds: slices.map(({ cost }) =>
      cost === null ? null : rounded((cost.to.cpuNs - cost.from.cpuNs) / 1e9),
    ),
    stolen: slices.map(({ host }) => rounded(host.to.cpu.stolen - host.from.cpu.stolen)),
    line_ns: slices.map(({ lineNs }) => (lineNs === null ? null : Math.round(lineNs))),
    work_ns: slices.map(({ workNs }) => workNs?.map(Math.round) ?? null),
    wait_ns: slices.map(({ waitNs }) => waitNs?.map(Math.round) ?? null),
  };
}

/** To microseconds. */
function rounded(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6;
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
