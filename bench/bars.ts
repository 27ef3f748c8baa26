/**
 * `make bars`: measures every bar of the project in one interleaved run and says which are met.
 * Writes a run's folder with bars.md, bars.json and measurements.jsonl added.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { EXIT, UsageError } from '../src/base/errors/errors.js';
import { count, seed } from '../src/cli/options.js';
import { finishReport } from '../src/cli/report.js';
import { stopSignal } from '../src/cli/stop-signal.js';
import { packageRoot } from '../src/base/process/package-root.js';
import { randomSeed } from '../src/base/statistics/random.js';
import { replaceRun, runBars } from './bars/run.js';
import { checkBars, writeBars } from './bars/store.js';
import { barsText } from './bars/text.js';
import { runProgram, tellWrong } from './entry.js';

interface Options {
  out?: string;
  blocks?: number;
  quick?: boolean;
  seed?: string;
  report?: string;
  check?: string;
}

async function main(signal: AbortSignal): Promise<number> {
  const options = new Command('bars')
    .description('measure the bars of the project in one interleaved run')
    .option('--out <dir>', 'folder of the run (default: results/bars, replacing an earlier run)')
    .option('--blocks <n>', 'number of blocks', count)
    .option('--quick', 'two short blocks: a test that it works, not a measurement')
    .option('--seed <n>', 'seed of the order (default: random)', seed)
    .option('--report <dir>', 'only rebuild the reports of a stored run')
    .option('--check <dir>', 'exit with 4 when the stored bars do not follow from the stored run')
    .parse()
    .opts<Options>();
  if (options.check !== undefined) {
    const stored = resolve(options.check);
    return tellWrong(stored, await checkBars(stored));
  }
  if (options.report !== undefined) return finish(resolve(options.report), 0);
  const place = options.out === undefined ? null : resolve(options.out);
  // The published bars are the package's, wherever this is started.
  process.chdir(packageRoot());
  const published = join('results', 'bars');
  const folder = place ?? `${published}.new`;
  if (existsSync(folder) && place === null) {
    throw new UsageError(`${folder}: left by a run that did not finish; look at it and delete it`);
  }
  const started = performance.now();
  await runBars(
    {
      folder,
      seed: options.seed ?? randomSeed(),
      blocks: options.blocks ?? null,
      quick: options.quick ?? false,
    },
    signal,
  );
  const code = await finish(folder, (performance.now() - started) / 60e3);
  if (signal.aborted) return EXIT.interrupted;
  if (place === null) await replaceRun(folder, published);
  return code;
}

async function finish(folder: string, minutes: number): Promise<number> {
  const code = await finishReport(folder, process.stdout);
  const bars = await writeBars(folder);
  const took = minutes > 0 ? ` (${minutes.toFixed(1)} minutes)` : '';
  process.stdout.write(`\n${barsText(bars)}\n\nbars${took}\n`);
  if (code !== EXIT.ok) return code;
  return bars.some(({ verdict }) => verdict === 'missed') ? EXIT.threshold : EXIT.ok;
}

const signal = stopSignal();
await runProgram(
  'bars',
  () => main(signal),
  () => signal.aborted,
);
