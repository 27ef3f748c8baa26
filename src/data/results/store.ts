/**
 * A run's folder, open for writing: run.json replaced as a whole, trials.jsonl and incidents.jsonl
 * appended to. Nothing finished is lost when the run, or the machine, stops at any moment.
 */
import { mkdir, readdir, rmdir, stat, truncate, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UsageError } from '../../base/errors/errors.js';
import { storedOfNext } from '../integrity/stored-limits.js';
import type { TrialResult, TrialStore } from '../record/trial-result.js';
import type { RunManifest, StoredIncident, TrialRecord } from '../record/record.js';
import { replaceFile } from '../../base/process/replace-file.js';
import { AppendFile, type OpenAppend, openAppend, storeError } from '../../base/process/append.js';
import { type Lock, LockedError, lockFolder } from '../../base/process/lock.js';
import {
  examineRun,
  type ExaminedRun,
  INCIDENTS_FILE,
  MANIFEST_FILE,
  TRIALS_FILE,
} from './store-read.js';

export { StoreError } from '../../base/process/append.js';
export { LockedError } from '../../base/process/lock.js';
export { readRun, type StoredRun } from './store-read.js';

/** The folder of a run that is under way. Only one process can have it open. */
export class RunStore implements TrialStore {
  private constructor(
    /** As given. */
    readonly folder: string,
    private current: RunManifest,
    private readonly finished: TrialRecord[],
    private readonly found: StoredIncident[],
    /** What was repaired on opening, a sentence each. */
    readonly warnings: readonly string[],
    private readonly trialFile: AppendFile,
    private readonly incidentFile: AppendFile,
    private readonly lock: Lock,
  ) {}

  get run_id(): string {
    return this.current.run_id;
  }

  get manifest(): RunManifest {
    return this.current;
  }

  /** All stored trials, in the order in which they were stored. */
  get trials(): readonly TrialRecord[] {
    return this.finished;
  }

  get incidents(): readonly StoredIncident[] {
    return this.found;
  }

  /**
   * Starts a run in a new or empty folder, and proves that it can be written.
   * @param folder created with its parents
   * @throws UsageError when the folder holds something; LockedError when another run is writing it;
   *   StoreError when it cannot be written
   */
  static async create(
    folder: string,
    manifest: RunManifest,
    openFile: OpenAppend = openAppend,
  ): Promise<RunStore> {
    try {
      await makeFolder(folder);
    } catch (error) {
      throw storeError(folder, error);
    }
    const lock = await locked(folder);
    return releasing(lock, async () => {
      await refuseContents(folder);
      await replaceFile(join(folder, MANIFEST_FILE), jsonOf(manifest), true);
      return await RunStore.opened(folder, { manifest, ...NOTHING }, openFile, lock);
    });
  }

  /**
   * Opens a run to go on with it. What a crash left behind is repaired first: torn lines are cut off,
   * and incidents whose trial was not stored are dropped, since the trial will run again.
   * @throws UsageError when the folder is not a run or damaged; LockedError; StoreError
   */
  static async resume(folder: string, openFile: OpenAppend = openAppend): Promise<RunStore> {
    await examineRun(folder);
    const lock = await locked(folder);
    return releasing(lock, async () => {
      // Again, now that nobody else can change it.
      const run = await examineRun(folder);
      await repair(folder, run);
      return await RunStore.opened(folder, run, openFile, lock);
    });
  }

  private static async opened(
    folder: string,
    run: Pick<ExaminedRun, 'manifest' | 'trials' | 'incidents' | 'warnings'>,
    openFile: OpenAppend,
    lock: Lock,
  ): Promise<RunStore> {
    const trialFile = await AppendFile.open(join(folder, TRIALS_FILE), openFile);
    const incidentFile = await AppendFile.open(join(folder, INCIDENTS_FILE), openFile);
    const { manifest, trials, incidents, warnings } = run;
    return new RunStore(
      folder,
      manifest,
      [...trials],
      [...incidents],
      warnings,
      trialFile,
      incidentFile,
      lock,
    );
  }

  /**
   * Stores finished trials, those of a set at once. Their incidents go first, so that a stored trial always
   * has all of them that a run stores (stored-limits.ts).
   * @throws StoreError naming the file, e.g. when the disk is full; none of them is then stored
   */
  async append(...results: TrialResult[]): Promise<void> {
    const stored: StoredIncident[] = [];
    for (const { record, incidents } of results) {
      const { trial_id, forwarder } = record;
      const kept = incidents.slice(0, storedOfNext(this.found.length + stored.length));
      stored.push(...kept.map((incident) => ({ trial_id, forwarder, ...incident })));
    }
    const records = results.map(({ record }) => record);
    await this.incidentFile.append(stored);
    await this.trialFile.append(records);
    this.found.push(...stored);
    this.finished.push(...records);
  }

  /**
   * Changes run.json, which is always either as before or as after.
   * @throws StoreError when it cannot be written
   */
  async updateManifest(change: Partial<RunManifest>): Promise<void> {
    const next = { ...this.current, ...change };
    await replaceFile(join(this.folder, MANIFEST_FILE), jsonOf(next), true);
    this.current = next;
  }

  /** Closes the files and gives the folder free. */
  async close(): Promise<void> {
    await this.trialFile.close();
    await this.incidentFile.close();
    await this.lock.release();
  }

  /** Takes a closed run's files away where no trial was stored. Never throws. */
  async forget(): Promise<void> {
    if (this.finished.length > 0) return;
    for (const name of [MANIFEST_FILE, TRIALS_FILE, INCIDENTS_FILE]) {
      await unlink(join(this.folder, name)).catch(() => undefined);
    }
    // One that was there before, empty, may be someone's; it is not missed either.
    await rmdir(this.folder).catch(() => undefined);
  }
}

const NOTHING = { trials: [], incidents: [], warnings: [] };

/**
 * mkdir -p. Node's own recursive mkdir never returns (20.20, 100 % CPU) when a file system answers
 * ENOENT although the parent exists, as /proc does.
 */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path);
  }
}

async function locked(folder: string): Promise<Lock> {
  try {
    return await lockFolder(folder);
  } catch (error) {
    throw error instanceof LockedError ? error : storeError(folder, error);
  }
}

/** Gives the lock free again when opening fails. */
async function releasing<T>(lock: Lock, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function refuseContents(folder: string): Promise<void> {
  const entries = (await readdir(folder)).filter((entry) => !/^lock(\.|$)/.test(entry));
  if (entries.length === 0) return;
  throw new UsageError(
    entries.includes(MANIFEST_FILE)
      ? `${folder}: already holds a run; go on with it with --resume, or give another folder`
      : `${folder}: is not empty and not a run, so nothing is written there; give another folder`,
  );
}

async function repair(folder: string, run: ExaminedRun): Promise<void> {
  const incidentPath = join(folder, INCIDENTS_FILE);
  await cutOff(join(folder, TRIALS_FILE), run.trialBytes);
  if (run.orphans === 0) {
    await cutOff(incidentPath, run.incidentBytes);
  } else {
    const lines = run.incidents.map((incident) => `${JSON.stringify(incident)}\n`);
    await replaceFile(incidentPath, lines.join(''), true);
  }
}

async function cutOff(path: string, bytes: number): Promise<void> {
  try {
    await truncate(path, bytes);
  } catch (error) {
    // Nothing was ever appended, so there is no file yet.
    if (bytes === 0 && (error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw storeError(path, error);
  }
}

function jsonOf(manifest: RunManifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}
