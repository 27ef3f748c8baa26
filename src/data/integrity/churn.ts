/** How the short connections of a churn trial ended, from what both ends counted. Pure. */
import { noun } from '../../base/units/quantity.js';
import type { Check, Outcome, StreamDirection } from '../record/words.js';
import type { Incident } from '../record/record.js';
import type { ChurnFailure, ChurnResults, CheckTotals } from '../native/native-surface.js';
import { CANCELLED, type Judgement } from './outcome.js';

export interface ChurnEnd {
  direction: StreamDirection;
  check: Check;
  /** By side; the client is downstream. */
  results: Record<'upstream' | 'downstream', ChurnResults>;
  /** The client saw no progress for the stall limit while unfinished. */
  stalled: boolean;
}

/**
 * Why no calls stand with what a short connection did: its number returns after 16,384 others and its
 * port soon after it has ended, so that a recorded call of the same port may be another connection's.
 */
const NO_CALLS = 'numbers and ports of short connections are used again';

/** Incidents of short connections, with the reason why no calls of the forwarder stand with them. */
export function withoutCalls(incidents: readonly Incident[]): Incident[] {
  return incidents.map((incident) => ({ ...incident, calls_absent: NO_CALLS }));
}

/** What a checker found at an end, with what was lost at the ends of connections, which is no incident. */
export function totalsOfChurn({ totals, cutBytes, beyondBytes }: ChurnResults): CheckTotals {
  return {
    ...totals,
    missing: totals.missing + cutBytes,
    extra: totals.extra + beyondBytes,
  };
}

/**
 * The outcome of a churn trial. As in judgeTrial wrong bytes come before everything; a truncation
 * comes before what may have caused it, for it is what the receiver was not told of.
 */
export function judgeChurn(end: ChurnEnd): Judgement {
  const { direction, check, results, stalled } = end;
  const ends = [results.downstream, results.upstream];
  const found = (
    outcome: Outcome,
    count: (side: ChurnResults) => number,
    words: string,
    which: (failure: ChurnFailure) => boolean,
  ): Judgement | null => {
    const side = ends.find((one) => count(one) > 0);
    if (side === undefined) return null;
    const first = side.failures.find(which);
    const example = first === undefined ? '' : ` (first: ${failureText(first)})`;
    const where = side === results.downstream ? 'client' : 'server';
    const total = `${count(side)} of ${side.begun} ${noun(side.begun, 'connection')} ${words} at the ${where}`;
    return { outcome, reason: `${direction}: ${total}${example}` };
  };
  const cancelled = ends
    .flatMap(({ failures }) => failures)
    .filter(({ error }) => error === CANCELLED).length;
  return (
    found(
      'corrupt',
      ({ corrupt }) => corrupt,
      'with incidents',
      ({ error, cut }) => error === null && cut === 0,
    ) ??
    unknownConnections(end) ??
    found(
      'truncated',
      ({ truncated }) => truncated,
      'were cut short',
      ({ error, cut }) => error === null && cut > 0,
    ) ??
    found(
      'extra',
      ({ beyond }) => beyond,
      'had more than was sent',
      ({ error }) => error === null,
    ) ??
    found(
      stalled || cancelled > 0 ? 'stalled' : 'reset',
      ({ broken }) => broken,
      stalled || cancelled > 0 ? 'did not end' : 'broke',
      ({ error }) => error !== null,
    ) ??
    (stalled
      ? { outcome: 'stalled', reason: `${direction}: no connection made progress` }
      : null) ??
    nothing(end) ?? { outcome: check === 'full' ? 'intact' : 'unchecked', reason: null }
  );
}

/** Every whole body must have arrived once: by the sums of their numbers. */
function unknownConnections({ direction, check, results }: ChurnEnd): Judgement | null {
  const { upstream, downstream } = results;
  const complete = [upstream, downstream].every(({ begun, whole }) => begun === whole);
  if (check !== 'full' || !complete || upstream.begun !== downstream.begun) return null;
  const downs = direction === 'upload' || upstream.sentNumbers === downstream.receivedNumbers;
  const ups = direction === 'download' || downstream.sentNumbers === upstream.receivedNumbers;
  if (downs && ups) return null;
  const reason = `${direction}: the bodies that arrived are not those that were sent, each once`;
  return { outcome: 'corrupt', reason };
}

function nothing({ direction, results }: ChurnEnd): Judgement | null {
  if (results.downstream.whole > 0) return null;
  return { outcome: 'failed', reason: `${direction}: no connection finished` };
}

/** "connection 17 sent 0, received 4096 bytes, 12288 missing at the end". */
function failureText({ connection, sent, received, cut, error }: ChurnFailure): string {
  const missing = cut > 0 ? `, ${cut} missing at the end` : '';
  const how = error === null ? '' : `, ${error}`;
  return `connection ${connection} sent ${sent}, received ${received} ${noun(received, 'byte')}${missing}${how}`;
}
