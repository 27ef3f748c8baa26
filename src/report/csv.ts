import { stringify } from 'csv-stringify/sync';
import type { SummaryRow, TrialColumns } from '../results/record.js';
import type { Exporter } from './model.js';

/** Columns of trials.csv: the contract's in its order, then further ones. */
export const TRIAL_COLUMNS = [
  'run_id',
  'trial_id',
  'block',
  'position',
  'scenario',
  'topology',
  'forwarder',
  'direction',
  'connections',
  'message_bytes',
  'check',
  'outcome',
  'bottleneck',
  'seconds',
  'bytes',
  'goodput_gbps',
  'forwarder_cpu_seconds',
  'forwarder_cpu_seconds_per_gb',
  'system_cpu_seconds_per_gb',
  'syscalls',
  'syscalls_per_gb',
  'bytes_per_syscall',
  'syscall_source',
  'latency_p50_us',
  'latency_p99_us',
  'latency_p999_us',
  'verified_bytes',
  'incidents',
  'corrupted_bytes',
  'missing_bytes',
  'extra_bytes',
  'kernel_memory_peak_bytes',
  'retransmits',
  'error',
  'forwarder_utilisation',
  'source_utilisation',
  'sink_utilisation',
  'context_switches',
  'workload',
  'requests',
  'requests_per_second',
  'intended_rate',
  'capacity_per_second',
  'connections_per_second',
  'transfers',
  'transfers_failed',
  'zero_copy_share',
  'packets',
  'bytes_per_packet',
  'packet_drops',
  'softirq_cpu_seconds_per_gb',
  'under_strace',
  'pause_frames',
  'link_gbps',
  'emulated',
  'backlog_peak_bytes',
  'lost_bytes',
  'forwarder_memory_bytes',
] as const satisfies readonly (keyof TrialColumns)[];

/** Columns of summary.csv: the contract's in its order, then further ones. */
export const SUMMARY_COLUMNS = [
  'scenario',
  'topology',
  'forwarder',
  'baseline',
  'check',
  'metric',
  'unit',
  'n',
  'median',
  'ci_low',
  'ci_high',
  'ratio',
  'ratio_ci_low',
  'ratio_ci_high',
  'significant',
  'direction',
  'connections',
  'message_bytes',
  'lower_bound',
  'cell',
  'trials',
  'excluded',
  'pairs',
  'no_interval',
  'workload',
  'unavailable',
  'limited_by',
] as const satisfies readonly (keyof SummaryRow)[];

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

/** A number that is not finite was never measured: the contract wants it empty, not "NaN". */
function field(value: Value | undefined): string {
  // Undefined: a record of an earlier version, which did not have the column yet.
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  return String(value);
}
