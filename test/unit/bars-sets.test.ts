/** Bars whose two sides took turns in sets, and those of which one side cannot. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { evaluateBars } from '../../bench/bars/evaluate.js';
import { IPERF3, IPERF3_ALONE } from '../../bench/bars/iperf3.js';
import { BarsExecutor } from '../../bench/bars/run.js';
import type { ForwarderEntry, PlannedTrial } from '../../src/data/record/plan.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import type { TrialResult } from '../../src/data/record/trial-result.js';
import { loadScenarios } from '../../src/experiment/scenario/load.js';
import { FakeClock, FakeExecutor } from '../support/fake-executor.js';
import { LiveExecutor } from '../../src/experiment/trial/live-executor.js';
import { runSchedule } from '../../src/experiment/trial/schedule.js';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';
import { MemoryStore } from './schedule-fixtures.js';
import { setsOf } from './set-fixtures.js';

const [speed, checked, connections] = await loadScenarios(
  ['bars', 'bars-checked', 'bars-connections'],
  forwarderKinds,
);
const BLOCKS = 6;

/** As if each had run alone. */
function whole(trials: readonly TrialRecord[], ran_alone: string): TrialRecord[] {
  return trials.map((trial) => {
    const alone: TrialRecord = { ...trial, ran_alone };
    delete alone.slices;
    return alone;
  });
}

function entry(label: string): ForwarderEntry {
  const found = [...(speed?.forwarders ?? []), ...(checked?.forwarders ?? []), IPERF3].find(
    (one) => one.label === label,
  );
  return found ?? assert.fail(label);
}

function barOf(trials: readonly TrialRecord[], id: string) {
  const bar = evaluateBars({ trials, measurements: [] }).find((one) => one.id === id);
  return bar ?? assert.fail(id);
}

const [cell] = checked?.cells ?? [];
const [plain] = speed?.cells ?? [];
assert.ok(cell && plain);

describe('the bar of what checking costs', () => {
  it('compares two arms of one set, by the slices of each round', () => {
    const trials = setsOf(cell, [
      [entry('copy-checked'), 17.4],
      [entry('copy'), 20],
    ]);
    assert.deepEqual([...new Set(trials.map(({ check }) => check))].toSorted(), ['full', 'none']);
    const bar = barOf(trials, 'check-full');
    assert.ok(Math.abs((bar.value ?? 0) - 0.87) < 1e-6, bar.measured);
    assert.equal(bar.n, BLOCKS);
    assert.equal(bar.verdict, 'met');
    assert.doesNotMatch(bar.note ?? '', /did not take turns/);
  });

  it('says what source and sink take of the CPU that they share, and nothing where they share none', () => {
    const ends = (cpus: { source: number[]; sink: number[] }): TrialRecord[] =>
      setsOf(cell, [
        [entry('copy-checked'), 17.4],
        [entry('copy'), 20],
      ]).map((trial) => {
        const [source, sink] = trial.forwarder === 'copy' ? [0.4, 0.1] : [0.6, 0.4];
        return {
          ...trial,
          ...{ seconds: 2, bytes: 4e9, placement: { ...cpus, forwarder: [1] } },
          ...{ source_utilisation: source, sink_utilisation: sink },
        };
      });
    const note = barOf(ends({ source: [0], sink: [0] }), 'check-full').note ?? '';
    assert.match(note, /takes 0\.300 s of it in the source.* 0\.200 s in the sink/);
    assert.match(note, /without, 0\.200 s and 0\.0500 s\. 0\.500 s\/GB are at most 16\.0 Gbps/);
    const apart = barOf(ends({ source: [0], sink: [2] }), 'check-full').note ?? '';
    assert.doesNotMatch(apart, /share a CPU/);
  });

  it('says that its trials did not take turns where they did not', () => {
    const sets = setsOf(cell, [
      [entry('copy-checked'), 17.4],
      [entry('copy'), 20],
    ]);
    const trials = whole(sets, 'mode: solo');
    const bar = barOf(trials, 'check-full');
    // The spoiled rounds are in the figures of whole trials.
    assert.ok((bar.value ?? 1) < 0.8);
    assert.match(bar.note ?? '', /median of ratios of whole trials.*\(mode: solo\)/);
  });

  it('follows from runs of before, of two scenarios', () => {
    const full = { ...cell, workload: { ...cell.workload, check: 'full' as const } };
    const before = setsOf(full, [[entry('copy'), 15]]);
    const copies = setsOf(plain, [
      [entry('splice'), 40],
      [entry('copy'), 20],
    ]);
    const bar = barOf(whole([...before, ...copies], 'an older run'), 'check-full');
    assert.equal(bar.n, BLOCKS);
    assert.equal(bar.verdict, 'missed');
  });
});

describe('bars of forwarders that take turns', () => {
  const trials = setsOf(plain, [
    [entry('splice'), 36],
    [entry('direct'), 40],
    [entry('haproxy-splice'), 30],
    [entry('uring-copy'), 21],
    [entry('copy'), 20],
  ]);
  const alone = whole(setsOf(plain, [[entry(IPERF3.label), 30]]), IPERF3_ALONE);

  it('are by slices, and those beside iperf3 by whole trials, which they say', () => {
    const all = [...trials, ...alone];
    for (const [id, value] of [
      ['splice-direct', 36 / 40],
      ['splice-haproxy', 36 / 30],
      ['uring-copy', 21 / 20],
    ] as const) {
      const bar = barOf(all, id);
      assert.ok(Math.abs((bar.value ?? 0) - value) < 1e-6, `${id}: ${bar.measured}`);
      assert.doesNotMatch(bar.note ?? '', /take turns/);
    }
    assert.match(
      barOf(all, 'direct-iperf3').note ?? '',
      /not take turns \(iperf3 takes no turns\)/,
    );
  });

  it('never compare a trial alone with an arm of a set, of one mechanism at 10 and at 1,000', () => {
    const modes = connections?.cells.map(({ workload }) => workload.mode);
    assert.deepEqual(modes, ['solo', 'solo']);
  });
});

describe('the executor of the bars', () => {
  class Sets extends FakeExecutor {
    readonly sets: string[][] = [];
    readonly whyAlone = (trial: PlannedTrial) =>
      new BarsExecutor(new LiveExecutor()).whyAlone(trial);

    async runSet(trials: readonly PlannedTrial[], signal: AbortSignal): Promise<TrialResult[]> {
      this.sets.push(trials.map(({ forwarder }) => forwarder.label));
      return Promise.all(trials.map((trial) => this.run(trial, signal)));
    }
  }

  it('runs forwarders in sets, and iperf3 alone with the reason', async () => {
    const executor = new Sets(() => ({ goodput: 10 }), new FakeClock());
    const store = new MemoryStore();
    const forwarders = [entry('splice'), entry('copy'), IPERF3];
    const blocks = { min: 2, max: 2, target: 0.03, budget: null };
    const { signal } = new AbortController();
    await runSchedule({ cells: [plain], forwarders, executor, store, seed: '1', blocks, signal });
    assert.equal(executor.sets.length, 2);
    for (const set of executor.sets) assert.deepEqual(set.toSorted(), ['copy', 'splice']);
    const told = store.trials.map((trial) => `${trial.forwarder}: ${trial.ran_alone ?? 'in turn'}`);
    assert.deepEqual([...new Set(told)].toSorted(), [
      'copy: in turn',
      `${IPERF3.label}: ${IPERF3_ALONE}`,
      'splice: in turn',
    ]);
  });
});
