/** Plays cases against forwarders. */
import { derivedSeed } from '../../base/statistics/random.js';
import type { PlannedTrial } from '../../data/record/plan.js';
import type { TrialRecord } from '../../data/record/record.js';
import type { Prefix } from '../../data/record/words.js';
import type { TrialResult } from '../../data/record/trial-result.js';
import type { ConformanceCase } from './case.js';
import type { FailureKind } from '../../experiment/workload/script/judge-conversation.js';
import type { Contestant } from './contestants.js';
import { judgeCell, type MatrixCell, unplayed } from './judge-case.js';

/** Most of a case's time is waiting; what is judged by the clock is played alone. */
const WAITING_AT_ONCE = 6;
/** Of cases of chance, which are played a thousand times and wait for nothing but the CPU. */
const CHANCES_AT_ONCE = 1;
/**
 * A time that was missed is asked for again: what a forwarder does to every exchange it does each time. So is a cost
 * that could not be measured.
 */
const MOST_PLAYS = 3;

export interface SuiteExecutor {
  run(trial: PlannedTrial, signal: AbortSignal): Promise<TrialResult>;
}

export interface SuiteSetting {
  cases: readonly ConformanceCase[];
  contestants: readonly Contestant[];
  executor: SuiteExecutor;
  signal: AbortSignal;
  thorough: boolean;
  /**
   * One trial at a time, a case with all forwarders after the other, what the clock judges last: where the host is
   * slow or small. A time that is missed once without a forwarder is then asked of nobody again.
   */
  alone?: boolean;
  /** Why nothing further is played; null = it goes on. */
  over?: () => string | null;
  /** Told of each cell, with what there is by then. */
  onCell?: (cell: MatrixCell, soFar: () => Matrix) => void;
}

/** What the matrix says of a case, beside its cells. */
export type MatrixCase = Pick<
  ConformanceCase,
  'name' | 'group' | 'chance' | 'asks' | 'right' | 'rests' | 'sources'
>;

export interface Matrix {
  version: 1;
  /** So often it was played. */
  times: number;
  cases: MatrixCase[];
  forwarders: { label: string; version: string | null }[];
  cells: MatrixCell[];
  seconds: number;
}

/**
 * Plays every case against every forwarder, `direct` before the others.
 * @throws the signal's reason when aborted
 */
export async function runSuite(setting: SuiteSetting): Promise<Matrix> {
  const started = performance.now();
  const versions = new Map<string, string | null>();
  const cells = new Map<string, MatrixCell>();
  const lacking = new Map<string, string | null>();
  const soFar = () => matrixOf(setting, cells, versions, (performance.now() - started) / 1e3);
  for (const one of setting.contestants) {
    lacking.set(one.label, await one.kind.unavailable(one.options));
  }
  const play = async (one: ConformanceCase, contestant: Contestant) => {
    setting.signal.throwIfAborted();
    const by = prepared(one, contestant);
    const key = `${one.name} ${by.label}`;
    const reason =
      one.unavailable ?? lacking.get(by.label) ?? refusal(one, by) ?? setting.over?.() ?? null;
    const cell =
      reason === null
        ? await playCell(one, by, cells.get(`${one.name} direct`) ?? null, setting, versions)
        : unplayed(one.name, by.label, reason);
    cells.set(key, cell);
    setting.onCell?.(cell, soFar);
  };
  const [direct, others] = [
    setting.contestants.filter(({ use }) => use === 'direct'),
    setting.contestants.filter(({ use }) => use !== 'direct'),
  ];
  const alone = setting.alone === true;
  for (const cases of playedTogether(setting.cases, alone)) {
    for (const group of [direct, others]) {
      const pairs = group.flatMap((by) => cases.map((one) => ({ one, by })));
      await playPairs(pairs, alone ? 0 : WAITING_AT_ONCE, play);
    }
  }
  return soFar();
}

interface Pair {
  one: ConformanceCase;
  by: Contestant;
}

/** @param waitingAtOnce workers that take no case of chance, beside the one that does */
async function playPairs(
  pairs: readonly Pair[],
  waitingAtOnce: number,
  play: (one: ConformanceCase, by: Contestant) => Promise<void>,
): Promise<void> {
  const among = pairs.filter(({ one }) => !isTimed(one));
  const ofChance = among.filter(({ one }) => one.chance !== null);
  const waiting = among.filter(({ one }) => one.chance === null);
  // Whoever has none of its own left helps the others, so that a case of chance is never last and alone.
  const queues = [
    ...Array.from({ length: waitingAtOnce }, () => [waiting]),
    ...Array.from({ length: CHANCES_AT_ONCE }, () => [ofChance, waiting]),
  ];
  await inParallel(queues, ({ one, by }) => play(one, by));
  for (const { one, by } of pairs.filter((pair) => isTimed(pair.one))) await play(one, by);
}

/** Ports are in one place at a time, in one condition: cases on others are played before or after. */
function playedTogether(cases: readonly ConformanceCase[], alone: boolean): ConformanceCase[][] {
  const groups = new Map<string, ConformanceCase[]>();
  for (const one of cases) {
    const topology = one.play?.topology;
    const place = topology?.kind === 'nic' ? JSON.stringify(topology) : '';
    groups.set(place, [...(groups.get(place) ?? []), one]);
  }
  const together = [...groups.values()];
  if (!alone) return together;
  const inOrder = together.flat().toSorted((a, b) => Number(isTimed(a)) - Number(isTimed(b)));
  return inOrder.map((one) => [one]);
}

/** What is not played by then says so. */
function matrixOf(
  setting: SuiteSetting,
  cells: ReadonlyMap<string, MatrixCell>,
  versions: ReadonlyMap<string, string | null>,
  seconds: number,
): Matrix {
  const cellOf = (name: string, label: string) =>
    cells.get(`${name} ${label}`) ?? unplayed(name, label, 'the suite ended before it was played');
  return {
    version: 1,
    times: 1,
    cases: setting.cases.map(({ name, group, chance, asks, right, rests, sources }) => ({
      ...{ name, group, chance, asks, right, rests, sources },
    })),
    forwarders: setting.contestants.map(({ label }) => ({
      label,
      version: versions.get(label) ?? null,
    })),
    cells: setting.cases.flatMap(({ name }) =>
      setting.contestants.map(({ label }) => cellOf(name, label)),
    ),
    seconds,
  };
}

/** Others would make it late. What it costs at rest is told by the forwarder's own clock, whoever else runs. */
function isTimed({ play }: ConformanceCase): boolean {
  return play !== null && play.workload.expect.within.length > 0;
}

/** A worker for each entry, which takes from its lists, one after the other, what nobody has taken. */
async function inParallel<T>(
  workers: readonly T[][][],
  work: (one: T) => Promise<void>,
): Promise<void> {
  const worker = async (lists: readonly T[][]) => {
    for (const list of lists) {
      for (let one = list.shift(); one !== undefined; one = list.shift()) await work(one);
    }
  };
  // All have ended, whatever became of one, before the caller takes away what they run on.
  const ended = await Promise.allSettled(workers.map(worker));
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}

function refusal({ play }: ConformanceCase, { kind, use, options }: Contestant): string | null {
  if (play === null) return null;
  if (use === 'direct' && play.workload.expect.residue) return null;
  const refused = kind.refuses(play.workload, options);
  if (refused !== null || play.workload.prefix === null) return refused;
  const version = versionOf(play.workload.prefix);
  return 'proxy-protocol' in options ? null : `it sends no PROXY header of version ${version}`;
}

/** A contestant that can send what a case declares is told to. */
function prepared({ play }: ConformanceCase, by: Contestant): Contestant {
  const prefix = play?.workload.prefix ?? null;
  if (prefix === null) return by;
  const told = by.kind.options.safeParse({ ...by.options, 'proxy-protocol': versionOf(prefix) });
  return told.success ? { ...by, options: told.data } : by;
}

function versionOf(prefix: Prefix): string {
  return prefix === 'proxy-v1' ? 'v1' : 'v2';
}

async function playCell(
  one: ConformanceCase,
  by: Contestant,
  direct: MatrixCell | null,
  { executor, signal, thorough, alone }: SuiteSetting,
  versions: Map<string, string | null>,
): Promise<MatrixCell> {
  const started = performance.now();
  const most = alone === true && direct?.verdict !== 'pass' ? 1 : MOST_PLAYS;
  for (let left = most - 1; ; left--) {
    const { record } = await executor.run(trialOf(one, by, thorough), signal);
    if (record.forwarder_version !== null) versions.set(by.label, record.forwarder_version);
    if (left > 0 && isUndecided(record)) continue;
    const seconds = (performance.now() - started) / 1e3;
    return judgeCell(one.name, by.label, record, by.use === 'direct' ? null : direct, seconds);
  }
}

function isUndecided({ script }: TrialRecord): boolean {
  if (script === undefined) return false;
  if (script.failures.length === 0) return typeof script.idle === 'string';
  return script.failures.every(({ kind }) => kind === ('time' satisfies FailureKind));
}

/** The seed is the case's own, so that it sends the same bytes each time. */
function trialOf(one: ConformanceCase, by: Contestant, thorough: boolean): PlannedTrial {
  if (one.play === null) throw new Error(`${one.name} cannot be played`);
  const { topology, workload, thorough: most } = one.play;
  const { label, use, options } = by;
  return {
    run_id: 'conformance',
    trial_id: `${one.name}-${label}`,
    block: 0,
    position: 0,
    cell: {
      key: one.name,
      scenario: 'conformance',
      topology,
      workload: { ...workload, repeat: thorough ? most : workload.repeat },
      baseline: 'direct',
      pin: null,
    },
    forwarder: { label, use, options },
    seed: derivedSeed('793', 'conformance', one.name),
  };
}
