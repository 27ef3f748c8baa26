/**
 * How far trials have come towards a bound on corruption such as "below 1 per TB", what is still
 * missing, and whether it can be reached at all. Pure.
 */
import type { TrialRecord } from '../record/record.js';
import { poissonBoundAtAnyLook, poissonBounds } from './bounds.js';
import { violatedConnections } from './connection-outcomes.js';
import { type Tally, tally } from './tally.js';

/** What a bound is per: bytes compared, or connections of a trial. */
export type BoundUnit = 'byte' | 'connection';

/** Whether trials are judged once, or after every block until they are enough. */
export type Looks = 'once' | 'repeated';

/** One forwarder's way to a bound. Rates are per byte or per connection. */
export interface BoundProgress {
  forwarder: string;
  limit: number;
  events: number;
  /** Bytes compared, or connections checked. */
  exposure: number;
  /** The 95 % bounds for such looks; null where nothing was compared, which bounds nothing. */
  low: number | null;
  high: number | null;
  reached: boolean;
  /** What would have been compared when the bound is reached, if nothing more is found. */
  needed: number;
  /**
   * Even the lower bound is above the limit, or no byte came to be compared but something was found: more
   * trials are not expected to bring it down.
   */
  beyond: boolean;
}

/** The way of one forwarder, from its trials. */
export function boundProgress(
  forwarder: string,
  trials: readonly TrialRecord[],
  unit: BoundUnit,
  limit: number,
  looks: Looks,
): BoundProgress {
  const sum = tally(
    forwarder,
    trials.filter((trial) => trial.forwarder === forwarder),
  );
  const { events, exposure } = unit === 'byte' ? perByte(sum) : perConnection(sum);
  const once = poissonBounds(events);
  const mean = looks === 'once' ? once : { ...once, high: poissonBoundAtAnyLook(events) };
  const low = exposure > 0 ? mean.low / exposure : null;
  const high = exposure > 0 ? mean.high / exposure : null;
  return {
    forwarder,
    limit,
    events,
    exposure,
    low,
    high,
    reached: high !== null && high < limit,
    needed: mean.high / limit,
    beyond: low === null ? events > 0 : low >= limit,
  };
}

/** A stream that lost its end, or went on beyond it, counts as one where no stretch was found. */
function perByte(sum: Tally) {
  const ends = sum.connectionOutcomes.truncated + sum.connectionOutcomes.extra;
  return { events: sum.incidents + ends, exposure: sum.comparedBytes };
}

/** Connections of which it is not known what became of them prove nothing. */
function perConnection(sum: Tally) {
  const exposure = sum.checkedConnections - sum.unknownConnections;
  return { events: violatedConnections(sum.connectionOutcomes), exposure };
}
