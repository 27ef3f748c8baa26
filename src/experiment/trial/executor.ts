import type { TrialResult } from '../../data/record/trial-result.js';
import type { PlannedTrial } from '../../data/record/plan.js';

/**
 * Runs one trial. It never rejects for what happens to the traffic: a forwarder that cannot start or
 * dies yields a record with outcome `failed`, `reset` or `stalled`. It rejects only with the
 * signal's reason when aborted, after everything it started has ended.
 */
export interface TrialExecutor {
  run(trial: PlannedTrial, signal: AbortSignal): Promise<TrialResult>;
  /**
   * Runs trials of one cell as the arms of a set, all alive at once; a result for each, in their order.
   * Absent where sets cannot be run: each trial then runs alone.
   * @param next asked when nothing is measured any more: the trials of the set that is likely to follow, whose
   *   processes may be started then; empty = none is known
   */
  runSet?(
    trials: readonly PlannedTrial[],
    signal: AbortSignal,
    next?: () => readonly PlannedTrial[],
  ): Promise<TrialResult[]>;
  /** Why a trial cannot be an arm of a set, beside what its workload says of it, in words; null = it can. */
  whyAlone?(trial: PlannedTrial): string | null;
  /** Ends what was started for a set that does not come. Never throws. */
  endPrepared?(): Promise<void>;
}
