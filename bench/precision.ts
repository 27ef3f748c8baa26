/**
 * `make bars-precision`: how well this host tells forwarders apart, by the engine of every comparison. A forwarder
 * against itself, one that is known to be dearer against its twin, splice against copy again and beside other
 * work. Each run is stored when it ends; started again, it goes on where it was.
 */
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { CouldNotRunError, EXIT } from '../src/base/errors/errors.js';
import { packageRoot } from '../src/base/process/package-root.js';
import { randomSeed } from '../src/base/statistics/random.js';
import { count } from '../src/cli/options.js';
import { stopSignal } from '../src/cli/stop-signal.js';
import { LiveExecutor } from '../src/experiment/trial/live-executor.js';
import { thisHost } from '../src/machine/host/kept-results.js';
import { allowedCpus } from '../src/machine/host/placement.js';
import { replaceRun } from './bars/run.js';
import { barsText } from './bars/text.js';
import { runProgram, tellWrong } from './entry.js';
import { BusyCpus } from './precision/busy.js';
import type { MeasuredRun } from './precision/measured-run.js';
import { type Amount, scenarioOf } from './precision/plan.js';
import { runSession } from './precision/session.js';
import { checkPrecision, PrecisionStore, type Session, writePrecision } from './precision/store.js';

interface Options {
  aaRuns: number;
  burnerRuns: number;
  seconds: number;
  shortSeconds: number;
  quick?: boolean;
  out?: string;
  report?: string;
  check?: string;
}

const QUICK: Amount = {
  ...{ aaRuns: 1, burnerRuns: 1 },
  ...{ seconds: 2, shortSeconds: 1, setSeconds: 0.2 },
};

async function main(signal: AbortSignal): Promise<number> {
  const options = new Command('bars-precision')
    .description('measure how well this host tells forwarders apart; goes on where it was')
    .option('--aa-runs <n>', 'short runs of copy against itself', count, 40)
    .option('--burner-runs <n>', 'runs of a relay that uses 5 % more CPU', count, 20)
    .option('--seconds <n>', 'wall time of a run', count, 60)
    .option('--short-seconds <n>', 'wall time of a short run', count, 20)
    .option('--quick', 'few runs of a few seconds: a test that it works, not a measurement')
    .option('--out <dir>', 'folder (default: results/precision, replacing an earlier session)')
    .option('--report <dir>', 'only make the bars of a stored session again')
    .option('--check <dir>', 'exit with 4 when the stored bars do not follow from the stored runs')
    .parse()
    .opts<Options>();
  if (options.check !== undefined) {
    const stored = resolve(options.check);
    return tellWrong(stored, await checkPrecision(stored));
  }
  if (options.report !== undefined) return finish(resolve(options.report));
  const place = options.out === undefined ? null : resolve(options.out);
  // What is published is the package's, wherever this is started.
  process.chdir(packageRoot());
  const published = join('results', 'precision');
  const folder = place ?? `${published}.new`;
  await measure(folder, amountOf(options), signal);
  const code = await finish(folder, signal.aborted ? folder : (place ?? published));
  if (signal.aborted) return EXIT.interrupted;
  if (place === null) await replaceRun(folder, published);
  return code;
}

function amountOf({ quick, aaRuns, burnerRuns, seconds, shortSeconds }: Options): Amount {
  return quick === true ? QUICK : { aaRuns, burnerRuns, seconds, shortSeconds, setSeconds: null };
}

async function measure(folder: string, amount: Amount, signal: AbortSignal): Promise<void> {
  const store = await PrecisionStore.open(folder, newSession(amount));
  const executor = new LiveExecutor();
  try {
    const { cells } = scenarioOf({ kind: 'splice', index: 1 }, amount);
    const { environment, refused } = await executor.prepare(cells);
    if (refused[0] !== undefined) throw new CouldNotRunError(refused[0].reason);
    if (store.session.environment.length === 0) await store.update({ environment });
    await runSession({
      ...{ store, executor, signal },
      keepBusy: () => BusyCpus.start(allowedCpus()),
      onRun: tell,
    });
  } finally {
    await store.close();
    await executor.close();
  }
}

function newSession(amount: Amount): Session {
  const started = new Date().toISOString();
  const { kernel, build } = thisHost();
  const stamp = started.replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return {
    ...{ run_id: `${stamp}-precision`, started, finished: null, seed: randomSeed(), amount },
    ...{ kernel, build: build ?? null, environment: [] },
  };
}

function tell({ kind, index, sets, seconds, metrics, error }: MeasuredRun, left: number): void {
  const found = metrics.flatMap(({ metric, ratio, low, high }) => {
    const shown = (value: number | null) => value?.toFixed(3) ?? 'none';
    return ratio === null ? [] : [`${metric} ${shown(ratio)} [${shown(low)}, ${shown(high)}]`];
  });
  const what = found.length === 0 ? (error ?? 'no figure') : found.join('  ');
  process.stderr.write(
    `${kind} ${index}: ${sets} sets in ${seconds.toFixed(0)} s  ${what}  (${left} runs left)\n`,
  );
}

/** @param kept where the folder is when all is over */
async function finish(folder: string, kept = folder): Promise<number> {
  const bars = await writePrecision(folder);
  process.stdout.write(`${barsText(bars)}\n\n${join(kept, 'bars.md')}\n`);
  return bars.some(({ verdict }) => verdict === 'missed') ? EXIT.threshold : EXIT.ok;
}

const signal = stopSignal();
await runProgram(
  'bars-precision',
  () => main(signal),
  () => signal.aborted,
);
