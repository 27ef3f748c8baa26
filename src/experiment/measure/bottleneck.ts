/** What limited a trial, from how busy its parts were. */
import type { Bottleneck } from '../../data/record/words.js';
import { percent } from '../../base/units/quantity.js';
import { formatBitRate } from '../../base/units/sizes.js';

/** A part that is this busy had nothing left to give. The rest is scheduling and wake-up latency. */
const SATURATED = 0.93;
/**
 * A link this full carries all it can: interfaces count a coalesced packet with one header, the link's
 * limit counts a header per segment, and so 0.95 is as full as it gets at an MTU of 1500. Goodput comes
 * no nearer either: a segment carries 1448 bytes of data and takes 1538 on Ethernet, 0.94 of line rate.
 */
export const LINK_FULL = 0.92;
/** Below this on every CPU there was clearly room left, so that something held the data back. */
const ROOM_LEFT = 0.85;
/** Algorithms that send at a rate of their own choosing, whatever the CPUs could do. */
const PACING = ['bbr', 'bbr2', 'bbr3'];

export interface BusyParts {
  /** CPU seconds per second of the window, of each role's own thread or process tree. */
  forwarder: number | null;
  source: number | null;
  sink: number | null;
  /** How busy the CPUs of each role were in all, 0 to 1; softirq and other processes included. */
  forwarderCpu: number | null;
  endpointCpu: number | null;
  /** Congestion control in force at those that send; none where it is not known. */
  congestion: readonly string[];
  /** Bits per second that passed, and the rates that the workload set; null = not set. */
  flow?: { passed: number; rate: number | null; reader: number | null };
  /**
   * Bits on the busiest link over what it can carry, 0 to 1, its speed in words, and whose it is where
   * they differ; null = unlimited.
   */
  link: { share: number; name: string; of?: string } | null;
}

export interface NamedBottleneck {
  bottleneck: Bottleneck;
  /** In words, e.g. "forwarder: its CPU 99 % busy". */
  reason: string;
}

/** This much of a set rate is the rate: windows begin and end between two pieces. */
const ACHIEVED = 0.97;

/**
 * Names what was saturated. A rate that the workload set and that was achieved is what limited the
 * trial, however busy its parts were; a full link likewise, since no forwarder gets more through it.
 * Else the forwarder comes first when it is as busy as the endpoints: it cannot
 * go faster either way. When the endpoints' CPU is full and the forwarder's is not, the endpoint that
 * used more of it is named, and the trial says only how fast the forwarder is at least.
 */
export function findBottleneck(parts: BusyParts): NamedBottleneck {
  const set = setRate(parts);
  if (set !== null) return set;
  const forwarder = Math.max(parts.forwarder ?? 0, parts.forwarderCpu ?? 0);
  const source = parts.source ?? 0;
  const sink = parts.sink ?? 0;
  const endpoints = Math.max(source, sink, parts.endpointCpu ?? 0);
  if (parts.link !== null && parts.link.share >= LINK_FULL) {
    const { share, name, of } = parts.link;
    const whose = of === undefined ? '' : ` by ${of}`;
    return { bottleneck: 'link', reason: `link: ${busy(share)} of ${name} used${whose}` };
  }
  if (forwarder >= SATURATED && forwarder >= Math.min(endpoints, 0.99)) {
    return { bottleneck: 'forwarder', reason: `forwarder: its CPU ${busy(forwarder)} busy` };
  }
  if (endpoints >= SATURATED) {
    const bottleneck = source >= sink ? 'source' : 'sink';
    const shares = `source ${busy(source)}, sink ${busy(sink)}`;
    return {
      bottleneck,
      reason: `${bottleneck}: the endpoints' CPU ${busy(endpoints)} busy (${shares})`,
    };
  }
  const all = `forwarder's CPU ${busy(forwarder)}, endpoints' ${busy(endpoints)} busy`;
  const paced = parts.congestion.find((one) => PACING.includes(one));
  if (paced !== undefined && Math.max(forwarder, endpoints) < ROOM_LEFT) {
    const reason = `pacing: ${paced} sends at its own rate; ${all}`;
    return { bottleneck: 'pacing', reason };
  }
  return { bottleneck: 'unknown', reason: `nothing saturated: ${all}` };
}

function setRate({ flow }: BusyParts): NamedBottleneck | null {
  if (flow === undefined) return null;
  const { passed, rate, reader } = flow;
  if (reader !== null && passed >= reader * ACHIEVED) {
    return { bottleneck: 'pacing', reason: `pacing: the sink reads ${formatBitRate(reader)}` };
  }
  if (rate !== null && passed >= rate * ACHIEVED) {
    const reason = `pacing: the source offers ${formatBitRate(rate)}, and all of it arrived`;
    return { bottleneck: 'pacing', reason };
  }
  return null;
}

/** Of CPUs and links: clocks that are read one after the other may show more than all there is. */
function busy(share: number): string {
  return percent(Math.min(share, 1));
}
