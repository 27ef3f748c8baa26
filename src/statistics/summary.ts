/**
 * The rows of summary.csv: a pure function of the stored trials.
 */
import type {
  Bottleneck,
  Outcome,
  SummaryRow,
  TrialRecord,
  Unavailable,
} from '../results/record.js';
import { type Cell, messageBytes } from '../scenario/plan.js';
import { leftOutOf } from '../trial/availability.js';
import { estimateMedian } from './interval.js';
import { type Metric, METRICS } from './metrics.js';
import { type BlockSample, pairedRatio, type RatioEstimate } from './ratio.js';

/**
 * Outcomes whose figures count. `corrupt` and `extra` were forwarded to the end, so they have a speed;
 * that the bytes were wrong is said elsewhere, and louder.
 */
const USABLE: readonly Outcome[] = ['intact', 'unchecked', 'corrupt', 'extra'];

/** True when a trial came to its end, and not under strace, so that its figures mean something. */
export function isUsable(trial: TrialRecord): boolean {
  return USABLE.includes(trial.outcome) && trial.under_strace !== true;
}

/** True when a trial's figure counts: always where it is usable, and of some metrics even elsewhere. */
function countsFor(metric: Metric, trial: TrialRecord): boolean {
  return isUsable(trial) || (metric.whateverTheEnd && trial.under_strace !== true);
}

/**
 * Summarises trials: one row per cell, forwarder and metric, in the order of the cells, of the first
 * appearance of the forwarders and of `METRICS`. A metric that no forwarder of a cell has is left out,
 * except goodput. Medians are per trial; ratios are paired by block.
 * @param trials of one or more scenarios; those of cells not given are ignored
 * @param cells the conditions, which also say the baseline
 * @param forwarders labels in the order wanted; others follow
 * @param unavailable who was left out: each gets a row of goodput with n = 0 and the reason
 */
export function summarise(
  trials: readonly TrialRecord[],
  cells: readonly Cell[],
  forwarders: readonly string[] = [],
  unavailable: readonly Unavailable[] = [],
): SummaryRow[] {
  return cells.flatMap((cell) => {
    const ofCell = trials.filter((trial) => trial.cell === cell.key);
    const present = new Set(ofCell.map(({ forwarder }) => forwarder));
    const labels = [...forwarders.filter((label) => present.delete(label)), ...present];
    const metrics = METRICS.filter(
      (metric) =>
        metric.name === 'goodput' ||
        ofCell.some((trial) => countsFor(metric, trial) && metric.of(trial) !== null),
    );
    const leftOut = leftOutOf(unavailable, cell).filter(
      ({ forwarder }) => !labels.includes(forwarder),
    );
    return [
      ...labels.flatMap((label) => metrics.map((metric) => row(cell, label, metric, ofCell))),
      ...leftOut.flatMap(({ forwarder, reason }) =>
        metrics
          .filter(({ name }) => name === 'goodput')
          .map((metric) => ({ ...row(cell, forwarder, metric, ofCell), unavailable: reason })),
      ),
    ];
  });
}

/** The figures of one forwarder, by block; only of trials that count for the metric. */
export function samplesOf(
  trials: readonly TrialRecord[],
  forwarder: string,
  metric: Metric,
): BlockSample[] {
  return trials.flatMap((trial) => {
    if (trial.forwarder !== forwarder || !countsFor(metric, trial)) return [];
    const value = metric.of(trial);
    return value === null ? [] : [{ block: trial.block, value }];
  });
}

/** How often each outcome occurred, in the order of first occurrence. */
export function countOutcomes(trials: readonly TrialRecord[]): Partial<Record<Outcome, number>> {
  const counts: Partial<Record<Outcome, number>> = {};
  for (const { outcome } of trials) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

function row(
  cell: Cell,
  forwarder: string,
  metric: Metric,
  ofCell: readonly TrialRecord[],
): SummaryRow {
  const { workload, topology, baseline } = cell;
  const own = ofCell.filter((trial) => trial.forwarder === forwarder);
  const samples = samplesOf(ofCell, forwarder, metric);
  const estimate = estimateMedian(samples.map(({ value }) => value));
  const ratio = ratioToBaseline(forwarder, baseline, samples, metric, ofCell);
  return {
    scenario: cell.scenario,
    topology: topology.kind,
    forwarder,
    baseline,
    check: workload.check,
    metric: metric.name,
    unit: metric.unit,
    n: estimate.n,
    median: estimate.median,
    ci_low: estimate.interval?.low ?? null,
    ci_high: estimate.interval?.high ?? null,
    ratio: ratio?.median ?? null,
    ratio_ci_low: ratio?.interval?.low ?? null,
    ratio_ci_high: ratio?.interval?.high ?? null,
    significant: ratio?.significant ?? null,
    direction: workload.direction,
    connections: workload.connections,
    message_bytes: messageBytes(workload),
    // Only a speed is bounded by who was in the way; a cost is what it is.
    lower_bound:
      metric.name === 'goodput' &&
      [forwarder, baseline].some((label) => limitOf(ofCell, label, OTHERS) !== null),
    cell: cell.key,
    trials: own.length,
    excluded: own.filter((trial) => !isUsable(trial)).length,
    pairs: ratio?.n ?? 0,
    no_interval: estimate.reason,
    workload: workload.kind,
    unavailable: null,
    limited_by: metric.name === 'goodput' ? mostOften(own.filter(isUsable)) : null,
  };
}

function ratioToBaseline(
  forwarder: string,
  baseline: string,
  samples: readonly BlockSample[],
  metric: Metric,
  ofCell: readonly TrialRecord[],
): RatioEstimate | null {
  if (forwarder === baseline) return null;
  return pairedRatio(samples, samplesOf(ofCell, baseline, metric));
}

/** The limit of more than half of the trials. */
function mostOften(trials: readonly TrialRecord[]): Bottleneck | null {
  const names = new Set(trials.flatMap(({ bottleneck }) => bottleneck ?? []));
  const times = (name: Bottleneck) => trials.filter(({ bottleneck }) => bottleneck === name).length;
  return [...names].find((name) => times(name) * 2 > trials.length) ?? null;
}

/** What is in a forwarder's way. */
export const OTHERS: readonly Bottleneck[] = ['source', 'sink', 'link'];

/**
 * Which of these limits held a forwarder back in more than half of its usable trials, together: the one
 * that did so most often; null where they did not.
 */
export function limitOf(
  trials: readonly TrialRecord[],
  forwarder: string,
  limits: readonly Bottleneck[],
): Bottleneck | null {
  const own = trials.filter((trial) => trial.forwarder === forwarder && isUsable(trial));
  const counts = limits.map((limit) => ({
    limit,
    count: own.filter(({ bottleneck }) => bottleneck === limit).length,
  }));
  if (counts.reduce((sum, { count }) => sum + count, 0) * 2 <= own.length) return null;
  const [most] = counts.toSorted((a, b) => b.count - a.count);
  return most?.limit ?? null;
}
