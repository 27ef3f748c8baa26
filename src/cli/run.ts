import { type Command, Option } from 'commander';
import { join } from 'node:path';
import { readQuickFacts } from '../machine/host/reader.js';
import { type SeenHost, startWarnings } from '../machine/host/start-warnings.js';
import { forwarderKinds } from '../machine/forwarders/registry.js';
import { packageVersion } from '../base/process/package-root.js';
import { latestNoise } from '../tasks/noise/kept-noise.js';
import { provenDetectorsFor } from '../tasks/selftest/proof.js';
import { environmentChanges } from '../data/results/environment-changes.js';
import { RECORD_VERSION, type RunManifest, type Unavailable } from '../data/record/record.js';
import { assertSameRun, storedScenarios } from '../experiment/trial/resume.js';
import { RunStore } from '../data/results/store.js';
import {
  onlyIn,
  parseOnly,
  quick,
  recordCalls,
  soak,
  strace,
  until,
  withBlocks,
} from '../experiment/scenario/adjust.js';
import type { Cell } from '../data/record/plan.js';
import type { Scenario } from '../experiment/scenario/expand.js';
import { loadScenarios } from '../experiment/scenario/load.js';
import { loadTopology } from '../experiment/scenario/topology-file.js';
import { randomSeed } from '../base/statistics/random.js';
import {
  type HostAnswers,
  unavailableIn,
  withoutTopology,
} from '../experiment/trial/availability.js';
import { LiveExecutor } from '../experiment/trial/live-executor.js';
import { runSchedule } from '../experiment/trial/schedule.js';
import type { RunEvent } from '../experiment/trial/schedule-events.js';
import { describePlan } from './dry-run.js';
import { UsageError } from '../base/errors/errors.js';
import { count, hours, seed } from './options.js';
import { Progress } from './progress.js';
import type { HumanStream } from './report.js';
import { releaseSignals, stopSignal } from './stop-signal.js';

interface Options {
  out?: string;
  quick?: boolean;
  seed?: string;
  blocks?: number;
  only?: string;
  resume?: string;
  dryRun?: boolean;
  json?: boolean;
  until?: string[];
  hours?: number;
  strace?: boolean;
  recordCalls?: boolean;
  topology?: string;
}

/** `splicebench run`: runs scenarios, stores every trial, writes the report. */
export function addRun(root: Command): void {
  root
    .command('run')
    .description('run scenarios: files, or names as `list` shows them')
    .argument('[scenarios...]', 'default: loopback')
    .addOption(
      new Option('--out <dir>', 'folder of the run (default: results/runs/RUN)').conflicts(
        'resume',
      ),
    )
    .option('--quick', 'two short blocks: a test that it works, not a measurement')
    .option('--seed <n>', 'seed of the order and of the stamped bytes (default: random)', seed)
    .option('--blocks <n>', 'number of blocks; with --until or --hours the maximum', count)
    .option(
      '--until <bound>',
      "repeat blocks until more corruption than this is excluded, e.g. 'corruption < 1/TB', '/GB', " +
        "'splice.corruption < 1/1000 connections'; may be repeated",
      (text: string, before: string[] | undefined) => [...(before ?? []), text],
    )
    .option('--hours <h>', 'repeat blocks for this many hours (soak test)', hours)
    .option(
      '--strace',
      'run every forwarder under strace, to record the calls around incidents; gives no speed',
    )
    .addOption(
      new Option(
        '--record-calls',
        'preload the call recorder into programs, to record the calls around incidents',
      ).conflicts('strace'),
    )
    .option('--topology <file>', "run on this file's topology instead of the scenarios' own")
    .option('--only <forwarders>', 'only these forwarders and the baseline, separated by commas')
    .option('--resume <dir>', 'go on with a stored run')
    .option('--dry-run', 'show what would run')
    .option('--json', 'events as lines of JSON on stdout, text on stderr')
    .action(run);
}

async function run(names: string[], options: Options): Promise<void> {
  const human = options.json ? process.stderr : process.stdout;
  const asked = await askedScenarios(names, options, (note) => human.write(`${note}\n`));
  if (options.dryRun) {
    const scenarios = asked ?? [];
    const unavailable = await unavailableInAll(scenarios, null);
    human.write(describePlan(scenarios, options.seed ?? null, unavailable));
    return;
  }
  await executeRun(asked, options, human);
}

/** What running takes beside the scenarios. */
type RunOptions = Pick<Options, 'out' | 'seed' | 'resume' | 'json'>;

/**
 * Runs scenarios, stores every trial, writes the report and sets the exit code.
 * @param asked what to run; null = whatever the resumed run was started with
 * @param human where the report goes; null = none is made, and the exit code is not set
 * @param onEvent told of each event as well
 * @returns the run's folder
 */
export async function executeRun(
  asked: Scenario[] | null,
  options: RunOptions,
  human: HumanStream | null,
  onEvent?: (event: RunEvent) => void,
): Promise<string> {
  const executor = new LiveExecutor();
  const signal = stopSignal();
  const progress = new Progress(process.stderr);
  const started = performance.now();
  try {
    const store = await openStore(options, asked, executor);
    for (const warning of store.warnings) progress.line(warning);
    const scenarios = storedScenarios(store.manifest);
    const emit = (event: RunEvent) => {
      if (options.json) process.stdout.write(`${JSON.stringify(event)}\n`);
      progress.take(event);
      onEvent?.(event);
    };
    try {
      for (const scenario of scenarios) {
        if (signal.aborted) break;
        const result = await runSchedule({
          cells: scenario.cells,
          forwarders: scenario.forwarders,
          executor,
          store,
          seed: store.manifest.seed,
          blocks: scenario.blocks,
          unavailable: store.manifest.unavailable ?? [],
          signal,
          onEvent: emit,
        });
        const stopping = { ...store.manifest.stopping, ...result.stopping };
        await store.updateManifest({ stopping });
      }
      progress.clear();
      await storeEnvironmentAfter(store, executor);
      const finished = signal.aborted ? null : new Date().toISOString();
      await store.updateManifest({ finished, interrupted: signal.aborted });
    } finally {
      progress.clear();
      await store.close();
    }
    if (human === null) return store.folder;
    // Loaded here: where nobody reads it, charts and tables need not be.
    const { finishReport } = await import('./report.js');
    process.exitCode = await finishReport(store.folder, human);
    const minutes = (performance.now() - started) / 60e3;
    human.write(`\nreport: ${join(store.folder, 'report.html')} (${minutes.toFixed(1)} minutes)\n`);
    return store.folder;
  } finally {
    progress.clear();
    await executor.close();
    releaseSignals();
  }
}

async function storeEnvironmentAfter(store: RunStore, executor: LiveExecutor): Promise<void> {
  const after = await executor.environmentAfter();
  if (after === null) return;
  await store.updateManifest({
    environment_after: after,
    environment_changes: environmentChanges(store.manifest.environment, after),
  });
}

function isProgram(use: string): boolean {
  return forwarderKinds.get(use)?.runner.kind === 'command';
}

/** The scenarios asked for on the command line; null when resuming names none. */
async function askedScenarios(
  names: string[],
  options: Options,
  note: (text: string) => void,
): Promise<Scenario[] | null> {
  const { blocks, until: bounds, hours } = options;
  const { quick: short, only, strace: traced, recordCalls: recorded, topology } = options;
  const changes = short ?? blocks ?? only ?? traced ?? recorded ?? bounds ?? hours ?? topology;
  if (options.resume !== undefined && names.length === 0) {
    if (changes === undefined) return null;
    throw new UsageError(
      '--resume goes on with the run as it was started; leave out --quick, --blocks, --only, --until, --hours, --strace, --record-calls and --topology',
    );
  }
  const elsewhere = topology === undefined ? null : await loadTopology(topology);
  const wanted = names.length === 0 ? ['loopback'] : names;
  let scenarios = await loadScenarios(wanted, forwarderKinds, elsewhere);
  const apply = (change: (scenario: Scenario) => { scenario: Scenario; notes: string[] }) => {
    const changed = scenarios.map(change);
    scenarios = changed.map(({ scenario }) => scenario);
    for (const text of new Set(changed.flatMap(({ notes }) => notes))) note(text);
  };
  if (only !== undefined) {
    const kept = onlyIn(scenarios, parseOnly(only));
    scenarios = kept.scenarios;
    for (const text of new Set(kept.notes)) note(text);
  }
  if (short) apply(quick);
  if (traced) apply(strace);
  if (recorded) apply((scenario) => recordCalls(scenario, isProgram));
  if (bounds !== undefined) apply((scenario) => until(scenario, bounds, blocks));
  if (hours !== undefined) {
    const each = (hours * 3600) / scenarios.length;
    apply((scenario) => soak(scenario, each, blocks));
  }
  if (blocks !== undefined && bounds === undefined && hours === undefined) {
    apply((scenario) => withBlocks(scenario, blocks));
  }
  return scenarios;
}

/**
 * What has to be left out, as the hosts say where it would run.
 * @param executor null = nothing is connected to: what other hosts lack is not known then
 */
async function unavailableInAll(
  scenarios: readonly Scenario[],
  executor: LiveExecutor | null,
): Promise<Unavailable[]> {
  const lists = scenarios.map(async (scenario) => {
    const topology = scenario.cells[0]?.topology;
    if (topology?.kind !== 'hosts') return unavailableIn(scenario, forwarderKinds);
    const answers = (await executor?.askOf(topology)) ?? NOT_ASKED;
    return unavailableIn(scenario, forwarderKinds, answers.limit, answers.ask);
  });
  return (await Promise.all(lists)).flat();
}

const NOT_ASKED: HostAnswers = { limit: null, ask: () => Promise.resolve(null) };

async function openStore(
  options: RunOptions,
  asked: Scenario[] | null,
  executor: LiveExecutor,
): Promise<RunStore> {
  if (options.resume !== undefined) {
    const store = await RunStore.resume(options.resume);
    try {
      assertSameRun(store.manifest, asked, options.seed ?? null);
    } catch (error) {
      await store.close();
      throw error;
    }
    return store;
  }
  const scenarios = asked ?? [];
  const started = new Date();
  const runId = idOf(started, scenarios);
  const noise = await latestNoise();
  const manifest: RunManifest = {
    version: RECORD_VERSION,
    run_id: runId,
    splicebench: packageVersion(),
    started: started.toISOString(),
    finished: null,
    interrupted: false,
    seed: options.seed ?? randomSeed(),
    scenarios,
    environment: [],
    stopping: {},
    unavailable: [],
    detectors: await provenDetectorsFor(scenarios),
    ...(noise === null ? {} : { noise }),
  };
  const store = await RunStore.create(options.out ?? join('results', 'runs', runId), manifest);
  try {
    const cells = scenarios.flatMap((scenario) => scenario.cells);
    // The load is looked at first, before anything of ours makes some.
    const here = await seenHere(cells);
    const { environment, refused } = await executor.prepare(cells);
    const there = await executor.examine(cells);
    const connections = Math.max(...cells.map(({ workload }) => workload.connections));
    const unavailable = await unavailableInAll(scenarios, executor);
    const without = refused.flatMap(({ cell, reason }) => withoutTopology(scenarios, cell, reason));
    await store.updateManifest({
      environment,
      unavailable: [...unavailable, ...without],
      warnings: startWarnings([...here, ...there], environment, connections),
    });
  } catch (error) {
    await store.close();
    // Nothing was run: the folder must not stand in the way of the next attempt.
    await store.forget();
    throw error;
  }
  return store;
}

/** This host, where trials run on it alone; the executor asks those of the topology `hosts`. */
async function seenHere(cells: readonly Cell[]): Promise<SeenHost[]> {
  const kinds = cells.map(({ topology }) => topology.kind).filter((kind) => kind !== 'hosts');
  return kinds.length === 0 ? [] : [{ host: 'this host', kinds, facts: await readQuickFacts() }];
}

/** Sorts by time and tells which scenario: "20261123-141500-loopback". */
function idOf(started: Date, scenarios: readonly Scenario[]): string {
  const stamp = started.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const names = scenarios.map(({ name }) => name).join('+');
  return `${stamp}-${names.slice(0, 60)}`;
}
