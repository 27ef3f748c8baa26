/** How verdicts speak of a forwarder beside its baseline. */
import { ratioNumber } from '../report/quantity.js';
import type { SummaryRow, WorkloadKind } from './record.js';

/** What a workload is for, of one forwarder against its baseline in one cell, with its CPU beside it. */
export interface Comparison {
  main: SummaryRow;
  /** The baseline's own. */
  base: SummaryRow | null;
  cpu: SummaryRow | null;
  use: string;
}

export const VERBS: Readonly<Record<WorkloadKind, { present: string; past: string }>> = {
  stream: { present: 'forwards', past: 'forwarded' },
  exchange: { present: 'answers within', past: 'answered within' },
  churn: { present: 'bears', past: 'bore' },
  http: { present: 'lets through', past: 'let through' },
};

/** "2.31x as fast as copying", "1.10x of copy's p99". */
export function compared(row: SummaryRow, figures: string): string {
  switch (row.workload ?? 'stream') {
    case 'exchange':
      return `${figures} of ${row.baseline}'s p99`;
    case 'churn':
      return `${figures} as many connections per second as ${baselineName(row.baseline)}`;
    case 'http':
      return `${figures} as many requests per second as ${baselineName(row.baseline)}`;
    case 'stream':
      return `${figures} as fast as ${baselineName(row.baseline)}`;
  }
}

export function subjectName({ main, use }: Comparison): string {
  return use === 'poc' ? `${main.forwarder}, the program of 2008,` : main.forwarder;
}

export function baselineName(baseline: string): string {
  return baseline === 'copy' ? 'copying' : baseline;
}

export function intervalText(row: SummaryRow): string {
  if (row.ratio_ci_low === null || row.ratio_ci_high === null) return '';
  return ` (${ratioNumber(row.ratio_ci_low)} to ${ratioNumber(row.ratio_ci_high)})`;
}
