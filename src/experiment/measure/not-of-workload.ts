/** Which columns a workload does not measure, and why. */
import type { WorkloadKind } from '../../data/record/words.js';
import type { TrialColumns } from '../../data/record/trial-columns.js';

const LATENCY: readonly WorkloadKind[] = ['exchange', 'churn', 'http'];
const REQUESTS: readonly WorkloadKind[] = ['exchange', 'http'];
const EXCHANGE: readonly WorkloadKind[] = ['exchange'];
const CHURN: readonly WorkloadKind[] = ['churn'];

/** The kinds that measure a column which not all do. */
const MEASURED_BY: Partial<Record<keyof TrialColumns, readonly WorkloadKind[]>> = {
  latency_p50_us: LATENCY,
  latency_p99_us: LATENCY,
  latency_p999_us: LATENCY,
  latency_of: LATENCY,
  requests: REQUESTS,
  requests_per_second: REQUESTS,
  intended_rate: REQUESTS,
  capacity_per_second: EXCHANGE,
  connections_per_second: CHURN,
  transfers: CHURN,
  transfers_failed: CHURN,
};

/** Null although the workload has the column. */
const ABSENT: Partial<Record<keyof TrialColumns, string>> = {
  latency_p50_us: 'nothing came back in the window',
  latency_of: 'nothing came back in the window',
  latency_p99_us: 'fewer than 100 samples say nothing of the slowest hundredth',
  latency_p999_us: 'fewer than 1000 samples say nothing of the slowest thousandth',
  intended_rate: 'a closed loop intends no rate',
  capacity_per_second: 'only workload.load looks for the capacity',
};

/** Why the workload of a record leaves a column empty; null when it should have it. */
export function notOfWorkload(
  column: keyof TrialColumns,
  { workload, outcome }: Pick<TrialColumns, 'workload' | 'outcome'>,
): string | null {
  const kinds = MEASURED_BY[column];
  if (kinds === undefined) return null;
  if (!kinds.includes(workload)) {
    const what =
      LATENCY === kinds ? 'measures no latency' : `has no ${column.replaceAll('_', ' ')}`;
    return `a ${workload} workload ${what}`;
  }
  return outcome === 'failed' ? null : (ABSENT[column] ?? null);
}
