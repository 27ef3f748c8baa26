/**
 * `make honest`: so many GB of honest traffic over all mechanisms, every byte checked, counting false
 * alarms. What does not end in time goes on where it was when it is started again; the result is
 * published once it is complete: a run's folder, with honest.md, honest.csv and honest.json added.
 */
import { copyFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { EXIT } from '../src/base/errors/errors.js';
import { finishReport } from '../src/cli/report.js';
import { stopSignal } from '../src/cli/stop-signal.js';
import { packageRoot } from '../src/base/process/package-root.js';
import { storedScenarios } from '../src/experiment/trial/resume.js';
import { readRun } from '../src/data/results/store.js';
import { replaceRun } from './bars/run.js';
import { runProgram } from './entry.js';
import {
  type HonestResult,
  honestMarkdown,
  honestResult,
  honestSentence,
} from './honest/result.js';
import { runHonest } from './honest/run.js';

const GB = 1e9;

async function main(signal: AbortSignal): Promise<number> {
  const { out, gb, minutes } = new Command('honest')
    .description('honest traffic over all mechanisms, every byte checked, counting false alarms')
    .option(
      '--gb <n>',
      'GB (10^9 bytes) to verify, those of an unfinished run included',
      above0,
      200,
    )
    .option('--minutes <n>', 'end after so long; start it again to go on', above0, 60)
    .option('--out <dir>', 'folder of the run (default: results/honest, replacing an earlier one)')
    .parse()
    .opts<{ out?: string; gb: number; minutes: number }>();
  const place = out === undefined ? null : resolve(out);
  process.chdir(packageRoot());
  const published = join('results', 'honest');
  const folder = place ?? `${published}.new`;
  await runHonest({ folder, bytes: gb * GB, seconds: minutes * 60 }, signal);
  const result = await finish(folder, gb * GB);
  if (signal.aborted) return EXIT.interrupted;
  if (place === null && result.verdict !== 'incomplete') await replaceRun(folder, published);
  return { met: EXIT.ok, missed: EXIT.violation, incomplete: EXIT.threshold }[result.verdict];
}

async function finish(folder: string, asked: number): Promise<HonestResult> {
  await finishReport(folder, process.stdout);
  const { manifest, trials } = await readRun(folder);
  const labels = storedScenarios(manifest).flatMap(({ forwarders }) =>
    forwarders.map(({ label }) => label),
  );
  const result = honestResult(manifest, trials, labels, asked);
  await writeFile(join(folder, 'honest.json'), `${JSON.stringify(result, null, 2)}\n`);
  await writeFile(join(folder, 'honest.md'), honestMarkdown(manifest, result, trials));
  await copyFile(join(folder, 'integrity.csv'), join(folder, 'honest.csv'));
  process.stdout.write(`\n${honestSentence(result)}\n`);
  return result;
}

function above0(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) {
    throw new InvalidArgumentError('expected a number above 0');
  }
  return value;
}

const signal = stopSignal();
await runProgram(
  'honest',
  () => main(signal),
  () => signal.aborted,
);
