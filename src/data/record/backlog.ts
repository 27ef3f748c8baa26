/** What a forwarder saw the kernel hold of its streams beyond any socket's account. */
import type { TrialRecord } from './record.js';

/** Bytes; null where the forwarder has no such backlog, or did not look. */
export interface Backlog {
  /** The most that was seen at a time. */
  peak: number | null;
  /** What was still in it when the stream's end was passed on, and is gone. */
  lost: number | null;
}

export function backlogOf(detail: TrialRecord['forwarder_detail']): Backlog {
  const { backlog_peak_bytes: peak, lost_bytes: lost } = detail;
  return {
    peak: typeof peak === 'number' ? peak : null,
    lost: typeof lost === 'number' ? lost : null,
  };
}
