/**
 * What a run tells while it runs. `run --json` prints each as a line; users' scripts rely on the keys.
 */
import type { TrialRecord, Unavailable } from '../../data/record/record.js';
import type { Blocks } from '../scenario/expand.js';
import type { RatioWidth } from './stopping.js';

/** How far a run is. Stopping early is the rule's decision, hence "at most". */
export interface EtaFigures {
  elapsed_seconds: number;
  remaining_seconds_at_most: number;
  /** Trials of this session. */
  trials_done: number;
  trials_left_at_most: number;
}

export type RunEvent =
  | {
      event: 'run-start';
      run_id: string;
      scenario: string;
      seed: string;
      cells: string[];
      forwarders: string[];
      blocks: Blocks;
      trials_at_least: number;
      trials_at_most: number;
      /** Trials of this scenario that earlier sessions of the run have stored. */
      trials_stored: number;
      eta: EtaFigures;
    }
  /** After run-start, for each forwarder that is left out. */
  | ({ event: 'unavailable' } & Unavailable)
  | {
      event: 'trial-start';
      trial_id: string;
      block: number;
      position: number;
      cell: string;
      forwarder: string;
      eta: EtaFigures;
    }
  | { event: 'trial-end'; record: TrialRecord; eta: EtaFigures }
  | {
      event: 'block-end';
      block: number;
      /** Of every cell that took part. */
      widths: (RatioWidth & { cell: string })[];
      eta: EtaFigures;
    }
  /** After block-end, of a run `--until` a bound. */
  | {
      event: 'bound';
      block: number;
      reached: boolean;
      /** Why it cannot be reached; null while it can. */
      impossible: string | null;
      /** If nothing more is found; null when it cannot be told. */
      blocks_left: number | null;
      seconds_left: number | null;
      /** How far it is and how long it will take, in words. */
      text: string;
    }
  | { event: 'cell-stopped'; cell: string; blocks: number; reason: string }
  | {
      event: 'run-end';
      run_id: string;
      scenario: string;
      interrupted: boolean;
      /** Trials run in this session. */
      trials: number;
      elapsed_seconds: number;
      /** Why each cell stopped, by cell key. */
      stopping: Record<string, string>;
    };
