/** How verdicts speak of a forwarder beside its baseline. */
import { ratioNumber } from '../../base/units/quantity.js';
import { formatShare } from '../../base/units/sizes.js';
import { roomOf } from '../workload/rooms.js';
import type { SummaryRow } from '../../data/record/summary-columns.js';

/** What a workload is for, of one forwarder against its baseline in one cell, with its CPU beside it. */
export interface BaselineComparison {
  main: SummaryRow;
  /** The baseline's own. */
  base: SummaryRow | null;
  cpu: SummaryRow | null;
  /** CPU of the whole system. */
  system: SummaryRow | null;
  /** The baseline's own of both. */
  baseCpu: SummaryRow | null;
  baseSystem: SummaryRow | null;
  use: string;
}

/** "2.31x as fast as copying", "1.10x of copy's p99". */
export function compared({ workload, baseline }: SummaryRow, figures: string): string {
  return roomOf(workload).compared(figures, { label: baseline, name: baselineName(baseline) });
}

export function subjectName({ main, use }: BaselineComparison): string {
  return use === 'poc' ? `${main.forwarder}, the program of 2008,` : main.forwarder;
}

export function baselineName(baseline: string): string {
  return baseline === 'copy' ? 'copying' : baseline;
}

export function intervalText(row: SummaryRow): string {
  if (row.ratio_ci_low === null || row.ratio_ci_high === null) return '';
  return ` (${ratioNumber(row.ratio_ci_low)} to ${ratioNumber(row.ratio_ci_high)})`;
}

/** "±3%". */
export function marginText({ equivalent_within: margin }: SummaryRow): string {
  return `±${formatShare(margin)}`;
}
