import { SUMMARY_COLUMNS } from '../../data/record/summary-columns.js';
import { stringify } from 'csv-stringify/sync';
import { TRIAL_COLUMNS } from '../../data/record/trial-columns.js';
import type { Exporter } from '../model/report-types.js';

/** trials.csv: one row per trial, empty where a figure is unavailable. */
export const trialsCsv: Exporter = {
  file: 'trials.csv',
  write: (report) => table(TRIAL_COLUMNS, report.trials),
};

/** summary.csv: one row per metric, forwarder and cell. */
export const summaryCsv: Exporter = {
  file: 'summary.csv',
  write: (report) => table(SUMMARY_COLUMNS, report.summary),
};

type Value = string | number | boolean | null;

/** Records of an earlier version lack the columns of later ones. */
function table<Column extends string>(
  columns: readonly Column[],
  records: readonly Partial<Record<Column, Value>>[],
): string {
  const rows = records.map((record) => columns.map((column) => field(record[column] ?? null)));
  return stringify([[...columns], ...rows]);
}

/** A number that is not finite was never measured: it is empty, not "NaN". */
function field(value: Value): string {
  if (value === null) return '';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  return String(value);
}
