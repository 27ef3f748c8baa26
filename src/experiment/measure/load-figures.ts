/** Columns of workloads that count requests or connections. Pure. */
import type { Latency } from '../../data/native/native-surface.js';
import type { TrialColumns } from '../../data/record/trial-columns.js';
import type { TrialRecord } from '../../data/record/record.js';

/** The columns that such a workload adds to those of bytes; those it has not are null. */
export type LoadFigures = Partial<
  Pick<
    TrialColumns,
    | 'latency_p50_us'
    | 'latency_p99_us'
    | 'latency_p999_us'
    | 'latency_of'
    | 'requests'
    | 'requests_per_second'
    | 'intended_rate'
    | 'capacity_per_second'
    | 'connections_per_second'
    | 'transfers'
    | 'transfers_failed'
  >
> &
  Pick<TrialRecord, 'latency_mean_us'>;

/** How many samples a percentile needs above it to say anything: with fewer it is the maximum. */
const LEAST_ABOVE = 1;

/** A percentile that fewer samples than its share reach is not told. */
export function latencyColumns(latency: Latency, of: TrialColumns['latency_of']): LoadFigures {
  const told = (ns: number, share: number) =>
    latency.count * (1 - share) >= LEAST_ABOVE - 1e-9 ? ns / 1e3 : null;
  return {
    latency_p50_us: told(latency.p50Ns, 0.5),
    latency_p99_us: told(latency.p99Ns, 0.99),
    latency_p999_us: told(latency.p999Ns, 0.999),
    latency_of: latency.count > 0 ? of : null,
    ...(latency.count > 0 ? { latency_mean_us: latency.meanNs / 1e3 } : {}),
  };
}

/** Seconds between two snapshots of one end. */
export function secondsBetween(from: { timeNs: number }, to: { timeNs: number }): number {
  return (to.timeNs - from.timeNs) / 1e9;
}

export function rateOver(count: number, seconds: number): number | null {
  return seconds > 0 ? count / seconds : null;
}
