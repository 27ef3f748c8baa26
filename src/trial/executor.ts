import type { Incident, TrialRecord } from '../results/record.js';
import type { PlannedTrial } from '../scenario/plan.js';

/** What a trial yields: its record, and its incidents up to the stored limit. */
export interface TrialResult {
  record: TrialRecord;
  incidents: Incident[];
}

/**
 * Runs one trial. It never rejects for what happens to the traffic: a forwarder that cannot start or
 * dies yields a record with outcome `failed`, `reset` or `stalled`. It rejects only with the
 * signal's reason when aborted, after everything it started has ended.
 */
export interface TrialExecutor {
  run(trial: PlannedTrial, signal: AbortSignal): Promise<TrialResult>;
}
