/** The runs that are published: where they lie, and how another one is added. */
import { createHash } from 'node:crypto';
import { access, copyFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../../base/errors/errors.js';
import type { RunManifest } from '../../data/record/record.js';
import { readRun, type StoredRun } from '../../data/results/store.js';

/** Below the folder of results; one folder per run, named by the run's id. */
const PUBLISHED = 'published';
/** Where `run` puts what nobody has published. */
const UNPUBLISHED = 'runs';
/** Where `make bars-precision` puts its session. */
const PRECISION = 'precision';
const BARS_FILE = 'bars.json';

const barsSchema = z.looseObject({
  run_id: z.string(),
  bars: z.array(
    z.looseObject({
      id: z.string(),
      bar: z.string(),
      required: z.string(),
      measured: z.string(),
      verdict: z.string(),
      certain: z.boolean().nullable(),
    }),
  ),
});

/** A bar as `make bars` stores it beside its run. */
export type PublishedBar = z.infer<typeof barsSchema>['bars'][number];

/** Bars beside which there are no trials: `make bars-precision` keeps the figures of its runs alone. */
export interface PublishedBars {
  id: string;
  /** Relative to the folder of results. */
  folder: string;
  bars: readonly PublishedBar[];
}

/** A run that is published. */
export interface PublishedRun extends StoredRun {
  /** Relative to the folder of results, with forward slashes. */
  folder: string;
  /** SHA-256 of trials.jsonl, hexadecimal: tells that what is stored was changed. */
  digest: string;
  /** Empty where the run is none of `make bars`. */
  bars: readonly PublishedBar[];
}

/**
 * All published runs, the latest first: those in `published`, and those that stand in the folder of results
 * under a name of their own, as `make bars` and `make honest` leave them.
 * @param results the folder of results
 * @throws UsageError when a run is damaged, or bars beside it are another run's
 */
export async function publishedRuns(results: string): Promise<PublishedRun[]> {
  const own = (await folders(results)).filter((name) => name !== PUBLISHED && name !== UNPUBLISHED);
  const kept = (await folders(join(results, PUBLISHED))).map((name) => join(PUBLISHED, name));
  const candidates = [...own, ...kept];
  const runs: PublishedRun[] = [];
  for (const folder of candidates) {
    if (await exists(join(results, folder, 'run.json')))
      runs.push(await publishedRun(results, folder));
  }
  const ids = runs.map(({ manifest }) => manifest.run_id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) {
    const where = runs.filter(({ manifest }) => manifest.run_id === twice);
    throw new UsageError(
      `run ${twice} is published twice: ${where.map(({ folder }) => join(results, folder)).join(' and ')}`,
    );
  }
  return runs.sort((a, b) => b.manifest.started.localeCompare(a.manifest.started, 'en'));
}

/**
 * What `make bars-precision` has left in the folder of results.
 * @throws UsageError when it is damaged
 */
export async function publishedSessions(results: string): Promise<PublishedBars[]> {
  const stored = await barsIn(join(results, PRECISION, BARS_FILE));
  return stored === null ? [] : [{ id: stored.run_id, folder: PRECISION, bars: stored.bars }];
}

/**
 * Copies a run's stored files into `published`; what is made from them is left to the caller.
 * @param run folder of the run
 * @returns the new folder; null where the very same run is published already
 * @throws UsageError for a run that did not finish, has no trial, or is published with other trials
 */
export async function addRun(results: string, run: string): Promise<string | null> {
  const stored = await readRun(run);
  refuseUnfit(run, stored);
  const { run_id } = stored.manifest;
  const before = (await publishedRuns(results)).find(({ manifest }) => manifest.run_id === run_id);
  if (before !== undefined) {
    if (before.digest === (await digestOf(run))) return null;
    throw new UsageError(
      `${run}: run ${run_id} is published in ${join(results, before.folder)} with other trials; which are its own?`,
    );
  }
  const target = join(results, PUBLISHED, run_id);
  // Appears whole or not at all: a check may run meanwhile.
  const temporary = join(results, PUBLISHED, `.${run_id}.${process.pid}`);
  await mkdir(temporary, { recursive: true });
  try {
    for (const name of await readdir(run)) {
      if (/\.jsonl?$/.test(name)) await copyFile(join(run, name), join(temporary, name));
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  return target;
}

function refuseUnfit(run: string, { manifest, trials }: StoredRun): void {
  const refuse = (why: string): never => {
    throw new UsageError(`${run}: ${why}, so it is not published`);
  };
  if (manifest.interrupted || manifest.finished === null) refuse('the run did not finish');
  if (trials.length === 0) refuse('the run has no trial');
  if (basename(manifest.run_id) !== manifest.run_id || manifest.run_id.startsWith('.')) {
    refuse(`its id '${manifest.run_id}' is no name of a folder`);
  }
}

async function publishedRun(results: string, folder: string): Promise<PublishedRun> {
  const path = join(results, folder);
  const run = await readRun(path);
  return {
    ...run,
    folder: relative(results, path),
    digest: await digestOf(path),
    bars: await barsOf(path, run.manifest),
  };
}

async function digestOf(run: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(join(run, 'trials.jsonl')))
    .digest('hex');
}

async function barsOf(path: string, { run_id }: RunManifest): Promise<readonly PublishedBar[]> {
  const file = join(path, BARS_FILE);
  const stored = await barsIn(file);
  if (stored === null) return [];
  if (stored.run_id === run_id) return stored.bars;
  throw new UsageError(
    `${file}: of run ${stored.run_id}, and the run beside it is ${run_id}: 'make bars' makes both`,
  );
}

/** null = there are none. */
async function barsIn(file: string): Promise<z.infer<typeof barsSchema> | null> {
  if (!(await exists(file))) return null;
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch {
    throw new UsageError(`${file}: damaged: not JSON`);
  }
  const result = barsSchema.safeParse(value);
  if (result.success) return result.data;
  throw new UsageError(`${file}: damaged: ${result.error.issues[0]?.message ?? ''}`);
}

async function folders(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
