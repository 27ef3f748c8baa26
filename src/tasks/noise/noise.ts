/** Runs a forwarder against itself, as any comparison runs, to see what this host can tell apart. */
import { CouldNotRunError } from '../../base/errors/errors.js';
import type { HostNoise } from '../../data/record/host-noise.js';
import type { PlannedTrial } from '../../data/record/plan.js';
import type { TrialResult, TrialStore } from '../../data/record/trial-result.js';
import type { Scenario } from '../../experiment/scenario/expand.js';
import { parseScenario } from '../../experiment/scenario/load.js';
import type { TrialExecutor } from '../../experiment/trial/executor.js';
import { type Clock, runSchedule } from '../../experiment/trial/schedule.js';
import { forwarderKinds } from '../../machine/forwarders/registry.js';
import { thisHost } from '../../machine/host/kept-results.js';
import { allowedCpus } from '../../machine/host/placement.js';
import { noiseFindings } from './findings.js';

/** Short sets: what differs between processes needs many. */
const SET_SECONDS = 0.6;
/** With one set there is no variance of sets: a slow machine needs more time, and gets it. */
const LEAST_SETS = 2;
const MOST_SETS = 10_000;

export interface NoiseSetting {
  /** See noiseScenario. */
  scenario: Scenario;
  forwarder: string;
  executor: TrialExecutor;
  store: TrialStore;
  signal: AbortSignal;
  seed: string;
  clock?: Clock;
  /** Told after each set how many there are. */
  onSet?: (sets: number) => void;
}

/**
 * A forwarder and itself once more, over loopback, with prepared pages, for some seconds.
 * @throws UsageError when there is no such forwarder
 */
export function noiseScenario(forwarder: string, seconds: number): Scenario {
  const arms = armsOf(forwarder).map((name) => ({ use: forwarder, name }));
  return pairScenario({ name: 'noise', arms, seconds });
}

export interface PairOptions {
  name: string;
  /** As in a scenario; the first is the baseline. */
  arms: readonly { use: string; name: string; [option: string]: unknown }[];
  /** Of wall time. */
  seconds: number;
  /** Measured, of each arm in a set. */
  setSeconds?: number;
}

/**
 * Forwarders against each other over loopback, with prepared pages and one connection, in short sets until the
 * time is over.
 * @throws UsageError when there is no such forwarder
 */
export function pairScenario({ name, arms, seconds, setSeconds }: PairOptions): Scenario {
  const text = JSON.stringify({
    name,
    workload: {
      seconds: `${Math.round((setSeconds ?? SET_SECONDS) * 1e3)}ms`,
      ...{ warmup: '100ms', check: 'none' },
    },
    forwarders: arms,
    baseline: arms[0]?.name,
  });
  const scenario = parseScenario(text, name, forwarderKinds);
  const blocks = { ...scenario.blocks, min: 1, max: MOST_SETS, budget: seconds };
  return { ...scenario, blocks: { ...blocks, soak: true } };
}

function armsOf(forwarder: string): [string, string] {
  return [forwarder, `${forwarder} again`];
}

/**
 * @returns null when interrupted before there was anything to tell
 * @throws CouldNotRunError when too few sets came to figures
 */
export async function measureNoise(setting: NoiseSetting): Promise<HostNoise | null> {
  const { scenario, forwarder, executor, store, signal, seed, clock, onSet } = setting;
  const timed = new TimedSets(executor, clock ?? { now: () => performance.now() }, onSet);
  const started = timed.clock.now();
  const { cells, forwarders, blocks } = scenario;
  await runSchedule({
    leastBlocks: LEAST_SETS,
    ...{ cells, forwarders, blocks, store, signal, seed, executor: timed, clock: timed.clock },
  });
  const cpus = allowedCpus().length;
  const found = noiseFindings(store.trials, armsOf(forwarder), timed.seconds, cpus);
  if (found === null) {
    if (signal.aborted) return null;
    const failure = store.trials.find(({ error }) => error !== null)?.error;
    throw new CouldNotRunError(
      `noise: fewer than two sets of ${forwarder} came to figures` +
        (failure == null ? '; give it more --seconds' : ` (${failure})`),
    );
  }
  return {
    version: 1,
    ...thisHost(),
    finished: new Date().toISOString(),
    seconds: (timed.clock.now() - started) / 1e3,
    forwarder,
    ...found,
  };
}

/** Remembers how long each set took, its processes' start included. */
class TimedSets implements TrialExecutor {
  readonly seconds: number[] = [];

  constructor(
    private readonly inner: TrialExecutor,
    readonly clock: Clock,
    private readonly onSet?: (sets: number) => void,
  ) {}

  run(trial: PlannedTrial, signal: AbortSignal): Promise<TrialResult> {
    return this.inner.run(trial, signal);
  }

  async runSet(
    trials: readonly PlannedTrial[],
    signal: AbortSignal,
    next?: () => readonly PlannedTrial[],
  ): Promise<TrialResult[]> {
    const before = this.clock.now();
    const results = await this.inner.runSet?.(trials, signal, next);
    if (results === undefined) throw new CouldNotRunError('noise: sets cannot be run here');
    this.seconds.push((this.clock.now() - before) / 1e3);
    this.onSet?.(this.seconds.length);
    return results;
  }

  async endPrepared(): Promise<void> {
    await this.inner.endPrepared?.();
  }
}

/** Keeps trials for as long as they are needed. */
export class PassingStore implements TrialStore {
  readonly run_id = 'noise';
  readonly trials: TrialResult['record'][] = [];

  append(...results: TrialResult[]): Promise<void> {
    this.trials.push(...results.map(({ record }) => record));
    return Promise.resolve();
  }
}
