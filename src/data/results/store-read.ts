/**
 * Reads a run's folder. A line that a crash tore is dropped with a warning; whatever else is not as
 * this version wrote it is refused by name, since a report must not guess.
 */
import { noun } from '../../base/units/quantity.js';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../../base/errors/errors.js';
import { OUTCOMES } from '../record/words.js';
import {
  RECORD_VERSION,
  type RunManifest,
  type StoredIncident,
  type TrialRecord,
} from '../record/record.js';

export const MANIFEST_FILE = 'run.json';
export const TRIALS_FILE = 'trials.jsonl';
export const INCIDENTS_FILE = 'incidents.jsonl';

/** A stored run. */
export interface StoredRun {
  manifest: RunManifest;
  trials: TrialRecord[];
  /** Those of stored trials only. */
  incidents: StoredIncident[];
  /** What was dropped and why, a sentence each. */
  warnings: string[];
}

/** A run with what repairing its files needs. */
export interface ExaminedRun extends StoredRun {
  /** Bytes of whole lines in trials.jsonl. */
  trialBytes: number;
  /** Bytes of whole lines in incidents.jsonl. */
  incidentBytes: number;
  /** Incidents of a trial that was not stored before a crash; they are not in `incidents`. */
  orphans: number;
}

// Only what tells records apart is checked: a version stands for the rest.
const manifestSchema = z.looseObject({
  run_id: z.string(),
  seed: z.string().regex(/^\d+$/),
  scenarios: z.array(z.unknown()),
  environment: z.array(z.unknown()),
  stopping: z.record(z.string(), z.string()),
});

const trialSchema = z.looseObject({
  trial_id: z.string(),
  block: z.int(),
  cell: z.string(),
  forwarder: z.string(),
  outcome: z.enum(OUTCOMES),
  check: z.enum(['full', 'none']),
});

const incidentSchema = z.looseObject({
  trial_id: z.string(),
  forwarder: z.string(),
  offset: z.number(),
  length: z.number(),
  class: z.string(),
});

/**
 * Reads a stored run.
 * @param folder the run's folder
 * @throws UsageError when it is not a run, was written by another version or is damaged
 */
export async function readRun(folder: string): Promise<StoredRun> {
  const { manifest, trials, incidents, warnings } = await examineRun(folder);
  return { manifest, trials, incidents, warnings };
}

/** Like `readRun`, with the sizes that repairing the files needs. */
export async function examineRun(folder: string): Promise<ExaminedRun> {
  const manifest = await readManifest(folder);
  const warnings: string[] = [];
  const trialLines = await readLines(join(folder, TRIALS_FILE), warnings);
  const all = trialLines.values.map(({ value, line }) => {
    const at = `${join(folder, TRIALS_FILE)}:${line}`;
    checkVersion(value, at);
    return checked(trialSchema, value, at) as TrialRecord;
  });
  const trials = withoutTornSet(all);
  const torn = all.length - trials.length;
  if (torn > 0) {
    const [first] = trialLines.values.slice(-torn);
    warnings.push(
      `${join(folder, TRIALS_FILE)}: the last set was cut off by a crash; ${torn} of its trials are left out`,
    );
    trialLines.bytes = first?.start ?? trialLines.bytes;
  }
  const incidentLines = await readLines(join(folder, INCIDENTS_FILE), warnings);
  const found = incidentLines.values.map(
    ({ value, line }) =>
      checked(incidentSchema, value, `${join(folder, INCIDENTS_FILE)}:${line}`) as StoredIncident,
  );
  const known = new Set(trials.map(({ trial_id }) => trial_id));
  const incidents = found.filter(({ trial_id }) => known.has(trial_id));
  const orphans = found.length - incidents.length;
  if (orphans > 0) {
    warnings.push(
      `${join(folder, INCIDENTS_FILE)}: ${orphans} ${noun(orphans, 'incident')} of a trial that was interrupted ` +
        `before it was stored ${noun(orphans, 'is', 'are')} left out`,
    );
  }
  return {
    manifest,
    trials,
    incidents,
    warnings,
    trialBytes: trialLines.bytes,
    incidentBytes: incidentLines.bytes,
    orphans,
  };
}

async function readManifest(folder: string): Promise<RunManifest> {
  const path = join(folder, MANIFEST_FILE);
  const text = (await contents(path))?.toString('utf8');
  if (text === undefined)
    throw new UsageError(`${folder}: not a run (there is no ${MANIFEST_FILE})`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`${path}: damaged: not JSON`);
  }
  checkVersion(value, path);
  return checked(manifestSchema, value, path) as RunManifest;
}

function checkVersion(value: unknown, at: string): void {
  const version =
    typeof value === 'object' && value !== null && 'version' in value ? value.version : undefined;
  if (version === RECORD_VERSION) return;
  const found = version === undefined ? 'no version' : `version ${JSON.stringify(version)}`;
  throw new UsageError(
    `${at}: has ${found}, and this splicebench reads only version ${RECORD_VERSION}`,
  );
}

/** A value that its schema accepts; what the schema leaves open, the version stands for. */
function checked(schema: z.ZodType, value: unknown, at: string): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new UsageError(`${at}: damaged: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

/** The arms of a set are stored by one write, of which a crash may leave the first. */
function withoutTornSet(trials: readonly TrialRecord[]): TrialRecord[] {
  const set = trials.at(-1)?.set;
  if (set === undefined) return [...trials];
  const own = trials.filter((trial) => trial.set?.id === set.id);
  return own.length >= set.arms ? [...trials] : trials.slice(0, -own.length);
}

interface Lines {
  /** `start`: its first byte in the file. */
  values: { value: unknown; line: number; start: number }[];
  /** Up to and including the last whole line. */
  bytes: number;
}

/** The records of a JSON-lines file; none when the file does not exist. */
async function readLines(path: string, warnings: string[]): Promise<Lines> {
  const data = (await contents(path)) ?? Buffer.alloc(0);
  const lines: Lines = { values: [], bytes: 0 };
  for (let line = 1, start = 0; start < data.length; line++) {
    const newline = data.indexOf(0x0a, start);
    const end = newline === -1 ? data.length : newline;
    const value = newline === -1 ? undefined : parsedLine(data.toString('utf8', start, end));
    const isLast = end + 1 >= data.length;
    if (value === undefined) {
      // A crash tears only what was written last.
      if (!isLast) throw new UsageError(`${path}:${line}: damaged: not JSON`);
      warnings.push(`${path}:${line}: the last line was cut off by a crash and is left out`);
      break;
    }
    lines.values.push({ value, line, start });
    lines.bytes = end + 1;
    start = end + 1;
  }
  return lines;
}

function parsedLine(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

async function contents(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new UsageError(`${path}: cannot be read: ${message}`);
  }
}
