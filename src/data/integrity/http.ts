/** How an HTTP trial ended, and what is told of a body that is not what was asked for. Pure. */
import { noun } from '../../base/units/quantity.js';
import type { CheckTotals } from '../native/native-surface.js';
import type { Check } from '../record/words.js';
import type { Incident } from '../record/record.js';
import type { Judgement } from './outcome.js';

/** What the load counted over the whole trial. */
export interface HttpCounts {
  completed: number;
  /** Body bytes that were compared. */
  verified: number;
  /** Responses with another body than the one asked for. */
  wrong: number;
  /** Connections that ended in the middle of a response. */
  cut: number;
  timeouts: number;
  /** Connections that broke or were closed between responses. */
  errors: number;
  lastError: string | null;
  badStatus: number;
}

/** Wrong bytes before everything, then what was not delivered. */
export function judgeHttp(counts: HttpCounts, check: Check): Judgement {
  const { completed, wrong, cut, timeouts, errors, lastError, badStatus } = counts;
  if (wrong > 0) {
    const reason = `${wrong} of ${completed} ${noun(completed, 'response')} had another body than was asked for`;
    return { outcome: 'corrupt', reason };
  }
  if (cut > 0) {
    return { outcome: 'truncated', reason: 'a connection ended in the middle of a response' };
  }
  if (timeouts > 0) {
    return { outcome: 'stalled', reason: 'a request was not answered within the stall limit' };
  }
  if (errors > 0) {
    return { outcome: 'reset', reason: `a connection failed: ${lastError ?? 'unknown'}` };
  }
  if (badStatus > 0) {
    return {
      outcome: 'failed',
      reason: `${badStatus} ${noun(badStatus, 'response was', 'responses were')} not 200`,
    };
  }
  if (completed === 0) return { outcome: 'failed', reason: 'no request was answered' };
  return { outcome: check === 'full' ? 'intact' : 'unchecked', reason: null };
}

/** Totals as checkers of streams have them; `incidents` are the stored ones. */
export function httpTotals(
  { verified, wrong }: HttpCounts,
  incidents: readonly Incident[],
): CheckTotals {
  const byClass: CheckTotals['byClass'] = {};
  for (const { class: name } of incidents) byClass[name] = (byClass[name] ?? 0) + 1;
  const sum = (...names: readonly string[]) =>
    incidents
      .filter((incident) => names.includes(incident.class))
      .reduce((total, { length }) => total + length, 0);
  return {
    verified,
    corrupted: sum('unknown', 'foreign'),
    missing: sum('missing'),
    extra: sum('inserted'),
    incidents: wrong,
    byClass,
  };
}

const SHOWN = 256;

/**
 * The incident of one wrong body: `foreign` when it is another path's body, else by its length; the
 * offset is that of the first byte that differs. `connection` is the number of the path.
 */
export function differingBody(
  path: number,
  expected: string,
  got: string,
  bodies: readonly string[],
): Incident {
  const offset = firstDifference(expected, got);
  const other = bodies.indexOf(got);
  const hex = (text: string) =>
    Buffer.from(text.slice(offset, offset + SHOWN))
      .toString('hex')
      .slice(0, 2 * SHOWN);
  const common = {
    connection: path,
    direction: 'down' as const,
    offset,
    expected_hex: hex(expected),
    received_hex: hex(got),
  };
  if (other !== -1) {
    return {
      ...common,
      class: 'foreign',
      length: got.length - offset,
      origin_connection: other,
      origin_direction: 'down',
      origin_offset: offset,
    };
  }
  const change = got.length - expected.length;
  if (change < 0) return { ...common, class: 'missing', length: -change };
  if (change > 0) return { ...common, class: 'inserted', length: change };
  return { ...common, class: 'unknown', length: lastDifference(expected, got) + 1 - offset };
}

function firstDifference(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let index = 0; index < shorter; index++) if (a[index] !== b[index]) return index;
  return shorter;
}

function lastDifference(a: string, b: string): number {
  for (let index = a.length - 1; index > 0; index--) if (a[index] !== b[index]) return index;
  return 0;
}
