/** `make bars-precision`: its runs, what of them is stored when, and how they meet or miss the bars. */
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { evaluatePrecision } from '../../bench/precision/evaluate.js';
import type { MeasuredRun, RunMetric } from '../../bench/precision/measured-run.js';
import { type Amount, type Kind, plannedRuns } from '../../bench/precision/plan.js';
import { runSession } from '../../bench/precision/session.js';
import {
  checkPrecision,
  PrecisionStore,
  type Session,
  writePrecision,
} from '../../bench/precision/store.js';
import { CouldNotRunError } from '../../src/base/errors/errors.js';
import { Random } from '../../src/base/statistics/random.js';
import type { PlannedTrial } from '../../src/data/record/plan.js';
import { FakeClock } from '../support/fake-executor.js';
import { scratch } from '../support/folder.js';
import { normal, NoisyHost } from './noisy-host.js';

const AMOUNT: Amount = {
  aaRuns: 4,
  burnerRuns: 2,
  seconds: 60,
  shortSeconds: 20,
  setSeconds: null,
};

/** The burner of it uses so much more CPU, and slices scatter. */
class HostWithBurner extends NoisyHost {
  private readonly spread = new Random('3', 'cost');

  constructor(
    clock: FakeClock,
    private readonly dearer: number,
    private readonly onTrial: (trial: PlannedTrial) => void = () => undefined,
  ) {
    super((trial) => {
      this.onTrial(trial);
      return { goodput: 10, takes: 1 };
    }, clock);
  }

  protected override readonly cost = ({ forwarder }: PlannedTrial): number => {
    const own = forwarder.label === 'burner' ? this.dearer : 1;
    return own * (1 + 0.01 * normal(this.spread));
  };
}

function session(amount = AMOUNT): Session {
  return {
    ...{ run_id: 'p', started: '2026-01-01T00:00:00.000Z', finished: null, seed: '1', amount },
    ...{ kernel: '6.1', build: 'b', environment: [] },
  };
}

/** Counts what was started and ended. */
class FakeBusy {
  readonly counts = { started: 0, ended: 0 };
  dead = false;

  readonly start = () => {
    this.counts.started += 1;
    return Promise.resolve({
      assertAlive: () => {
        if (this.dead) throw new CouldNotRunError('it ended');
      },
      end: () => {
        this.counts.ended += 1;
        return Promise.resolve();
      },
    });
  };
}

interface Ran {
  folder: string;
  busy: FakeBusy;
  dearer?: number;
  signal?: AbortSignal;
  onTrial?: (trial: PlannedTrial) => void;
}

async function ran({ folder, busy, dearer = 1.05, signal, onTrial }: Ran): Promise<MeasuredRun[]> {
  const store = await PrecisionStore.open(folder, session());
  const clock = new FakeClock();
  try {
    await runSession({
      ...{ store, clock, executor: new HostWithBurner(clock, dearer, onTrial) },
      ...{ signal: signal ?? new AbortController().signal, keepBusy: busy.start },
    });
  } finally {
    await store.close();
  }
  return [...store.runs];
}

function kindsOf(runs: readonly MeasuredRun[]): string[] {
  return runs.map(({ kind, index }) => `${kind} ${index}`);
}

describe('a session of make bars-precision', () => {
  it('begins and ends with splice against copy, with short runs and burners by turns', () => {
    const runs = plannedRuns({ ...AMOUNT, aaRuns: 40, burnerRuns: 20 });
    assert.equal(runs.length, 64);
    assert.deepEqual(
      [0, 1, 62, 63].map((at) => runs[at]?.kind),
      ['splice', 'aa', 'splice-busy', 'splice-again'],
    );
    const burners = runs.flatMap(({ kind }, at) => (kind === 'burner' ? [at] : []));
    assert.equal(burners.length, 20);
    assert.ok(burners.every((at, index) => index === 0 || at - (burners[index - 1] ?? 0) <= 4));
  });

  it('stores each run, and keeps the CPUs busy in one of them', async (t) => {
    const folder = scratch(t);
    const busy = new FakeBusy();
    const runs = await ran({ folder, busy });
    assert.deepEqual(
      kindsOf(runs),
      plannedRuns(AMOUNT).map(({ kind, index }) => `${kind} ${index}`),
    );
    assert.deepEqual(busy.counts, { started: 1, ended: 1 });
    const [splice] = runs;
    assert.ok(splice && splice.sets >= 25 && splice.rounds === 12 * splice.sets);
    assert.equal(splice.metrics[0]?.sets.length, splice.sets);
    const bars = await writePrecision(folder);
    assert.equal(bars.find(({ id }) => id === 'splice-overlap')?.verdict, 'met');
    assert.match(readFileSync(join(folder, 'bars.md'), 'utf8'), /Runs: 10\. Seed: 1\.\n/);
    assert.deepEqual(await checkPrecision(folder), []);
  });

  it('ends a burner at the look that finds it, and gives one that is none its time', async (t) => {
    const of = (runs: readonly MeasuredRun[]) => runs.filter(({ kind }) => kind === 'burner');
    const found = of(await ran({ folder: scratch(t), busy: new FakeBusy() }));
    for (const { decided, sets, confidence, metrics } of found) {
      assert.ok(decided && sets === 16, `${sets} sets`);
      assert.ok(confidence > 0.985);
      const cpu = metrics.find(({ metric }) => metric === 'forwarder_cpu_per_gb');
      assert.ok(cpu?.low && cpu.low > 1 && cpu.high && cpu.high > 1.04);
    }
    const alike = of(await ran({ folder: scratch(t), busy: new FakeBusy(), dearer: 1 }));
    for (const { decided, seconds } of alike) assert.ok(!decided && seconds > 50);
  });

  it('keeps what was finished when it is interrupted, and goes on there', async (t) => {
    const folder = scratch(t);
    const busy = new FakeBusy();
    const stop = new AbortController();
    let shorts = 0;
    const onTrial = ({ cell }: PlannedTrial) => {
      if (cell.scenario === 'precision-aa-short') shorts += 1;
      if (shorts === 13) stop.abort(new Error('interrupted'));
    };
    const before = await ran({ folder, busy, signal: stop.signal, onTrial });
    assert.deepEqual(kindsOf(before), ['splice 1', 'aa 1']);
    await writePrecision(folder);
    assert.match(readFileSync(join(folder, 'bars.md'), 'utf8'), /Not all that were planned/);
    // And a crash in the middle of a line.
    appendFileSync(join(folder, 'runs.jsonl'), '{"kind":"aa-sh');
    const all = await ran({ folder, busy });
    assert.equal(new Set(kindsOf(all)).size, 10);
    assert.equal(all.length, 10);
    assert.equal(all[0]?.started, before[0]?.started);
  });

  it('ends what kept the CPUs busy also where a run cannot be used, and does not store it', async (t) => {
    const folder = scratch(t);
    const busy = new FakeBusy();
    busy.dead = true;
    await assert.rejects(ran({ folder, busy }), /it ended/);
    assert.deepEqual(busy.counts, { started: 1, ended: 1 });
    const bars = await writePrecision(folder);
    assert.equal(bars.find(({ id }) => id === 'splice-busy')?.measured, 'unavailable: not run yet');
  });

  it('is refused where the folder holds another one', async (t) => {
    const folder = scratch(t);
    await (await PrecisionStore.open(folder, session())).close();
    const longer = session({ ...AMOUNT, seconds: 90 });
    await assert.rejects(PrecisionStore.open(folder, longer), /other numbers of runs or seconds/);
    const rebuilt = { ...session(), build: 'c' };
    await assert.rejects(
      PrecisionStore.open(folder, rebuilt),
      /another kernel or by another build/,
    );
  });

  it('stored bars that do not follow from its runs are found', async (t) => {
    const folder = scratch(t);
    await ran({ folder, busy: new FakeBusy() });
    await writePrecision(folder);
    const path = join(folder, 'bars.json');
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace('"missed"', '"met"').replace(' of ', ' in '),
    );
    assert.equal((await checkPrecision(folder)).length, 1);
  });
});

const [LOW, HIGH] = [0.995, 1.005];

function run(kind: Kind, index: number, [low, high]: readonly [number, number]): MeasuredRun {
  const of = (metric: string): RunMetric => {
    return { metric, ratio: (low + high) / 2, low, high, sets: [] };
  };
  return {
    ...{ kind, index, started: '2026-01-01T00:00:00.000Z', seconds: 60, sets: 50 },
    ...{ sets_left_out: 0, rounds: 600, rounds_left_out: 0, confidence: 0.95, decided: false },
    metrics: ['goodput', 'forwarder_cpu_per_gb', 'system_cpu_per_gb'].map(of),
    error: null,
  };
}

function runsOf(kind: Kind, count: number, interval: readonly [number, number]): MeasuredRun[] {
  return Array.from({ length: count }, (_, index) => run(kind, index + 1, interval));
}

/** All that are planned, as they should be. */
function good(): MeasuredRun[] {
  return [
    run('splice', 1, [1.8, 1.84]),
    run('aa', 1, [LOW, HIGH]),
    ...runsOf('aa-short', 40, [0.98, 1.02]),
    ...runsOf('burner', 20, [1.03, 1.07]),
    run('splice-busy', 1, [1.75, 1.95]),
    run('splice-again', 1, [1.82, 1.86]),
  ];
}

function verdicts(runs: readonly MeasuredRun[]): Record<string, string> {
  return Object.fromEntries(evaluatePrecision(runs).map(({ id, verdict }) => [id, verdict]));
}

/** The good ones, with some of a kind in place of the first of them. */
function withThese(kind: Kind, count: number, interval: readonly [number, number]): MeasuredRun[] {
  return [
    ...good().filter((one) => one.kind !== kind || one.index > count),
    ...runsOf(kind, count, interval),
  ];
}

describe('the bars of precision', () => {
  it('are met by a quiet host', () => {
    const found = verdicts(good());
    assert.equal(Object.keys(found).length, 10);
    assert.deepEqual([...new Set(Object.values(found))], ['met']);
  });

  it('are missed by what is wider than it may be', () => {
    const wide = verdicts(withThese('aa', 1, [0.98, 1.02]));
    assert.equal(wide['aa-goodput'], 'missed');
    assert.equal(wide['aa-forwarder_cpu_per_gb'], 'missed');
    assert.equal(verdicts(withThese('splice-again', 1, [1.8, 1.9]))['splice-again'], 'missed');
    // Half of 1.75 to 1.95 is 5 %.
    assert.equal(verdicts(withThese('splice-busy', 1, [1.6, 2]))['splice-busy'], 'missed');
  });

  it('five of forty may be wrong, and six not', () => {
    const of = (count: number) => verdicts(withThese('aa-short', count, [1.001, 1.02]));
    assert.equal(of(5)['aa-short-goodput'], 'met');
    assert.equal(of(6)['aa-short-goodput'], 'missed');
  });

  it('one of twenty burners may be missed, and two not; one shown as cheaper is not found', () => {
    const of = (count: number, interval: readonly [number, number]) =>
      verdicts(withThese('burner', count, interval))['burner'];
    assert.equal(of(1, [0.99, 1.07]), 'met');
    assert.equal(of(2, [0.99, 1.07]), 'missed');
    assert.equal(of(2, [0.9, 0.99]), 'missed');
  });

  it('splice against copy must be the same each time', () => {
    const found = evaluatePrecision(withThese('splice-busy', 1, [1.87, 1.95]));
    const bar = found.find(({ id }) => id === 'splice-overlap');
    assert.equal(bar?.verdict, 'missed');
    assert.equal(
      bar.measured,
      '1.820 [1.800, 1.840], 1.840 [1.820, 1.860] and 1.910 [1.870, 1.950]',
    );
  });

  it('are neither met nor missed by fewer runs than they are about', () => {
    const few = good().filter(({ kind, index }) => kind !== 'aa-short' || index <= 39);
    const bar = evaluatePrecision(few).find(({ id }) => id === 'aa-short-goodput');
    assert.equal(bar?.verdict, 'unavailable');
    assert.equal(bar.measured, 'unavailable: 0 of 39 so far; 40 are wanted');
    const none = good().map((one) =>
      one.kind === 'burner' && one.index === 1
        ? { ...one, metrics: one.metrics.map((metric) => ({ ...metric, low: null, high: null })) }
        : one,
    );
    assert.equal(verdicts(none)['burner'], 'unavailable');
    assert.deepEqual([...new Set(Object.values(verdicts([])))], ['unavailable']);
  });

  it('are missed as soon as no further run can help', () => {
    const few = runsOf('burner', 2, [0.99, 1.07]);
    assert.equal(verdicts(few)['burner'], 'missed');
  });
});
