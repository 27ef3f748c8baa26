/** Summary rows for made-up trials: exact order statistics stand in for the real intervals. */
import { median } from 'simple-statistics';
import { METRIC_COLUMNS, type MetricName } from '../../src/report/model/report-types.js';
import { METRICS } from '../../src/data/record/metrics.js';
import { intervalAnswer } from '../../src/experiment/verdict/answer.js';
import type { SummaryRow } from '../../src/data/record/summary-columns.js';
import type { TrialRecord } from '../../src/data/record/record.js';

/** Median with smallest and largest as the interval, from six trials on; the same for ratios. */
export function bootstrapFreeSummary(
  trials: readonly TrialRecord[],
  baseline: string,
  limits: { lowerBound: boolean; coLimited: boolean },
): SummaryRow[] {
  const rows: SummaryRow[] = [];
  for (const cell of new Set(trials.map((trial) => trial.cell))) {
    const own = trials.filter((trial) => trial.cell === cell);
    for (const forwarder of new Set(own.map((trial) => trial.forwarder))) {
      for (const metric of Object.keys(METRIC_COLUMNS) as MetricName[]) {
        rows.push(row(own, forwarder, baseline, metric, limits));
      }
    }
  }
  return rows;
}

function row(
  trials: readonly TrialRecord[],
  forwarder: string,
  baseline: string,
  metric: MetricName,
  { lowerBound, coLimited }: { lowerBound: boolean; coLimited: boolean },
): SummaryRow {
  const column = METRIC_COLUMNS[metric];
  const own = trials.filter((trial) => trial.forwarder === forwarder);
  const [first] = own;
  if (first === undefined) throw new Error('a summary row needs a trial');
  const values = own.flatMap((trial) => trial[column] ?? []);
  const ratios = own.flatMap((trial) => {
    const other = trials.find(
      (candidate) => candidate.forwarder === baseline && candidate.block === trial.block,
    );
    const above = trial[column];
    const below = other?.[column] ?? null;
    return above === null || below === null || forwarder === baseline ? [] : [above / below];
  });
  const value = interval(values);
  const ratio = interval(ratios);
  return {
    scenario: first.scenario,
    topology: first.topology,
    forwarder,
    baseline,
    check: first.check,
    metric,
    unit: METRICS.find(({ name }) => name === metric)?.unit ?? '',
    n: values.length,
    median: value.median,
    ci_low: value.low,
    ci_high: value.high,
    ratio: ratio.median,
    ratio_ci_low: ratio.low,
    ratio_ci_high: ratio.high,
    significant: ratio.low === null || ratio.high === null ? null : ratio.low > 1 || ratio.high < 1,
    direction: first.direction,
    connections: first.connections,
    message_bytes: first.message_bytes,
    lower_bound: lowerBound,
    cell: first.cell,
    trials: own.length,
    excluded: own.length - values.length,
    pairs: ratios.length,
    unavailable: null,
    no_interval: values.length < 6 ? `${values.length} samples are too few, 6 are needed` : null,
    workload: 'stream',
    limited_by: metric === 'goodput' ? first.bottleneck : null,
    co_limited: coLimited,
    answer: forwarder === baseline ? null : intervalAnswer(intervalOf(ratio), 0.03),
    equivalent_within: 0.03,
    ratio_confidence: ratio.low === null ? null : 0.95,
    payload: first.payload,
    compares: 'forwarders',
    pages: null,
  };
}

interface Interval {
  median: number | null;
  low: number | null;
  high: number | null;
}

function intervalOf({ low, high }: Interval): { low: number; high: number } | null {
  return low === null || high === null ? null : { low, high };
}

function interval(values: readonly number[]): Interval {
  if (values.length === 0) return { median: null, low: null, high: null };
  const known = values.length >= 6;
  return {
    median: median([...values]),
    low: known ? Math.min(...values) : null,
    high: known ? Math.max(...values) : null,
  };
}
