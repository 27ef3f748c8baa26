/**
 * Trials without traffic: the tests of order, stopping, statistics and storage decide what each
 * trial yields and how long it takes on a clock of their own.
 */
import { type Incident, type TrialRecord } from '../../src/data/record/record.js';
import type { PlannedTrial } from '../../src/data/record/plan.js';
import { blankRecord } from '../../src/data/record/blank-record.js';
import type { TrialResult } from '../../src/data/record/trial-result.js';
import type { TrialExecutor } from '../../src/experiment/trial/executor.js';
import type { Clock } from '../../src/experiment/trial/schedule.js';

/** A clock that moves only when told. */
export class FakeClock implements Clock {
  private milliseconds = 0;

  now(): number {
    return this.milliseconds;
  }

  /** Moves on by some seconds. */
  advance(seconds: number): void {
    this.milliseconds += seconds * 1e3;
  }
}

/** What a fake trial yields. */
export interface FakeOutcome {
  /** Gbps; null as for a trial that gave no figure. */
  goodput?: number | null;
  /** Seconds of the clock the trial takes. By default warm-up plus window. */
  takes?: number;
  /** Any column that should differ from the default, `outcome` first of all. */
  record?: Partial<TrialRecord>;
  incidents?: Incident[];
}

/** Decides what a trial yields. Throwing makes the executor reject, as a bug would. */
export type FakeBehaviour = (trial: PlannedTrial) => FakeOutcome;

/** Runs no traffic. Rejects with the signal's reason when aborted before or during a trial. */
export class FakeExecutor implements TrialExecutor {
  /** Every trial asked for, in order, also those that were aborted. */
  readonly started: PlannedTrial[] = [];

  constructor(
    private readonly behaviour: FakeBehaviour,
    private readonly clock: FakeClock = new FakeClock(),
  ) {}

  run(trial: PlannedTrial, signal: AbortSignal): Promise<TrialResult> {
    return new Promise((resolve) => {
      resolve(this.result(trial, signal));
    });
  }

  private result(trial: PlannedTrial, signal: AbortSignal): TrialResult {
    signal.throwIfAborted();
    this.started.push(trial);
    const { goodput = null, takes, record, incidents = [] } = this.behaviour(trial);
    const { warmup, seconds } = trial.cell.workload;
    this.clock.advance(takes ?? warmup + seconds);
    signal.throwIfAborted();
    return { record: { ...fakeRecord(trial, goodput), ...record }, incidents };
  }
}

/**
 * The record of a trial that went well, with everything that was not measured unavailable.
 * @param goodput in Gbps
 */
export function fakeRecord(trial: PlannedTrial, goodput: number | null): TrialRecord {
  const { workload } = trial.cell;
  const bytes = goodput === null ? null : Math.round((goodput * 1e9 * workload.seconds) / 8);
  const checked = { verified_bytes: bytes, incidents: 0, corrupted_bytes: 0, missing_bytes: 0 };
  return {
    ...blankRecord(trial, '1970-01-01T00:00:00.000Z', {}),
    outcome: workload.check === 'full' ? 'intact' : 'unchecked',
    bottleneck: 'forwarder',
    seconds: workload.seconds,
    bytes,
    goodput_gbps: goodput,
    ...(workload.check === 'full' ? { ...checked, extra_bytes: 0 } : {}),
  };
}
