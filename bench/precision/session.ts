/** Runs what is missing of a session, in its order. */
import { derivedSeed } from '../../src/base/statistics/random.js';
import type { TrialExecutor } from '../../src/experiment/trial/executor.js';
import type { Clock } from '../../src/experiment/trial/schedule.js';
import { type MeasuredRun, measureRun } from './measured-run.js';
import { type PlannedRun, plannedRuns } from './plan.js';
import type { PrecisionStore } from './store.js';

/** What keeps the CPUs busy meanwhile. */
export interface Busy {
  /** Throws where it does not any more. */
  assertAlive(): void;
  end(): Promise<void>;
}

export interface SessionSetting {
  store: PrecisionStore;
  executor: TrialExecutor;
  signal: AbortSignal;
  clock?: Clock;
  /** Starts what keeps every CPU half busy. */
  keepBusy: () => Promise<Busy>;
  /** Told of each run that is stored. */
  onRun?: (run: MeasuredRun, left: number) => void;
}

/** Each run is stored as soon as it has ended; one that is interrupted is not. */
export async function runSession(setting: SessionSetting): Promise<void> {
  const { store, signal, onRun } = setting;
  const missing = plannedRuns(store.session.amount).filter((run) => !store.has(run));
  for (const [done, run] of missing.entries()) {
    const measured = await withBusy(run, setting);
    if (measured === null || signal.aborted) return;
    await store.append(measured);
    onRun?.(measured, missing.length - done - 1);
  }
  await store.update({ finished: new Date().toISOString() });
}

async function withBusy(run: PlannedRun, setting: SessionSetting): Promise<MeasuredRun | null> {
  const { store, executor, signal, keepBusy } = setting;
  const busy = run.kind === 'splice-busy' ? await keepBusy() : null;
  try {
    const measured = await measureRun(run, {
      ...{ amount: store.session.amount, executor, signal },
      seed: derivedSeed(store.session.seed, run.kind, run.index),
      clock: setting.clock ?? { now: () => performance.now() },
    });
    if (measured !== null) busy?.assertAlive();
    return measured;
  } finally {
    await busy?.end();
  }
}
