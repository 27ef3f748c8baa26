/** A finished trial, and where finished trials go. */
import type { Incident, TrialRecord } from './record.js';

/** What a trial yields: its record, and its incidents up to the stored limit. */
export interface TrialResult {
  record: TrialRecord;
  incidents: Incident[];
}

/** Where finished trials go. `trials` holds those of this run, earlier sessions included. */
export interface TrialStore {
  readonly run_id: string;
  readonly trials: readonly TrialRecord[];
  /** Returns when all of these are safe on disk, or none is; they are then also in `trials`. */
  append(...results: TrialResult[]): Promise<void>;
}
