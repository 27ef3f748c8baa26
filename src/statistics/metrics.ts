/**
 * The metrics of summary.csv: what they are called, in which unit, and how a trial gives them.
 */
import type { TrialRecord, WorkloadKind } from '../results/record.js';

export interface Metric {
  name: string;
  unit: string;
  /** True when a larger figure is better. */
  moreIsBetter: boolean;
  /** The figure of one trial in `unit`, or null when it is unavailable. */
  of: (trial: TrialRecord) => number | null;
  /**
   * True for what a trial did to the host and to its bytes: it is taken of every trial that has it,
   * also of those that came to no good end, which have no speed.
   */
  whateverTheEnd: boolean;
}

/** In the order of the report. GB are 10^9 bytes. */
export const METRICS: readonly Metric[] = [
  metric('goodput', 'Gbps', true, (trial) => trial.goodput_gbps),
  metric('forwarder_cpu_per_gb', 's/GB', false, (trial) => trial.forwarder_cpu_seconds_per_gb),
  metric('system_cpu_per_gb', 's/GB', false, (trial) => trial.system_cpu_seconds_per_gb),
  metric('syscalls_per_gb', '1/GB', false, (trial) => trial.syscalls_per_gb),
  metric('bytes_per_syscall', 'B', true, (trial) => trial.bytes_per_syscall),
  metric('latency_p50', 'us', false, (trial) => trial.latency_p50_us),
  metric('latency_p99', 'us', false, (trial) => trial.latency_p99_us),
  metric('latency_p999', 'us', false, (trial) => trial.latency_p999_us),
  metric('requests_per_second', '1/s', true, (trial) => trial.requests_per_second),
  metric('connections_per_second', '1/s', true, (trial) => trial.connections_per_second),
  metric('zero_copy_share', 'share', true, (trial) => trial.zero_copy_share),
  whateverTheEnd('kernel_memory_peak', 'B', (trial) => trial.kernel_memory_peak_bytes),
  whateverTheEnd('backlog_peak', 'B', (trial) => trial.backlog_peak_bytes),
  whateverTheEnd('lost_bytes', 'B', (trial) => trial.lost_bytes),
  metric('forwarder_memory', 'B', false, (trial) => trial.forwarder_memory_bytes ?? null),
];

/** What each kind of workload is for: its ratio decides when a cell stops, and the verdict. */
const MAIN: Record<WorkloadKind, string> = {
  stream: 'goodput',
  exchange: 'latency_p99',
  churn: 'connections_per_second',
  http: 'requests_per_second',
};

/** @param kind absent in what was stored before there were kinds */
export function mainMetric(kind: WorkloadKind | undefined): Metric {
  const name = MAIN[kind ?? 'stream'];
  const found = METRICS.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no metric '${name}'`);
  return found;
}

export const METRIC_NAMES: readonly string[] = METRICS.map(({ name }) => name);

function metric(
  name: string,
  unit: string,
  moreIsBetter: boolean,
  of: (trial: TrialRecord) => number | null,
): Metric {
  return { name, unit, moreIsBetter, of: (trial) => finite(of(trial)), whateverTheEnd: false };
}

function whateverTheEnd(
  name: string,
  unit: string,
  of: (trial: TrialRecord) => number | null,
): Metric {
  return { ...metric(name, unit, false, of), whateverTheEnd: true };
}

/** A record of an earlier version lacks the columns of later ones. */
function finite(value: number | null | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
