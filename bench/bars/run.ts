/** One interleaved run of everything that the bars need. */
import { mkdir, rename, rm } from 'node:fs/promises';
import { Progress } from '../../src/cli/progress.js';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';
import { packageVersion } from '../../src/base/process/package-root.js';
import { findProgram } from '../../src/base/process/program.js';
import { RECORD_VERSION, type RunManifest } from '../../src/data/record/record.js';
import { RunStore } from '../../src/data/results/store.js';
import { quick } from '../../src/experiment/scenario/adjust.js';
import type { Scenario } from '../../src/experiment/scenario/expand.js';
import { loadScenarios } from '../../src/experiment/scenario/load.js';
import type { PlannedTrial } from '../../src/data/record/plan.js';
import { derivedSeed, Random } from '../../src/base/statistics/random.js';
import { unavailableIn } from '../../src/experiment/trial/availability.js';
import type { TrialResult } from '../../src/data/record/trial-result.js';
import type { TrialExecutor } from '../../src/experiment/trial/executor.js';
import { LiveExecutor } from '../../src/experiment/trial/live-executor.js';
import { runSchedule } from '../../src/experiment/trial/schedule.js';
import type { RunEvent } from '../../src/experiment/trial/schedule-events.js';
import { LOOPBACK } from '../inside.js';
import { measureRecorder } from '../recorder.js';
import { ACTIVE, CHECKED, CONNECTIONS, SPEED } from './evaluate.js';
import { measureIdle } from './idle.js';
import { IPERF3, IPERF3_ALONE, runIperf3 } from './iperf3.js';
import { measureMemory } from './memory.js';
import type { Measurement, Missing } from './samples.js';
import { appendMeasurements } from './store.js';

export interface BarsOptions {
  folder: string;
  seed: string;
  /** null = as many as the scenario says. */
  blocks: number | null;
  quick: boolean;
}

const MECHANISMS = ['splice', 'copy'];
/** Per block: pairs of the recorder by mechanism, and rounds of memcpy against match. */
const RECORDER_PAIRS = 3;
const RECORDER_SECONDS = 0.6;
const MEMORY_ROUNDS = 9;
const IDLE_CONNECTIONS = 10_000;

/** Runs; what is finished is stored whenever it ends. */
export async function runBars(options: BarsOptions, signal: AbortSignal): Promise<void> {
  const named = await loadScenarios([SPEED, CHECKED, CONNECTIONS, ACTIVE], forwarderKinds);
  const missing = await missingPrograms(named);
  const scenarios = named.map((scenario) => adjusted(scenario, options, missing));
  const live = new LiveExecutor();
  const executor = new BarsExecutor(live);
  const progress = new Progress(process.stderr);
  const store = await RunStore.create(options.folder, manifestOf(options, scenarios));
  try {
    for (const { label, reason } of missing) progress.line(`without ${label}: ${reason}`);
    await appendMeasurements(options.folder, missing);
    const { environment } = await live.prepare(scenarios.flatMap(({ cells }) => cells));
    await store.updateManifest({ environment });
    const work = new Work(options, store, executor, live, progress, signal);
    const blocks = Math.max(...scenarios.map((scenario) => scenario.blocks.max));
    for (let block = 1; block <= blocks && !signal.aborted; block++) {
      await work.block(block, scenarios);
    }
    for (const mechanism of MECHANISMS) await work.idle(mechanism);
    const finished = signal.aborted ? null : new Date().toISOString();
    await store.updateManifest({
      finished,
      interrupted: signal.aborted,
      stopping: stoppingOf(scenarios, store),
    });
  } finally {
    progress.clear();
    await store.close();
    await live.close();
  }
}

/** The steps of a run, with what they share. */
class Work {
  constructor(
    private readonly options: BarsOptions,
    private readonly store: RunStore,
    private readonly executor: TrialExecutor,
    private readonly live: LiveExecutor,
    private readonly progress: Progress,
    private readonly signal: AbortSignal,
  ) {}

  /** Everything once, in random order: drift of the machine falls on all alike. */
  async block(block: number, scenarios: readonly Scenario[]): Promise<void> {
    const steps = [
      ...scenarios
        .filter(({ blocks }) => block <= blocks.max)
        .map((scenario) => () => this.trials(block, scenario)),
      () => this.recorder(block),
      () => this.memory(block),
    ];
    const random = new Random(this.options.seed, 'bars', block);
    for (const step of random.shuffled(steps)) await this.unlessAborted(step);
  }

  private async trials(block: number, scenario: Scenario): Promise<void> {
    await runSchedule({
      cells: scenario.cells,
      forwarders: scenario.forwarders,
      executor: this.executor,
      store: this.store,
      seed: this.store.manifest.seed,
      // The earlier blocks are stored already, so that this runs the one.
      blocks: { ...scenario.blocks, min: block, max: block, budget: null },
      signal: this.signal,
      onEvent: (event) => {
        if (isTrialEvent(event)) this.progress.take(event);
      },
    });
  }

  private async recorder(block: number): Promise<void> {
    const host = (await this.live.hostsFor({ topology: LOOPBACK, pin: null })).forwarder;
    const samples = await measureRecorder(
      host,
      {
        mechanisms: MECHANISMS,
        pairs: this.options.quick ? 1 : RECORDER_PAIRS,
        seconds: RECORDER_SECONDS,
        seed: derivedSeed(this.options.seed, 'recorder', block),
      },
      this.signal,
    );
    await this.keep(samples.map((sample) => ({ ...sample, block })));
    this.progress.line(`block ${block}  recorder on against off: ${samples.length} samples`);
  }

  private async memory(block: number): Promise<void> {
    await this.keep(measureMemory(MEMORY_ROUNDS).map((sample) => ({ ...sample, block })));
  }

  async idle(mechanism: string): Promise<void> {
    await this.unlessAborted(async () => {
      const host = (await this.live.hostsFor({ topology: LOOPBACK, pin: null })).forwarder;
      const connections = this.options.quick ? IDLE_CONNECTIONS / 10 : IDLE_CONNECTIONS;
      const sample = await measureIdle(host, mechanism, connections, this.signal);
      await this.keep([sample]);
      this.progress.line(`${mechanism}: ${sample.held} idle connections held`);
    });
  }

  /** An interruption ends a step; it is not a failure of it. */
  private async unlessAborted(step: () => Promise<void>): Promise<void> {
    if (this.signal.aborted) return;
    try {
      await step();
    } catch (error) {
      if (error !== this.signal.reason) throw error;
    }
  }

  private async keep(measurements: readonly Measurement[]): Promise<void> {
    await appendMeasurements(this.options.folder, measurements);
  }
}

/** The live executor, and iperf3 where an entry is that. */
export class BarsExecutor implements TrialExecutor {
  constructor(private readonly live: LiveExecutor) {}

  whyAlone({ forwarder }: Pick<PlannedTrial, 'forwarder'>): string | null {
    return forwarder.use === IPERF3.use ? IPERF3_ALONE : null;
  }

  runSet(...asked: Parameters<LiveExecutor['runSet']>): Promise<TrialResult[]> {
    return this.live.runSet(...asked);
  }

  endPrepared(): Promise<void> {
    return this.live.endPrepared();
  }

  async run(trial: PlannedTrial, signal: AbortSignal): Promise<TrialResult> {
    if (trial.forwarder.use !== IPERF3.use) return this.live.run(trial, signal);
    return runIperf3(trial, (await this.live.hostsFor(trial.cell)).forwarder, signal);
  }
}

/** iperf3 and the programs of the scenarios that are not here, with the way to get them. */
async function missingPrograms(scenarios: readonly Scenario[]): Promise<Missing[]> {
  const lacking = await Promise.all(
    scenarios.map((scenario) => unavailableIn(scenario, forwarderKinds)),
  );
  const missing = new Map(lacking.flat().map(({ forwarder, reason }) => [forwarder, reason]));
  if (findProgram('iperf3') === null) {
    missing.set(IPERF3.label, 'iperf3 not found (apt-get install iperf3)');
  }
  return [...missing].map(([label, reason]) => ({ kind: 'missing', label, reason }));
}

/** A scenario without what is missing, with iperf3, and as long as was asked for. */
function adjusted(scenario: Scenario, options: BarsOptions, missing: readonly Missing[]): Scenario {
  const shorter = options.quick ? quick(scenario).scenario : scenario;
  const most = options.blocks ?? shorter.blocks.max;
  // More than the scenario's own count only where that is the run's length.
  const max = scenario.name === ACTIVE ? Math.min(most, shorter.blocks.max) : most;
  const absent = new Set(missing.map(({ label }) => label));
  const all = scenario.name === SPEED ? [...shorter.forwarders, IPERF3] : shorter.forwarders;
  return {
    ...shorter,
    forwarders: all.filter(({ label }) => !absent.has(label)),
    blocks: { ...shorter.blocks, min: max, max, budget: null },
  };
}

function manifestOf(options: BarsOptions, scenarios: readonly Scenario[]): RunManifest {
  const started = new Date();
  const stamp = started.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return {
    version: RECORD_VERSION,
    run_id: `${stamp}-bars`,
    splicebench: packageVersion(),
    started: started.toISOString(),
    finished: null,
    interrupted: false,
    seed: options.seed,
    scenarios: [...scenarios],
    environment: [],
    stopping: {},
  };
}

function stoppingOf(scenarios: readonly Scenario[], store: RunStore): Record<string, string> {
  const keys = scenarios.flatMap(({ cells }) => cells.map(({ key }) => key));
  const blocks = (key: string) =>
    Math.max(0, ...store.trials.filter(({ cell }) => cell === key).map(({ block }) => block));
  const text = (count: number) => (count === 1 ? '1 block' : `${count} blocks`);
  return Object.fromEntries(keys.map((key) => [key, `${text(blocks(key))}, as planned`]));
}

/** Each block is a schedule of its own: its starts and ends say nothing about the run. */
function isTrialEvent({ event }: RunEvent): boolean {
  return event === 'trial-start' || event === 'trial-end';
}

/** Puts a finished run in the place of an earlier one. */
export async function replaceRun(fresh: string, place: string): Promise<void> {
  await mkdir(place, { recursive: true });
  await rm(place, { recursive: true });
  await rename(fresh, place);
}
