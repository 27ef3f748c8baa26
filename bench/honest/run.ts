/** Runs honest traffic until enough is verified or the time is over. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Progress } from '../../src/cli/progress.js';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';
import { packageVersion } from '../../src/base/process/package-root.js';
import { provenDetectors } from '../../src/tasks/selftest/proof.js';
import { RECORD_VERSION, type TrialRecord } from '../../src/data/record/record.js';
import { storedScenarios } from '../../src/experiment/trial/resume.js';
import { RunStore } from '../../src/data/results/store.js';
import { loadScenarios } from '../../src/experiment/scenario/load.js';
import { randomSeed } from '../../src/base/statistics/random.js';
import { unavailableIn } from '../../src/experiment/trial/availability.js';
import type { TrialResult } from '../../src/data/record/trial-result.js';
import { LiveExecutor } from '../../src/experiment/trial/live-executor.js';
import { type TrialStore } from '../../src/data/record/trial-result.js';
import { runSchedule } from '../../src/experiment/trial/schedule.js';

export interface HonestOptions {
  folder: string;
  /** Bytes to verify, those of earlier sessions included. */
  bytes: number;
  /** Of this session, seconds. */
  seconds: number;
}

/** Bytes that some trials verified. */
export function verifiedIn(trials: readonly TrialRecord[]): number {
  return trials.reduce((sum, { verified_bytes: bytes }) => sum + (bytes ?? 0), 0);
}

/** Runs, or goes on with what the folder holds; what is finished is stored whenever it ends. */
export async function runHonest(options: HonestOptions, signal: AbortSignal): Promise<void> {
  const executor = new LiveExecutor();
  const progress = new Progress(process.stderr);
  const resumed = existsSync(join(options.folder, 'run.json'));
  const store = resumed ? await RunStore.resume(options.folder) : await created(options.folder);
  try {
    const [scenario] = storedScenarios(store.manifest);
    if (scenario === undefined) return;
    const { environment } = await executor.prepare(scenario.cells);
    if (!resumed) await store.updateManifest({ environment });
    const enough = new AbortController();
    const absent = (store.manifest.unavailable ?? []).filter(({ cell }) => cell === null);
    const labels = scenario.forwarders
      .map(({ label }) => label)
      .filter((label) => !absent.some(({ forwarder }) => forwarder === label));
    const watched = new WatchedStore(store, options, labels, enough);
    const { stopping } = await runSchedule({
      cells: scenario.cells,
      forwarders: scenario.forwarders,
      executor,
      store: watched,
      seed: store.manifest.seed,
      blocks: scenario.blocks,
      unavailable: store.manifest.unavailable ?? [],
      signal: AbortSignal.any([signal, enough.signal]),
      onEvent: (event) => {
        progress.take(event);
      },
    });
    const why = watched.enough;
    const reasons = Object.keys(stopping).map((key) => [key, why ?? stopping[key]]);
    await store.updateManifest({
      finished: signal.aborted ? null : new Date().toISOString(),
      interrupted: signal.aborted,
      stopping: why === null ? stopping : (Object.fromEntries(reasons) as Record<string, string>),
    });
  } finally {
    progress.clear();
    await store.close();
    await executor.close();
  }
}

/** Ends the run between two trials, once they are enough or the time is over. */
class WatchedStore implements TrialStore {
  private readonly started = performance.now();
  /** Why it ended; null while it goes on. */
  enough: string | null = null;

  constructor(
    private readonly store: RunStore,
    private readonly options: HonestOptions,
    /** Forwarders that can run: each has to be seen. */
    private readonly labels: readonly string[],
    private readonly end: AbortController,
  ) {
    this.judge();
  }

  get run_id(): string {
    return this.store.run_id;
  }

  get trials(): readonly TrialRecord[] {
    return this.store.trials;
  }

  async append(result: TrialResult): Promise<void> {
    await this.store.append(result);
    this.judge();
  }

  private judge(): void {
    const { bytes, seconds } = this.options;
    const seen = new Set(this.trials.map(({ forwarder }) => forwarder));
    const all = this.labels.every((label) => seen.has(label));
    if (all && verifiedIn(this.trials) >= bytes) this.enough = 'all that was asked for is verified';
    else if (performance.now() - this.started > seconds * 1e3) this.enough = 'the time was over';
    if (this.enough !== null) this.end.abort();
  }
}

async function created(folder: string): Promise<RunStore> {
  const scenarios = await loadScenarios(['honest'], forwarderKinds);
  const lists = scenarios.map((scenario) => unavailableIn(scenario, forwarderKinds));
  const started = new Date();
  const stamp = started.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return RunStore.create(folder, {
    version: RECORD_VERSION,
    run_id: `${stamp}-honest`,
    splicebench: packageVersion(),
    started: started.toISOString(),
    finished: null,
    interrupted: false,
    seed: randomSeed(),
    scenarios,
    environment: [],
    stopping: {},
    unavailable: (await Promise.all(lists)).flat(),
    detectors: await provenDetectors(),
  });
}
