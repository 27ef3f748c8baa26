/**
 * Thresholds: conditions on the results that set the exit code, such as
 * `splice.ratio.goodput >= 1.5`, `copy.forwarder_cpu_per_gb <= 0.6`, `incidents == 0` or
 * `corruption < 1/TB`, which bounds what was not seen.
 * A forwarder or metric that does not exist is an error when the scenario is read, never a
 * condition that silently holds. A figure that a run could not obtain does not meet its threshold.
 */
import { VIOLATIONS } from '../../data/record/words.js';
import { type SummaryRow } from '../../data/record/summary-columns.js';
import { type TrialRecord } from '../../data/record/record.js';
import { type BoundProgress, boundProgress } from '../../data/integrity/bound-reached.js';
import { METRIC_NAMES } from '../../data/record/metrics.js';
import { type BoundQuantity, looksLikeBound, parseBound, boundRateText } from './bound.js';
import { plural } from '../../base/units/quantity.js';
import { comparesConditions } from './verdict-conditions.js';
import { suggestion } from '../../base/text/nearest.js';

const OPERATORS = ['>=', '<=', '==', '!=', '>', '<'] as const;
export type Operator = (typeof OPERATORS)[number];

/**
 * Counts over trials. `incidents` are the stored ones, and one for every trial with an integrity
 * violation that has none (a truncated stream); `violations` are trials with exit code 3; `failures`
 * are trials that failed, were reset or stalled.
 */
const COUNTS = [
  'incidents',
  'corrupted_bytes',
  'missing_bytes',
  'extra_bytes',
  'violations',
  'failures',
] as const;
export type Count = (typeof COUNTS)[number];

/** What a threshold looks at. `forwarder` null = all of them together. */
export type ThresholdQuantity =
  | { kind: 'metric'; forwarder: string; metric: string }
  | { kind: 'ratio'; forwarder: string; metric: string }
  | { kind: 'count'; forwarder: string | null; count: Count }
  | BoundQuantity;

export interface Threshold {
  /** As written. */
  text: string;
  quantity: ThresholdQuantity;
  operator: Operator;
  limit: number;
}

/** `unavailable` counts as not met. */
export type ThresholdVerdict = 'met' | 'not met' | 'unavailable';

export interface ThresholdResult {
  threshold: Threshold;
  verdict: ThresholdVerdict;
  /** The figure that decided: the worst over all cells; null when unavailable. */
  value: number | null;
  /** The cell the value is from; null for counts and when unavailable. */
  cell: string | null;
  /** In words, e.g. "1.43 in loopback/check=none; a lower bound: the link was the limit". */
  detail: string;
}

/**
 * Parses one threshold.
 * @param text e.g. `splice.ratio.goodput >= 1.5`
 * @param labels the forwarders of the scenario
 * @param baseline the one of them that ratios are relative to
 * @returns the threshold, or what is wrong with it
 */
export function parseThreshold(
  text: string,
  labels: readonly string[],
  baseline: string,
): Threshold | string {
  if (looksLikeBound(text)) {
    const bound = parseBound(text, labels);
    if (typeof bound === 'string') return `threshold '${text}': ${bound}`;
    return { text: text.trim(), operator: '<', ...bound };
  }
  const match = /^\s*(.+?)\s*(>=|<=|==|!=|>|<)\s*(\S+)\s*$/.exec(text);
  const limit = Number(match?.[3] ?? Number.NaN);
  const operator = OPERATORS.find((candidate) => candidate === match?.[2]);
  if (match === null || operator === undefined || !Number.isFinite(limit)) {
    return (
      `threshold '${text}': expected QUANTITY OPERATOR NUMBER, ` +
      `such as 'splice.ratio.goodput >= 1.5' or 'incidents == 0'`
    );
  }
  const quantity = parseQuantity(match[1] ?? '', labels);
  if (typeof quantity === 'string') return `threshold '${text}': ${quantity}`;
  if (quantity.kind === 'ratio' && quantity.forwarder === baseline) {
    return `threshold '${text}': '${baseline}' is the baseline, so it has no ratio`;
  }
  return { text: text.trim(), quantity, operator, limit };
}

function parseQuantity(text: string, labels: readonly string[]): ThresholdQuantity | string {
  const alone = COUNTS.find((count) => count === text);
  if (alone !== undefined) return { kind: 'count', forwarder: null, count: alone };
  // Labels may hold dots, so the longest that fits is meant.
  const forwarder = labels
    .filter((label) => text.startsWith(`${label}.`))
    .sort((a, b) => b.length - a.length)[0];
  if (forwarder === undefined) {
    const [word = '', ...rest] = text.split('.');
    if (rest.length === 0) return `unknown quantity '${word}'${suggestion(word, COUNTS)}`;
    return `unknown forwarder '${word}'${suggestion(word, labels)}`;
  }
  const name = text.slice(forwarder.length + 1);
  const count = COUNTS.find((candidate) => candidate === name);
  if (count !== undefined) return { kind: 'count', forwarder, count };
  const isRatio = name.startsWith('ratio.');
  const metric = isRatio ? name.slice('ratio.'.length) : name;
  if (!METRIC_NAMES.includes(metric)) {
    const valid = isRatio ? METRIC_NAMES : [...METRIC_NAMES, ...COUNTS];
    return `unknown metric '${metric}'${suggestion(metric, valid)}`;
  }
  return { kind: isRatio ? 'ratio' : 'metric', forwarder, metric };
}

/**
 * Evaluates thresholds against one scenario's results.
 * Metrics and ratios are medians, and must hold in every cell where the forwarder ran.
 * @param rows summary rows of the scenario
 * @param trials trials of the scenario
 */
export function evaluateThresholds(
  thresholds: readonly Threshold[],
  rows: readonly SummaryRow[],
  trials: readonly TrialRecord[],
): ThresholdResult[] {
  return thresholds.map((threshold) => {
    const { quantity } = threshold;
    switch (quantity.kind) {
      case 'count':
        return evaluateCount(threshold, quantity, trials);
      case 'bound':
        return evaluateBound(threshold, quantity, trials);
      default:
        return evaluateMetric(threshold, quantity, rows);
    }
  });
}

/**
 * How far each forwarder that a bound is about has come.
 * @returns those of which bytes were compared or something was found; nothing is known of the others
 */
export function progressOf(
  { quantity: { forwarder, unit, per, looks }, limit }: BoundThreshold,
  trials: readonly TrialRecord[],
): BoundProgress[] {
  const labels = forwarder === null ? new Set(trials.map((one) => one.forwarder)) : [forwarder];
  return [...labels]
    .map((label) => boundProgress(label, trials, unit, limit / per, looks ?? 'once'))
    .filter(({ exposure, events }) => exposure > 0 || events > 0);
}

/** A threshold on the rate of corruption. */
export type BoundThreshold = Threshold & { quantity: BoundQuantity };

export function isBound(threshold: Threshold): threshold is BoundThreshold {
  return threshold.quantity.kind === 'bound';
}

function evaluateBound(
  threshold: Threshold,
  quantity: BoundQuantity,
  trials: readonly TrialRecord[],
): ThresholdResult {
  const worst = progressOf({ ...threshold, quantity }, trials)
    .sort((a, b) => (b.high ?? Infinity) - (a.high ?? Infinity))
    .at(0);
  if (worst === undefined) {
    const who = quantity.forwarder ?? 'any forwarder';
    const detail = `no byte of ${who} was compared`;
    return { threshold, verdict: 'unavailable', value: null, cell: null, detail };
  }
  if (worst.high === null) {
    const found = plural(worst.events, 'incident');
    const detail = `${found} of ${worst.forwarder}, none of whose bytes were compared`;
    return { threshold, verdict: 'not met', value: null, cell: null, detail };
  }
  return {
    threshold,
    verdict: worst.reached ? 'met' : 'not met',
    value: worst.high * quantity.per,
    cell: null,
    detail: `${worst.forwarder} below ${boundRateText(worst.high, quantity)} at 95 %`,
  };
}

function evaluateMetric(
  threshold: Threshold,
  { kind, forwarder, metric }: Extract<ThresholdQuantity, { kind: 'metric' | 'ratio' }>,
  rows: readonly SummaryRow[],
): ThresholdResult {
  const cells = rows
    .filter((row) => row.forwarder === forwarder && row.metric === metric)
    .map((row) => ({ row, value: kind === 'ratio' ? row.ratio : row.median }));
  const missing = cells.filter(({ value }) => value === null);
  const known = cells.flatMap(({ row, value }) => (value === null ? [] : [{ row, value }]));
  const worst = known.reduce<(typeof known)[number] | null>(
    (worstYet, each) =>
      worstYet === null || margin(each.value, threshold) < margin(worstYet.value, threshold)
        ? each
        : worstYet,
    null,
  );
  if (worst === null || missing.length > 0) {
    const where = missing.map(({ row }) => row.cell).join(', ');
    const what = `${forwarder} has no ${kind === 'ratio' ? `ratio of ${metric}` : metric}`;
    const detail = where === '' ? `${what} in this run` : `${what} in ${where}`;
    return { threshold, verdict: 'unavailable', value: null, cell: null, detail };
  }
  const { row, value } = worst;
  const limited =
    kind !== 'ratio' ? '' : row.lower_bound ? BOUND : row.co_limited ? CO_LIMITED : '';
  const conditions = kind === 'ratio' && comparesConditions(row) ? CONDITIONS : '';
  return {
    threshold,
    verdict: holds(value, threshold) ? 'met' : 'not met',
    value,
    cell: row.cell,
    detail: `${Number(value.toPrecision(4))} in ${row.cell}${conditions}${limited}`,
  };
}

const CONDITIONS =
  "; a comparison of conditions: its check, payload or pages are its own, not the baseline's";
const BOUND = '; a lower bound: what lies around the forwarder was the limit';
const CO_LIMITED =
  "; co-limited: source and sink share the forwarder's host, so CPU per GB decides";

function evaluateCount(
  threshold: Threshold,
  { forwarder, count }: Extract<ThresholdQuantity, { kind: 'count' }>,
  trials: readonly TrialRecord[],
): ThresholdResult {
  const relevant = trials.filter((trial) => forwarder === null || trial.forwarder === forwarder);
  const needsContents = count !== 'violations' && count !== 'failures';
  const looked = needsContents
    ? relevant.filter((trial) => trial.check === 'full' || isViolated(trial))
    : relevant;
  const values = looked.map((trial) => countOf(trial, count));
  const unknown = values.filter((value) => value === null).length;
  const sum = values.reduce<number>((total, value) => total + (value ?? 0), 0);
  // A count only grows: one that is too high already needs no missing parts to be known.
  const surelyBroken = !holds(sum, threshold) && ['<=', '<', '=='].includes(threshold.operator);
  if (looked.length === 0 || (unknown > 0 && !(surelyBroken && sum > threshold.limit))) {
    const detail =
      looked.length === 0
        ? needsContents
          ? 'no trial checked the bytes'
          : 'no trial ran'
        : `${unknown} of ${looked.length} trials have no count of ${count}`;
    return { threshold, verdict: 'unavailable', value: null, cell: null, detail };
  }
  const verdict = holds(sum, threshold) ? 'met' : 'not met';
  return {
    threshold,
    verdict,
    value: sum,
    cell: null,
    detail: `${sum} in ${looked.length} trials`,
  };
}

function countOf(trial: TrialRecord, count: Count): number | null {
  const violated = isViolated(trial);
  switch (count) {
    case 'violations':
      return violated || (trial.incidents ?? 0) > 0 ? 1 : 0;
    case 'failures':
      return ['failed', 'reset', 'stalled'].includes(trial.outcome) ? 1 : 0;
    case 'incidents':
      return violated ? Math.max(trial.incidents ?? 0, 1) : trial.incidents;
    default:
      return trial[count];
  }
}

function isViolated(trial: TrialRecord): boolean {
  return VIOLATIONS.includes(trial.outcome);
}

function holds(value: number, { operator, limit }: Threshold): boolean {
  switch (operator) {
    case '>=':
      return value >= limit;
    case '<=':
      return value <= limit;
    case '>':
      return value > limit;
    case '<':
      return value < limit;
    case '==':
      return value === limit;
    case '!=':
      return value !== limit;
  }
}

/** How far a value is on the good side of its limit; negative when it is not. */
function margin(value: number, { operator, limit }: Threshold): number {
  switch (operator) {
    case '>=':
    case '>':
      return value - limit;
    case '<=':
    case '<':
      return limit - value;
    case '==':
      return -Math.abs(value - limit);
    case '!=':
      return Math.abs(value - limit);
  }
}
