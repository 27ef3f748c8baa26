/** The folder of `make bars-precision`: session.json, runs.jsonl with a line per finished run, and the bars. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../src/base/errors/errors.js';
import { AppendFile, openAppend } from '../../src/base/process/append.js';
import { type Lock, lockFolder } from '../../src/base/process/lock.js';
import { replaceFile } from '../../src/base/process/replace-file.js';
import type { HostEnvironment } from '../../src/data/record/environment-record.js';
import type { Bar } from '../bars/judged.js';
import { barsTable, provenance } from '../bars/text.js';
import { evaluatePrecision } from './evaluate.js';
import type { MeasuredRun } from './measured-run.js';
import type { Amount } from './plan.js';

const SESSION_FILE = 'session.json';
const RUNS_FILE = 'runs.jsonl';

/** What a session is, and where it is run. */
export interface Session {
  run_id: string;
  /** ISO 8601; `finished` is null while runs are missing. */
  started: string;
  finished: string | null;
  seed: string;
  amount: Amount;
  /** Another kernel or build of ours gives figures of its own. */
  kernel: string;
  build: string | null;
  environment: HostEnvironment[];
}

/** A session that is under way. Only one process can have it open. */
export class PrecisionStore {
  private constructor(
    readonly folder: string,
    private current: Session,
    private readonly finished: MeasuredRun[],
    private readonly file: AppendFile,
    private readonly lock: Lock,
  ) {}

  get session(): Session {
    return this.current;
  }

  get runs(): readonly MeasuredRun[] {
    return this.finished;
  }

  /**
   * Begins a session, or goes on with the one that the folder holds.
   * @param made a new one, were it begun now
   * @throws UsageError where the folder holds another session than is asked for; LockedError; StoreError
   */
  static async open(folder: string, made: Session): Promise<PrecisionStore> {
    await mkdir(folder, { recursive: true });
    const lock = await lockFolder(folder);
    try {
      const path = join(folder, SESSION_FILE);
      const session = existsSync(path) ? await sessionIn(folder) : made;
      assertSame(folder, session, made);
      if (session === made) await replaceFile(path, jsonOf(made), true);
      const { runs, bytes } = await runsIn(folder);
      const runsPath = join(folder, RUNS_FILE);
      // What a crash tore is run again.
      if (existsSync(runsPath)) await truncate(runsPath, bytes);
      const file = await AppendFile.open(runsPath, openAppend);
      return new PrecisionStore(folder, session, runs, file, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  has({ kind, index }: Pick<MeasuredRun, 'kind' | 'index'>): boolean {
    return this.finished.some((run) => run.kind === kind && run.index === index);
  }

  async append(run: MeasuredRun): Promise<void> {
    await this.file.append([run]);
    this.finished.push(run);
  }

  async update(change: Partial<Session>): Promise<void> {
    this.current = { ...this.current, ...change };
    await replaceFile(join(this.folder, SESSION_FILE), jsonOf(this.current), true);
  }

  async close(): Promise<void> {
    await this.file.close();
    await this.lock.release();
  }
}

/** Figures of another kernel, build or length are no figures of one session. */
function assertSame(folder: string, before: Session, now: Session): void {
  const differs =
    before.kernel !== now.kernel || before.build !== now.build
      ? 'under another kernel or by another build'
      : JSON.stringify(before.amount) !== JSON.stringify(now.amount)
        ? 'with other numbers of runs or seconds'
        : null;
  if (differs === null) return;
  throw new UsageError(
    `${folder}: holds a session that was begun ${differs}; give another --out, or delete it`,
  );
}

/** Writes bars.json and bars.md from what a folder holds. */
export async function writePrecision(folder: string): Promise<Bar[]> {
  const session = await sessionIn(folder);
  const { runs } = await runsIn(folder);
  const bars = evaluatePrecision(runs);
  const { run_id, started, finished } = session;
  await writeFile(join(folder, 'bars.json'), jsonOf({ run_id, started, finished, bars }));
  await writeFile(join(folder, 'bars.md'), markdown(session, runs, bars));
  return bars;
}

/** What of the stored bars.json does not follow from the runs beside it, a line each. */
export async function checkPrecision(folder: string): Promise<string[]> {
  const { run_id, started, finished } = await sessionIn(folder);
  const { runs } = await runsIn(folder);
  const follows = jsonOf({ run_id, started, finished, bars: evaluatePrecision(runs) });
  const stored = await readFile(join(folder, 'bars.json'), 'utf8');
  return stored === follows ? [] : ['bars.json does not follow from runs.jsonl and session.json'];
}

function markdown(session: Session, runs: readonly MeasuredRun[], bars: readonly Bar[]): string {
  const { amount, finished, seed } = session;
  return [
    '# Precision',
    '',
    provenance(session, 'make bars-precision'),
    '',
    `How well this host tells forwarders apart, by the engine of every comparison: loopback, one connection, prepared`,
    `pages. Runs of ${amount.seconds} s of wall time, the short ones of ${amount.shortSeconds} s. Each run is a line of`,
    '[runs.jsonl](runs.jsonl), with the ratio of each of its sets.',
    '',
    barsTable(bars),
    '',
    `Runs: ${runs.length}. Seed: ${seed}.${finished === null ? ' Not all that were planned.' : ''}`,
    '',
  ].join('\n');
}

async function sessionIn(folder: string): Promise<Session> {
  try {
    return JSON.parse(await readFile(join(folder, SESSION_FILE), 'utf8')) as Session;
  } catch {
    throw new UsageError(`${folder}: no session of make bars-precision (${SESSION_FILE})`);
  }
}

/** Whole lines, and how many bytes they are. */
async function runsIn(folder: string): Promise<{ runs: MeasuredRun[]; bytes: number }> {
  const path = join(folder, RUNS_FILE);
  const text = existsSync(path) ? await readFile(path, 'utf8') : '';
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const lines = whole.split('\n').filter((line) => line !== '');
  return {
    runs: lines.map((line) => JSON.parse(line) as MeasuredRun),
    bytes: Buffer.byteLength(whole),
  };
}

function jsonOf(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
