/** The files of a bars run beside those of every run. */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../src/cli/exit.js';
import { readRun } from '../../src/results/store.js';
import { evaluateBars } from './evaluate.js';
import type { Bar } from './judged.js';
import { type Measurement, MEASUREMENTS_FILE } from './samples.js';
import { barsMarkdown } from './text.js';

/** Stores measurements at once, so that an interruption loses none. */
export async function appendMeasurements(
  folder: string,
  measurements: readonly Measurement[],
): Promise<void> {
  const lines = measurements.map((each) => `${JSON.stringify(each)}\n`);
  await appendFile(join(folder, MEASUREMENTS_FILE), lines.join(''));
}

/** Writes bars.json and bars.md from what a folder holds. */
export async function writeBars(folder: string): Promise<Bar[]> {
  const { manifest, trials } = await readRun(folder);
  const measurements = await readMeasurements(folder);
  const bars = evaluateBars({ trials, measurements });
  const load =
    `Blocks: ${Math.max(0, ...trials.map(({ block }) => block))}. Seed: ${manifest.seed}. ` +
    `Trials: ${trials.length}.` +
    (manifest.interrupted ? ' The run was interrupted.' : '');
  const { run_id, started, finished } = manifest;
  const json = { run_id, started, finished, bars };
  await writeFile(join(folder, 'bars.json'), `${JSON.stringify(json, null, 2)}\n`);
  await writeFile(join(folder, 'bars.md'), barsMarkdown(manifest, bars, load));
  return bars;
}

async function readMeasurements(folder: string): Promise<Measurement[]> {
  const path = join(folder, MEASUREMENTS_FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    throw new UsageError(`${folder}: no ${MEASUREMENTS_FILE}: not a run of make bars`);
  }
  // A crash tears only the last line.
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Measurement);
}
