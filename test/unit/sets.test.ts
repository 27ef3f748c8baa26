/** Sets: who takes turns, in which order, what the slices say, and how they pair. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hodgesLehmann, ratioByRound } from '../../src/base/statistics/location.js';
import { Random } from '../../src/base/statistics/random.js';
import { type BlockSample, pairedRatio } from '../../src/base/statistics/ratio.js';
import type { PlannedTrial, Topology } from '../../src/data/record/plan.js';
import type { TrialResult } from '../../src/data/record/trial-result.js';
import {
  disturbance,
  marksOfSlices,
  seriesOfSlices,
  type Slice,
} from '../../src/experiment/measure/slices.js';
import { windowFigures } from '../../src/experiment/measure/window.js';
import { METRICS } from '../../src/data/record/metrics.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import { FakeClock, FakeExecutor, fakeRecord } from '../support/fake-executor.js';
import { planBlock } from '../../src/experiment/trial/order.js';
import { samplesOf } from '../../src/experiment/verdict/summary.js';
import { setsLeftOut } from '../../src/experiment/verdict/apart-sets.js';
import { disturbanceNotes } from '../../src/experiment/verdict/verdict-disturbed.js';
import { runSchedule } from '../../src/experiment/trial/schedule.js';
import { networkReason, soloReason } from '../../src/experiment/trial/solo.js';
import { lengthsOf, planTurns, roundsOf } from '../../src/experiment/workload/stream/rounds.js';
import { scenarioOf } from './scenario-fixtures.js';
import { MemoryStore } from './schedule-fixtures.js';
import { slice } from './slice-fixtures.js';

const scenario = scenarioOf(`name: s
workload: { seconds: 800ms, warmup: 200ms }
forwarders: [direct, splice, copy]
matrix: { workload.check: [none, full], workload.mode: [alternate, solo] }
blocks: { min: 2, max: 2, target: 3% }
`);

/** Remembers which trials ran at once, and what was to follow them. */
class SetExecutor extends FakeExecutor {
  readonly sets: string[][] = [];
  readonly ahead: string[][] = [];
  endings = 0;

  async runSet(
    trials: readonly PlannedTrial[],
    signal: AbortSignal,
    next: () => readonly PlannedTrial[],
  ): Promise<TrialResult[]> {
    this.sets.push(namesOf(trials));
    this.ahead.push(namesOf(next()));
    const results: TrialResult[] = [];
    for (const trial of trials) results.push(await this.run(trial, signal));
    return results;
  }

  endPrepared(): Promise<void> {
    this.endings += 1;
    return Promise.resolve();
  }
}

function namesOf(trials: readonly PlannedTrial[]): string[] {
  return trials.map(
    ({ forwarder, cell, block }) => `block ${block}: ${cell.key} ${forwarder.label}`,
  );
}

describe('a schedule with an executor of sets', () => {
  it('runs the forwarders of a cell at once, and those that are to be alone one by one', async () => {
    const executor = new SetExecutor(() => ({ goodput: 10 }), new FakeClock());
    const store = new MemoryStore();
    const { cells, forwarders, blocks } = scenario;
    const { signal } = new AbortController();
    await runSchedule({ cells, forwarders, blocks, seed: '1', signal, executor, store });
    assert.equal(store.trials.length, 2 * 4 * 3);
    assert.equal(executor.sets.length, 2 * 2);
    for (const set of executor.sets) {
      assert.equal(set.length, 3);
      assert.ok(set.every((name) => name.includes('mode=alternate')));
      assert.equal(new Set(set).size, 3);
    }
  });

  it('tells which set follows, if one does, and that no further one comes', async () => {
    const { cells, forwarders, blocks } = scenarioOf(`name: s
workload: { seconds: 800ms, warmup: 200ms }
forwarders: [direct, splice, copy]
matrix: { workload.check: [none, full] }
blocks: { min: 3, max: 3 }
`);
    const executor = new SetExecutor(() => ({ goodput: 10 }), new FakeClock());
    const { signal } = new AbortController();
    const plan = { cells, forwarders, blocks, seed: '1', signal };
    await runSchedule({ ...plan, executor, store: new MemoryStore() });
    assert.equal(executor.sets.length, 6);
    assert.deepEqual(executor.ahead, [...executor.sets.slice(1), []]);
    assert.equal(executor.endings, 1);
  });

  it('says so also where a trial runs alone in between, and when the store fails', async () => {
    const { cells, forwarders, blocks } = scenario;
    const { signal } = new AbortController();
    const executor = new SetExecutor(() => ({ goodput: 10 }), new FakeClock());
    const store = new MemoryStore();
    await runSchedule({ cells, forwarders, blocks, seed: '1', signal, executor, store });
    // What is told comes next, or nothing is told.
    const told = executor.ahead.map((set, index) => [set, executor.sets[index + 1]]);
    for (const [set, next] of told) if (set?.length !== 0) assert.deepEqual(set, next);
    assert.ok(told.some(([set]) => set?.length === 0));
    const failing = new SetExecutor(() => ({ goodput: 10 }), new FakeClock());
    const full = new MemoryStore();
    full.append = () => Promise.reject(new Error('the disk is full'));
    const plan = { cells, forwarders, blocks, seed: '1', signal };
    await assert.rejects(runSchedule({ ...plan, executor: failing, store: full }), /full/);
    assert.equal(failing.endings, 1);
  });
});

describe('a forwarder that is busy while others have their turns', () => {
  it('runs alone from the next block on, also when the run is resumed, and the record says why', async () => {
    const behaviour = ({ forwarder, block }: PlannedTrial) => ({
      goodput: 10,
      record:
        forwarder.label === 'splice' && block === 1
          ? {
              set: { id: 's', arms: 3 },
              rest: { idle_cpu_share: 0.25, drained_cpu_share: null, held: null, unavailable: {} },
            }
          : {},
    });
    const { forwarders, blocks } = scenario;
    const cells = scenario.cells.slice(0, 1);
    const { signal } = new AbortController();
    const whole = new MemoryStore();
    const first = new SetExecutor(behaviour, new FakeClock());
    const plan = { cells, forwarders, blocks, seed: '1', signal };
    await runSchedule({ ...plan, executor: first, store: whole });
    assert.deepEqual(
      first.sets.map((set) => set.length),
      [3, 2],
    );
    const alone = whole.trials.filter(({ ran_alone }) => ran_alone !== undefined);
    assert.deepEqual(
      alone.map(({ block, forwarder }) => [block, forwarder]),
      [[2, 'splice']],
    );
    assert.match(alone[0]?.ran_alone ?? '', /25 % of a CPU while others had their turns/);
    const resumed = new SetExecutor(behaviour, new FakeClock());
    const store = new MemoryStore(whole.trials.slice(0, 3));
    await runSchedule({ ...plan, executor: resumed, store });
    assert.deepEqual(
      resumed.sets.map((set) => set.length),
      [2],
    );
  });
});

describe('who runs alone', () => {
  const [cell] = scenario.cells;
  assert.ok(cell?.workload.kind === 'stream');
  const { topology, workload } = cell;

  it('takes turns on loopback', () => {
    assert.equal(soloReason({ topology, workload }, {}), null);
  });

  it('says why not', () => {
    assert.equal(soloReason({ topology, workload }, { strace: true }), 'strace');
    assert.equal(soloReason({ topology, workload: { ...workload, bytes: 1 } }, {}), 'bytes');
    assert.equal(
      soloReason({ topology, workload: { ...workload, prefix: 'proxy-v1' } }, {}),
      'prefix',
    );
    assert.equal(
      soloReason({ topology, workload: { ...workload, mode: 'solo' } }, {}),
      'mode: solo',
    );
    assert.match(
      soloReason({ topology, workload: { ...workload, connections: 1000 } }, {}) ?? '',
      /more than/,
    );
  });

  it('needs networks in which a connection that waits does not begin slowly again', () => {
    const hosts = { topology: { ...topology, kind: 'hosts' } as unknown as Topology };
    const at = (host: string, value: string) => ({
      host,
      sysctls: { 'net.ipv4.tcp_slow_start_after_idle': value },
    });
    assert.equal(networkReason({ topology }, []), null);
    assert.equal(networkReason(hosts, [at('a', '0'), at('b', '0')]), null);
    assert.match(networkReason(hosts, [at('a', '0'), at('b', '1')]) ?? '', /is not 0 on b$/);
    assert.match(networkReason(hosts, [{ host: 'a', sysctls: {} }]) ?? '', /on a$/);
    assert.match(networkReason(hosts, []) ?? '', /not known/);
  });
});

describe('the turns of a set', () => {
  it('gives every arm one turn in each round, in an order that differs, the first as planned', () => {
    const turns = planTurns(4, { discarded: 2, counted: 20 }, 0.04, '7');
    const orders = new Set<string>();
    for (let round = -1; round <= 20; round++) {
      const own = turns.filter((turn) => turn.round === round).map(({ arm }) => arm);
      assert.deepEqual([...own].sort(), [0, 1, 2, 3]);
      orders.add(own.join());
    }
    assert.deepEqual(
      turns.slice(0, 4).map(({ arm }) => arm),
      [0, 1, 2, 3],
    );
    assert.ok(orders.size > 10, `${orders.size} orders in 22 rounds`);
    assert.deepEqual(turns, planTurns(4, { discarded: 2, counted: 20 }, 0.04, '7'));
  });

  it('measures for as long as was asked', () => {
    const lengths = lengthsOf({ measure: 0.1, settle: null });
    const { counted } = roundsOf({ seconds: 1, warmup: 0 }, lengths);
    const turns = planTurns(1, { discarded: 0, counted }, lengths.measure, '7');
    const seconds = turns.reduce((sum, { measure }) => sum + measure, 0);
    assert.ok(seconds > 0.95 && seconds < 1.1, `${seconds} s`);
  });
});

describe('the figures of an arm', () => {
  it('has goodput of the measured parts and costs of all bytes', () => {
    const slices = [slice(1, 2e9), slice(2, 2e9)];
    const { from, to } = marksOfSlices(slices, { from: null, to: null });
    const figures = windowFigures(from, to, ['downstream'], false);
    const near = (value: number | null, expected: number) => {
      assert.ok(value !== null && Math.abs(value / expected - 1) < 1e-6, `${value}`);
    };
    near(figures.goodput_gbps, 16);
    near(figures.seconds, 0.08);
    near(figures.bytes, 0.16e9);
    near(figures.forwarder_cpu_seconds_per_gb, 1);
    near(figures.system_cpu_seconds_per_gb, 2);
    near(figures.softirq_cpu_seconds_per_gb, 1);
    near(figures.syscalls_per_gb, 1000);
    // 40 ms of CPU for bytes that pass in 120 ms at this speed.
    near(figures.endpointUtilisation.downstream, 0.04 / 0.12);
    assert.deepEqual(
      seriesOfSlices({ set: 's', settle: 0.01 }, slices).all_bytes,
      [0.12e9, 0.12e9],
    );
  });

  it('has none where no slice was measured', () => {
    const { from, to } = marksOfSlices([], { from: null, to: null });
    assert.equal(windowFigures(from, to, ['downstream'], false).seconds, 0);
  });
});

describe('stolen time', () => {
  const stolen = (round: number, seconds: number): Slice => {
    const one = slice(round, 1e9);
    const { cpu } = one.host.to;
    return {
      ...one,
      host: { ...one.host, to: { ...one.host.to, cpu: { ...cpu, stolen: seconds } } },
    };
  };

  it('in a slice of one arm leaves its round out for all', () => {
    const a = [stolen(1, 0), stolen(2, 0.01), stolen(3, 0), stolen(4, 0)];
    const b = [stolen(1, 0), stolen(2, 0), stolen(3, 0.03), stolen(4, 0)];
    assert.deepEqual(disturbance([a, b]), {
      disturbed: [2, 3],
      apart: [],
      left_out: [2, 3],
    });
    assert.deepEqual(disturbance([a.slice(0, 1)]), { disturbed: [], apart: [], left_out: [] });
  });

  it('in more than half of the rounds leaves none out', () => {
    const a = [stolen(1, 0.02), stolen(2, 0.02), stolen(3, 0)];
    assert.deepEqual(disturbance([a]), { disturbed: [1, 2], apart: [], left_out: [] });
  });

  it('rounds that are left out do not count in ratios', () => {
    const record = (label: string, bytes: number[]): TrialRecord => {
      const series = seriesOfSlices({ set: 's', settle: 0.01, left_out: [2] }, [
        slice(1, bytes[0] ?? 0),
        slice(2, bytes[1] ?? 0),
        slice(3, bytes[2] ?? 0),
      ]);
      const [trial] = planBlock({ run_id: 'r', seed: '1', ...scenario }, 1).filter(
        ({ forwarder }) => forwarder.label === label,
      );
      assert.ok(trial);
      return { ...fakeRecord(trial, 8), slices: series };
    };
    const metric = METRICS.find(({ name }) => name === 'goodput');
    assert.ok(metric);
    const trials = [record('splice', [2e9, 100e9, 2e9]), record('copy', [1e9, 1e9, 1e9])];
    const [own, other] = ['splice', 'copy'].map((label) => samplesOf(trials, label, metric));
    assert.equal(pairedRatio(own ?? [], other ?? []).median, 2);
  });
});

describe('CPUs that the hypervisor moves apart', () => {
  const at = (round: number, lineNs: number | null): Slice => ({ ...slice(round, 1e9), lineNs });

  it('leave the round of one arm out for all', () => {
    const a = [at(1, 50), at(2, 50), at(3, 340), at(4, 60)];
    const b = [at(1, 55), at(2, 90), at(3, 50), at(4, null)];
    const found = { disturbed: [], apart: [3], left_out: [3] };
    assert.deepEqual(disturbance([a, b]), found);
    assert.deepEqual(disturbance([a.slice(0, 2), b.slice(0, 2)]).apart, []);
  });

  it('leave out those that were near where these are fewer', () => {
    const a = [at(1, 340), at(2, 50), at(3, 340)];
    assert.deepEqual(disturbance([a]), { disturbed: [], apart: [1, 3], left_out: [2] });
  });

  it('show by what was seen earlier in the run', () => {
    const a = [at(1, 340), at(2, 330)];
    assert.deepEqual(disturbance([a]).apart, []);
    assert.deepEqual(disturbance([a], 50), { disturbed: [], apart: [1, 2], left_out: [] });
  });

  const inSet = (block: number, trip: number | null): TrialRecord => {
    const trial = planBlock({ run_id: 'r', seed: '1', ...scenario }, block).find(
      ({ forwarder, cell }) => forwarder.label === 'splice' && cell.key === scenario.cells[0]?.key,
    );
    assert.ok(trial);
    const series = seriesOfSlices({ set: `s${block}`, settle: 0.01 }, [at(1, trip), at(2, trip)]);
    return { ...fakeRecord(trial, 8), slices: series };
  };

  it('leave a whole set out of the comparison where others were near', () => {
    const trips = [52, 340, null, 61, 50, 49, 55];
    const trials = trips.map((trip, index) => inSet(index + 1, trip));
    assert.deepEqual([...setsLeftOut(trials)], ['s2']);
    const metric = METRICS.find(({ name }) => name === 'goodput');
    assert.ok(metric);
    const blocks = samplesOf(trials, 'splice', metric).map(({ block }) => block);
    assert.deepEqual(blocks, [1, 3, 4, 5, 6, 7]);
    assert.deepEqual([...setsLeftOut(trials.filter(({ block }) => block !== 2))], []);
    const mostlyApart = trips.map((trip, index) => inSet(index + 1, trip === 340 ? 50 : 340));
    assert.deepEqual([...setsLeftOut(mostlyApart)], ['s2']);
  });

  it('keep every set where those left would be too few for an interval', () => {
    const trials = [52, 340, 50, 61, 50, 49].map((trip, index) => inSet(index + 1, trip));
    assert.deepEqual([...setsLeftOut(trials)], []);
  });

  it('are told of', () => {
    const one = inSet(1, 50);
    const apart = { ...one, slices: { ...one.slices, apart: [2], left_out: [2] } } as TrialRecord;
    const [note = ''] = disturbanceNotes([apart]);
    assert.match(note, /^CPUs apart: in 1 of 2 rounds .* 1 round of sets .* 0 whole sets/);
    assert.deepEqual(disturbanceNotes([one]), []);
  });
});

describe('the ratio of two arms', () => {
  it('is not moved by slices that were preempted', () => {
    const random = new Random('3', 'slices');
    const rounds = Array.from({ length: 40 }, (_, index) => index + 1);
    const drift = (round: number) => 10 + 5 * Math.sin(round / 5);
    const noise = () => 1 + (random.float() - 0.5) * 0.04;
    const copy = rounds.map((round) => ({ round, value: drift(round) * noise() }));
    const splice = rounds.map((round) => ({
      round,
      value: 1.5 * drift(round) * noise() * (round % 6 === 0 ? 0.1 : 1),
    }));
    const ratio = ratioByRound(splice, copy) ?? 0;
    assert.ok(Math.abs(ratio / 1.5 - 1) < 0.03, `${ratio}`);
  });

  it('pairs slices of one set only', () => {
    const arm = (set: string, values: number[]): BlockSample => ({
      block: 1,
      value: 8,
      slices: { set, rounds: values.map((value, index) => ({ round: index + 1, value })) },
    });
    assert.equal(pairedRatio([arm('a', [2, 4, 6])], [arm('a', [1, 2, 3])]).median, 2);
    assert.equal(pairedRatio([arm('a', [2, 4, 6])], [arm('b', [1, 2, 3])]).median, 1);
  });

  it('is known by the scatter of sets', () => {
    const random = new Random('5', 'sets');
    let covered = 0;
    const runs = 400;
    for (let run = 0; run < runs; run++) {
      // The sum of twelve is normal enough, with a standard deviation of 1.
      const normal = () =>
        Array.from({ length: 12 }, () => random.float()).reduce((a, b) => a + b) - 6;
      const sets = Array.from({ length: 6 }, (_, index) => index + 1);
      const of = (ratio: () => number) =>
        sets.map((block) => ({
          block,
          value: 1,
          slices: { set: String(block), rounds: [{ round: 1, value: ratio() }] },
        }));
      const { interval } = pairedRatio(
        of(() => 1.2 * Math.exp(normal() * 0.02)),
        of(() => 1),
      );
      if (interval !== null && interval.low <= 1.2 && interval.high >= 1.2) covered += 1;
    }
    assert.ok(covered / runs > 0.92 && covered / runs < 0.98, `${covered} of ${runs}`);
  });
});

describe('the Hodges-Lehmann estimate', () => {
  it('is the median of the means of pairs', () => {
    assert.equal(hodgesLehmann([]), null);
    assert.equal(hodgesLehmann([1]), 1);
    assert.equal(hodgesLehmann([1, 2, 9]), 3.5);
  });
});
