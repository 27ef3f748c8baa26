/**
 * The metrics of summary.csv: what they are called, in which unit, and how a trial gives them.
 */
import { type Column, type ColumnMetric } from './column.js';
import { TRIAL_COLUMNS, TRIAL_TABLE } from './trial-columns.js';
import type { TrialRecord } from './record.js';

export interface Metric extends ColumnMetric {
  /** The figure of one trial in `unit`, or null when it is unavailable. */
  of: (trial: TrialRecord) => number | null;
}

/** In the order of the columns. */
export const METRICS: readonly Metric[] = TRIAL_COLUMNS.flatMap((column) => {
  const { metric }: Column<unknown> = TRIAL_TABLE[column];
  return metric === undefined ? [] : [{ ...metric, of: (trial) => finite(trial[column]) }];
});

export const METRIC_NAMES: readonly string[] = METRICS.map(({ name }) => name);

/** A record of an earlier version lacks the columns of later ones. */
function finite(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
