/** The figures of a trial's measured window, from marks taken at both of its ends. Pure. */
import type { CpuTimes } from '../../machine/host/counters.js';
import type { CardCounters, LinkCounters } from '../../machine/host/link-counters.js';
import type { MovedCalls } from '../../data/record/moved-by.js';
import type { CallCount, SeriesPoint } from '../../data/record/record.js';
import { callsBetween } from '../../data/record/sum-calls.js';
import type { ForwarderCost } from './forwarder-under-test.js';
import type { EndpointSnapshot } from '../../data/native/native-surface.js';
import { type Side, SIDES } from './endpoints.js';

/** Snapshots of both ends at one moment. */
export type EndpointMarks = Record<Side, EndpointSnapshot>;

/** Of an end that counts nothing of this: where a trial has figures of its own, they stand beside it. */
export const NO_SNAPSHOT: EndpointSnapshot = {
  timeNs: 0,
  cpuNs: 0,
  tid: 0,
  established: 0,
  started: 0,
  ended: 0,
  failed: 0,
  lastErrno: null,
  sent: 0,
  received: 0,
  incidents: 0,
  firstByteNs: 0,
  lastByteNs: 0,
};

/** CPU times of one machine. */
export interface MachineMark {
  /** The same for all parts on one machine, whose CPU time counts once. */
  machine: string;
  /** By that machine's clock. */
  seconds: number;
  cpu: CpuTimes;
}

/** The same of every pair of ends; most trials have one. */
export type PairMarks<E extends EndpointMarks = EndpointMarks> = readonly [E, ...E[]];

/** Everything read at one end of the window. Times are nanoseconds of each part's own clock. */
export interface Marks {
  endpoints: PairMarks;
  forwarder: ForwarderCost | null;
  /** Bytes that the forwarder held; a string says why that is not known, null = there is none. */
  memory: number | string | null;
  /** Of the forwarder's machine, and what all hosts have counted. */
  host: MachineMark & {
    /** The machines of both ends of each pair; absent = the forwarder's. */
    ends?: readonly Record<Side, MachineMark>[];
    retransmits: number | null;
    /** null where the links are not the trial's own. */
    links: LinkCounters | null;
    /** Network cards that say their speed; absent = none. */
    cards?: readonly CardCounters[];
  };
}

export interface WindowFigures {
  seconds: number;
  bytes: number;
  goodput_gbps: number;
  forwarder_cpu_seconds: number | null;
  forwarder_cpu_seconds_per_gb: number | null;
  system_cpu_seconds_per_gb: number | null;
  syscalls: number | null;
  syscall_source: 'perf' | 'own' | null;
  syscalls_per_gb: number | null;
  bytes_per_syscall: number | null;
  retransmits: number | null;
  context_switches: number | null;
  packets: number | null;
  bytes_per_packet: number | null;
  packet_drops: number | null;
  softirq_cpu_seconds_per_gb: number | null;
  /** Bits per second in the busiest direction of any link. */
  linkBitsPerSecond: number | null;
  /** The card whose link was used most, in its busier direction; null = none that says its speed. */
  fullestCard: { name: string; speed: number; share: number } | null;
  forwarder_utilisation: number | null;
  /** CPU seconds per second of each endpoint's thread; of several pairs the busiest. */
  endpointUtilisation: Record<Side, number>;
  /** Busy seconds per second by CPU of each part's machine; `ends` has an entry per pair. */
  cpuBusy: { forwarder: Map<number, number>; ends: Record<Side, Map<number, number>>[] };
  calls: Record<string, CallCount> | null;
}

const GB = 1e9;

/** System calls sampled after the window, with what arrived meanwhile. */
export interface SyscallSample {
  perSecond: number;
  /** Of the receiving ends, while sampling. */
  gbPerSecond: number;
  /** As of SyscallRate. */
  moved?: MovedCalls | string;
}

/** GB per second that the receiving ends took between two marks, each by its own clock. */
export function receivingRate(from: PairMarks, to: PairMarks, receiving: readonly Side[]): number {
  const rates = eachPair(from, to).flatMap(([before, after]) =>
    receiving.map((side) => {
      const [a, b] = [before[side], after[side]];
      return (ratio(b.received - a.received, (b.timeNs - a.timeNs) / 1e9) ?? 0) / GB;
    }),
  );
  return rates.reduce((sum, rate) => sum + rate, 0);
}

function eachPair(from: PairMarks, to: PairMarks): [EndpointMarks, EndpointMarks][] {
  return from.flatMap((before, pair): [EndpointMarks, EndpointMarks][] => {
    const after = to[pair];
    return after === undefined ? [] : [[before, after]];
  });
}

/**
 * Figures between two marks. Goodput is by the receiving ends' clocks. Costs are rates by the clock of
 * whoever paid, over the rate of bytes: marks of different processes are not taken at the same
 * instant, and so the offset between them cancels out. For the same reason the rates of several pairs
 * are added up, not their bytes; of fixed amounts, of which one may end long before another, the bytes.
 * @param receiving sides that receive
 * @param sample system calls where the forwarder has no count of its own
 * @param ended the window ended with the last byte, not with the second mark (fixed amounts)
 */
// eslint-disable-next-line max-lines-per-function -- one literal with a line per figure of the window
export function windowFigures(
  from: Marks,
  to: Marks,
  receiving: readonly Side[],
  ended: boolean,
  sample: SyscallSample | null = null,
): WindowFigures {
  const pairs = eachPair(from.endpoints, to.endpoints).map((pair) =>
    pairFigures(pair, receiving, ended),
  );
  const bytes = pairs.reduce((sum, pair) => sum + pair.bytes, 0);
  const seconds = Math.max(0, ...pairs.map((pair) => pair.seconds));
  const gbPerSecond = ended
    ? (ratio(bytes / GB, seconds) ?? 0)
    : pairs.reduce((sum, pair) => sum + (ratio(pair.bytes / GB, pair.seconds) ?? 0), 0);
  const perGb = (rate: number | null) =>
    rate === null || gbPerSecond <= 0 ? null : rate / gbPerSecond;

  const forwarder = forwarderRates(from.forwarder, to.forwarder);
  const hostSeconds = to.host.seconds - from.host.seconds;
  const systemRate = systemRates(from, to, ({ busy }) => busy);
  const own = perGb(forwarder?.syscalls ?? null);
  const sampled = sample === null ? null : ratio(sample.perSecond, sample.gbPerSecond);
  const syscallsPerGb = own ?? sampled;
  return {
    seconds,
    bytes,
    goodput_gbps: gbPerSecond * 8,
    forwarder_cpu_seconds: forwarder === null ? null : forwarder.cpu * seconds,
    forwarder_cpu_seconds_per_gb: perGb(forwarder?.cpu ?? null),
    system_cpu_seconds_per_gb: perGb(systemRate),
    syscalls:
      forwarder?.syscallCount ?? (sampled === null ? null : Math.round((sampled * bytes) / GB)),
    syscall_source: own !== null ? 'own' : sampled !== null ? 'perf' : null,
    syscalls_per_gb: syscallsPerGb,
    bytes_per_syscall: syscallsPerGb === null || syscallsPerGb === 0 ? null : GB / syscallsPerGb,
    retransmits: difference(from.host.retransmits, to.host.retransmits),
    context_switches: difference(
      from.forwarder?.contextSwitches ?? null,
      to.forwarder?.contextSwitches ?? null,
    ),
    ...linkFigures(from.host.links, to.host.links, hostSeconds, pairs.length > 1 ? bytes : 0),
    fullestCard: fullestCard(from.host.cards, to.host.cards),
    softirq_cpu_seconds_per_gb: perGb(systemRates(from, to, ({ softirq }) => softirq)),
    forwarder_utilisation: forwarder?.cpu ?? null,
    endpointUtilisation: {
      upstream: utilisation(from, to, 'upstream'),
      downstream: utilisation(from, to, 'downstream'),
    },
    cpuBusy: {
      forwarder: busyByCpu(from.host, to.host),
      ends: from.endpoints.map((_, pair) => ({
        upstream: busyByCpu(machineOf(from, pair, 'upstream'), machineOf(to, pair, 'upstream')),
        downstream: busyByCpu(
          machineOf(from, pair, 'downstream'),
          machineOf(to, pair, 'downstream'),
        ),
      })),
    },
    calls: callsOf(from.forwarder, to.forwarder),
  };
}

/** Both directions of one pair together, over the longer of their times. */
function pairFigures(
  [before, after]: [EndpointMarks, EndpointMarks],
  receiving: readonly Side[],
  ended: boolean,
): { bytes: number; seconds: number } {
  let bytes = 0;
  let seconds = 0;
  for (const side of receiving) {
    const [a, b] = [before[side], after[side]];
    bytes += b.received - a.received;
    seconds = Math.max(seconds, ((ended ? b.lastByteNs : b.timeNs) - a.timeNs) / 1e9);
  }
  return { bytes, seconds };
}

/**
 * Of several pairs some may be reached by an interface that has none of the forwarder's addresses. Packets
 * have headers: links that carried less than this share of what arrived are not all that there are.
 */
const ALL_LINKS = 0.9;

/** @param arrived bytes of several pairs; 0 = there is one, whose interfaces are known */
function linkFigures(
  from: LinkCounters | null,
  to: LinkCounters | null,
  seconds: number,
  arrived: number,
) {
  const none = { packets: null, bytes_per_packet: null, packet_drops: null };
  if (from === null || to === null) return { ...none, linkBitsPerSecond: null };
  const carried = to.directions.map((bytes, index) => bytes - (from.directions[index] ?? 0));
  const packets = difference(from.data?.packets ?? null, to.data?.packets ?? null);
  const bytes = difference(from.data?.bytes ?? null, to.data?.bytes ?? null);
  if (bytes !== null && bytes < arrived * ALL_LINKS) return { ...none, linkBitsPerSecond: null };
  return {
    packets,
    bytes_per_packet: packets === null || bytes === null ? null : ratio(bytes, packets),
    packet_drops: to.lost - from.lost,
    linkBitsPerSecond: ratio(Math.max(0, ...carried) * 8, seconds),
  };
}

function fullestCard(
  from: readonly CardCounters[] = [],
  to: readonly CardCounters[] = [],
): WindowFigures['fullestCard'] {
  const shares = to.flatMap(({ name, speed, seconds, received, sent }) => {
    const before = from.find((one) => one.name === name);
    if (before === undefined) return [];
    const bytes = Math.max(received - before.received, sent - before.sent);
    const rate = ratio(bytes * 8, seconds - before.seconds);
    return rate === null ? [] : [{ name, speed, share: rate / speed }];
  });
  return shares.reduce<WindowFigures['fullestCard']>(
    (most, one) => (most === null || one.share > most.share ? one : most),
    null,
  );
}

/**
 * Goodput over time from an endpoint's samples.
 * @param samples flat triples: time in ns, received, sent
 * @param startNs start of the window; later points only, up to endNs
 */
export function seriesOf(
  samples: readonly number[],
  startNs: number,
  endNs: number,
): SeriesPoint[] {
  const points: SeriesPoint[] = [];
  for (let i = 3; i + 2 < samples.length; i += 3) {
    const [before = 0, receivedBefore = 0] = [samples[i - 3], samples[i - 2]];
    const [now = 0, received = 0] = [samples[i], samples[i + 1]];
    if (before < startNs || now > endNs || now <= before) continue;
    const gbps = ((received - receivedBefore) * 8) / (now - before);
    points.push({ t: round((now - startNs) / 1e9, 3), gbps: round(gbps, 3) });
  }
  return points;
}

/**
 * Goodput over time of several receiving ends together, at the times of the first: what each of the others
 * had at that time, or at its nearest.
 */
export function sumSeries(all: readonly SeriesPoint[][]): SeriesPoint[] {
  const [first = [], ...others] = all;
  return first.map(({ t, gbps }) => {
    const further = others.map((points) => nearest(points, t)?.gbps ?? 0);
    return { t, gbps: round(gbps + further.reduce((sum, one) => sum + one, 0), 3) };
  });
}

function nearest(points: readonly SeriesPoint[], t: number): SeriesPoint | undefined {
  const distance = (point: SeriesPoint) => Math.abs(point.t - t);
  return points.reduce<SeriesPoint | undefined>(
    (best, point) => (best === undefined || distance(point) < distance(best) ? point : best),
    undefined,
  );
}

/** Per second of the forwarder's own clock. */
function forwarderRates(from: ForwarderCost | null, to: ForwarderCost | null) {
  if (from === null || to === null) return null;
  const seconds = (to.timeNs - from.timeNs) / 1e9;
  if (seconds <= 0) return null;
  const syscallCount = difference(from.syscalls, to.syscalls);
  return {
    cpu: Math.max(0, to.cpuNs - from.cpuNs) / 1e9 / seconds,
    syscallCount,
    syscalls: syscallCount === null ? null : syscallCount / seconds,
  };
}

function utilisation(from: Marks, to: Marks, side: Side): number {
  const shares = eachPair(from.endpoints, to.endpoints).map(([before, after]) => {
    const [a, b] = [before[side], after[side]];
    return ratio(b.cpuNs - a.cpuNs, b.timeNs - a.timeNs) ?? 0;
  });
  return Math.max(0, ...shares);
}

function machineOf({ host }: Marks, pair: number, side: Side): MachineMark {
  return host.ends?.[pair]?.[side] ?? host;
}

/** CPU seconds per second of all machines together, each by its own clock. */
function systemRates(from: Marks, to: Marks, of: (cpu: CpuTimes) => number): number | null {
  const rates = new Map<string, number | null>();
  const ends = from.endpoints.flatMap((_, pair) =>
    SIDES.map((side) => [machineOf(from, pair, side), machineOf(to, pair, side)] as const),
  );
  const parts = [[from.host, to.host] as const, ...ends];
  for (const [a, b] of parts) {
    rates.set(a.machine, ratio(of(b.cpu) - of(a.cpu), b.seconds - a.seconds));
  }
  const all = [...rates.values()];
  return all.includes(null) ? null : all.reduce<number>((sum, rate) => sum + (rate ?? 0), 0);
}

function busyByCpu(from: MachineMark, to: MachineMark): Map<number, number> {
  const busy = new Map<number, number>();
  const seconds = to.seconds - from.seconds;
  for (const [cpu, after] of to.cpu.byCpu) {
    const before = from.cpu.byCpu.get(cpu);
    const share = before === undefined ? null : ratio(after - before, seconds);
    if (share !== null) busy.set(cpu, share);
  }
  return busy;
}

/** null = not counted at one end of the window. */
function callsOf(
  from: ForwarderCost | null,
  to: ForwarderCost | null,
): Record<string, CallCount> | null {
  const [before, after] = [from?.calls ?? null, to?.calls ?? null];
  return before === null || after === null ? null : callsBetween(before, after);
}

function difference(from: number | null, to: number | null): number | null {
  return from === null || to === null ? null : to - from;
}

function ratio(amount: number, seconds: number): number | null {
  return seconds > 0 ? amount / seconds : null;
}

function round(value: number, digits: number): number {
  const unit = 10 ** digits;
  return Math.round(value * unit) / unit;
}
