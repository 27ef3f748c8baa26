/** The files of a bars run beside those of every run. */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../src/base/errors/errors.js';
import { readRun } from '../../src/data/results/store.js';
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

/** What of the stored bars.json does not follow from the run beside it, a line each. */
export async function checkBars(folder: string): Promise<string[]> {
  const { manifest, trials } = await readRun(folder);
  const measurements = await readMeasurements(folder);
  const stored = JSON.parse(await readFile(join(folder, 'bars.json'), 'utf8')) as {
    run_id: string;
    bars: Bar[];
  };
  const text = (bar: Bar | undefined) =>
    bar === undefined
      ? 'nothing'
      : [bar.required, bar.measured, bar.verdict, bar.note ?? 'no note'].join(', ');
  const follow = evaluateBars({ trials, measurements });
  const ids = new Set([...follow, ...stored.bars].map(({ id }) => id));
  const wrong = [...ids].flatMap((id) => {
    const [was, is] = [stored.bars, follow].map((bars) => text(bars.find((bar) => bar.id === id)));
    return was === is ? [] : [`bar ${id}: stored ${was ?? ''}; follows ${is ?? ''}`];
  });
  return stored.run_id === manifest.run_id
    ? wrong
    : [`bars.json is of run ${stored.run_id}, run.json of ${manifest.run_id}`, ...wrong];
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
