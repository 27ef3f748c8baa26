/** Columns of workloads that count requests or connections. Pure. */
import type { Latency } from '../native-surface.js';
import type { TrialColumns } from '../results/record.js';

/** The columns that such a workload adds to those of bytes; those it has not are null. */
export type LoadFigures = Partial<
  Pick<
    TrialColumns,
    | 'latency_p50_us'
    | 'latency_p99_us'
    | 'latency_p999_us'
    | 'requests'
    | 'requests_per_second'
    | 'intended_rate'
    | 'capacity_per_second'
    | 'connections_per_second'
    | 'transfers'
    | 'transfers_failed'
  >
>;

/** How many samples a percentile needs above it to say anything: with fewer it is the maximum. */
const LEAST_ABOVE = 1;

/** A percentile that fewer samples than its share reach is not told. */
export function latencyColumns(latency: Latency): LoadFigures {
  const told = (ns: number, share: number) =>
    latency.count * (1 - share) >= LEAST_ABOVE - 1e-9 ? ns / 1e3 : null;
  return {
    latency_p50_us: told(latency.p50Ns, 0.5),
    latency_p99_us: told(latency.p99Ns, 0.99),
    latency_p999_us: told(latency.p999Ns, 0.999),
  };
}

/** Seconds between two snapshots of one end. */
export function secondsBetween(from: { timeNs: number }, to: { timeNs: number }): number {
  return (to.timeNs - from.timeNs) / 1e9;
}

export function rateOver(count: number, seconds: number): number | null {
  return seconds > 0 ? count / seconds : null;
}
