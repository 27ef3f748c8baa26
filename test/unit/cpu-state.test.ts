/** What others do with the CPUs of a trial: how it is seen, and what is left out for it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TrialRecord } from '../../src/data/record/record.js';
import { CONTENDED_NS, isContended, type WaitTimes } from '../../src/data/record/contended-cpu.js';
import { isShared, SHARED, type WorkTimes } from '../../src/data/record/shared-core.js';
import { lastRounds, ownRounds } from '../../src/experiment/measure/own-rounds.js';
import { seriesOfSlices, type Slice } from '../../src/experiment/measure/slices.js';
import { fakeRecord } from '../support/fake-executor.js';
import { planBlock } from '../../src/experiment/trial/order.js';
import { setsLeftOut } from '../../src/experiment/verdict/apart-sets.js';
import { disturbanceNotes } from '../../src/experiment/verdict/verdict-disturbed.js';
import { CpuState, longerLook } from '../../src/machine/host/cpu-state.js';
import { scenarioOf } from './scenario-fixtures.js';
import { slice } from './slice-fixtures.js';

const scenario = scenarioOf('name: s\nforwarders: [splice, copy]\nblocks: { min: 1, max: 1 }\n');
const FREE: WorkTimes = [10_000, 10_000];
const BUSY: WorkTimes = [10_000, 16_000];

const at = (round: number, workNs: WorkTimes | null): Slice => ({ ...slice(round, 1e9), workNs });

/** The only arm of a set. */
function recordOf(block: number, slices: Slice[]): TrialRecord {
  const [own] = ownRounds([slices], FREE, []);
  const series = seriesOfSlices({ set: `s${block}`, settle: 0.01, ...own }, slices);
  const [trial] = planBlock({ run_id: 'r', seed: '1', ...scenario }, block);
  assert.ok(trial);
  return { ...fakeRecord(trial, 8), cell: 'c', slices: series };
}

describe('the state of CPUs', () => {
  const placement = { source: [0], forwarder: [1], sink: [0] };

  it("is that of the forwarder's and another one's, with the best of all looks", () => {
    const asked: unknown[] = [];
    const trips = [60, 50, null, 300];
    const times = [
      [11_000, 12_000],
      [10_000, 17_000],
      [10_500, 11_500],
      [null, 1],
    ];
    const waits = [
      [1000, 4e6],
      [2000, null],
      [3000, 3000],
    ];
    const cpus = new CpuState(placement, true, {
      lineTrip: (...pair) => {
        asked.push(pair);
        return trips.shift() ?? null;
      },
      coreWork: (list) => {
        asked.push(list);
        return times.shift() ?? [];
      },
      cpuWait: () => waits.shift() ?? [],
    });
    assert.deepEqual(cpus.look(), {
      ...{ lineNs: 60, workNs: [11_000, 12_000] },
      waitNs: [1000, 4e6],
    });
    assert.deepEqual(cpus.look(), { lineNs: 50, workNs: [10_000, 17_000], waitNs: null });
    assert.deepEqual(cpus.look(), {
      ...{ lineNs: null, workNs: [10_500, 11_500] },
      waitNs: [3000, 3000],
    });
    assert.deepEqual(cpus.look(), { lineNs: 300, workNs: null, waitNs: null });
    assert.deepEqual([cpus.nearest, cpus.shortest], [50, [10_000, 11_500]]);
    assert.deepEqual(asked.slice(0, 2), [
      [1, 0],
      [1, 0],
    ]);
  });

  it('is not known where there is one CPU, or another machine', () => {
    const fail = () => assert.fail('asked');
    const never = { lineTrip: fail, coreWork: fail, cpuWait: fail };
    const unknown = { lineNs: null, workNs: null, waitNs: null };
    assert.deepEqual(new CpuState(placement, false, never).look(), unknown);
    const one = { source: [0], forwarder: [0], sink: [0] };
    assert.deepEqual(new CpuState(one, true, never).look(), unknown);
  });

  it('is waited for as long as the measurement takes, and not again after a wait in vain', async () => {
    const calm = [50, 10_000, 1000] as const;
    const looks: (readonly [number, number, number])[] = [calm];
    const [disturbed, shown] = [
      [] as (typeof looks)[number][],
      { of: calm as (typeof looks)[number] },
    ];
    disturbed.push(
      [101, 10_000, 1000],
      [50, 10_000 * SHARED + 1, 1000],
      [50, 10_000, CONTENDED_NS + 1],
    );
    const cpus = new CpuState(placement, true, {
      lineTrip: () => (shown.of = looks.shift() ?? shown.of)[0],
      coreWork: () => [shown.of[1], 10_000],
      cpuWait: () => [1000, shown.of[2]],
    });
    let pauses = 0;
    const wait = async (seconds: number): Promise<[boolean, number]> => {
      pauses = 0;
      const found = await cpus.calm(seconds, () => Promise.resolve(pauses++));
      return [found, pauses];
    };
    assert.deepEqual(await wait(1), [true, 0]);
    looks.push(...disturbed, calm);
    assert.deepEqual(await wait(1), [true, 3]);
    for (const state of disturbed) {
      looks.push(state);
      assert.deepEqual(await wait(1), [false, 20]);
      assert.deepEqual(await wait(1), [false, 0]);
      looks.push(calm);
      assert.deepEqual(await wait(1), [true, 0]);
    }
    looks.push(disturbed[0] ?? calm);
    assert.deepEqual(await wait(10), [false, 60]);
  });

  it('is the worse of two looks, each CPU for itself', () => {
    const a = { lineNs: 50, workNs: [10, 20] as const, waitNs: null };
    assert.deepEqual(longerLook(a, { lineNs: null, workNs: [15, 15], waitNs: [1, 2] }), {
      ...{ lineNs: 50, workNs: [15, 20], waitNs: [1, 2] },
    });
    assert.deepEqual(longerLook({ lineNs: 60, workNs: null, waitNs: [3, 1] }, a), {
      ...{ lineNs: 60, workNs: [10, 20], waitNs: [3, 1] },
    });
  });
});

describe('a shared core', () => {
  it('shows in work that takes longer than usual, on either CPU', () => {
    assert.ok(!isShared(FREE, FREE));
    assert.ok(isShared(BUSY, FREE));
    assert.ok(isShared([BUSY[1], BUSY[0]], FREE));
    assert.ok(!isShared([FREE[0] * SHARED, FREE[1]], FREE));
    assert.ok(!isShared(null, FREE));
  });

  it('costs an arm its own slice, and all of them what is left out of the set', () => {
    const arms = [
      [at(1, FREE), at(2, BUSY), at(3, FREE), at(4, FREE)],
      [at(1, FREE), at(2, FREE), at(3, null), at(4, FREE)],
    ];
    assert.deepEqual(ownRounds(arms, FREE, [4]), [
      { shared: [2], contended: [], left_out: [2, 4] },
      { shared: [], contended: [], left_out: [4] },
    ]);
  });

  it('costs nothing where most slices had one: that is the host then', () => {
    const arms = [[at(1, BUSY), at(2, BUSY), at(3, FREE)]];
    assert.deepEqual(ownRounds(arms, FREE, []), [{ shared: [1, 2], contended: [], left_out: [] }]);
  });

  it('keeps all slices of an arm that would have none left in the end', () => {
    const rest = [at(1, FREE), at(2, FREE), at(3, FREE)];
    const arms = [[at(1, BUSY), at(2, BUSY)], rest, rest];
    const own = ownRounds(arms, FREE, [2]);
    // While the set runs its rounds are wanted again.
    assert.deepEqual(own[0], { shared: [1, 2], contended: [], left_out: [1, 2] });
    const last = lastRounds(
      arms.map((slices) => ({ slices })),
      own,
    );
    assert.deepEqual(last[0], { shared: [1, 2], contended: [], left_out: [] });
    assert.deepEqual(last.slice(1), own.slice(1));
    // Of two rounds one disturbed and one apart.
    const slices = [at(1, FREE), at(2, FREE)];
    const both = lastRounds([{ slices }], ownRounds([slices], FREE, [1, 2]));
    assert.deepEqual(both[0]?.left_out, []);
  });

  const inSet = (block: number, works: readonly WorkTimes[]): TrialRecord =>
    recordOf(
      block,
      works.map((work, index) => at(index + 1, work)),
    );
  const quiet = [FREE, FREE, FREE];

  it('all through a set leaves the set out, where enough others had none', () => {
    const shared = inSet(1, [BUSY, BUSY, FREE]);
    const others = [2, 3, 4, 5, 6, 7].map((block) => inSet(block, quiet));
    assert.deepEqual([...setsLeftOut([shared, ...others])], ['s1']);
    assert.deepEqual([...setsLeftOut([shared, ...others.slice(1)])], []);
    assert.deepEqual([...setsLeftOut(others)], []);
  });

  it('is told of', () => {
    const [note = ''] = disturbanceNotes([inSet(1, [FREE, BUSY, FREE])]);
    assert.match(note, /^Shared cores: in 1 of 3 slices .* 1 slice of sets .* 0 whole sets/);
    assert.deepEqual(disturbanceNotes([inSet(1, quiet)]), []);
  });
});

describe('a contended CPU', () => {
  const ALONE: WaitTimes = [1000, 2000];
  const WANTED: WaitTimes = [1000, CONTENDED_NS + 1];
  const waiting = (round: number, waitNs: WaitTimes | null): Slice => ({
    ...slice(round, 1e9),
    waitNs,
  });
  const arm = (waits: readonly (WaitTimes | null)[]) =>
    waits.map((wait, index) => waiting(index + 1, wait));

  it('shows in a thread that waits for it, on either', () => {
    assert.ok(!isContended(ALONE));
    assert.ok(!isContended([CONTENDED_NS, CONTENDED_NS]));
    assert.ok(isContended(WANTED));
    assert.ok(isContended([WANTED[1], WANTED[0]]));
    assert.ok(!isContended(null));
  });

  it('costs an arm its own slices while a quarter of the set is left', () => {
    const own = ownRounds(
      [arm([WANTED, WANTED, ALONE, null]), arm([WANTED, ALONE, WANTED, WANTED])],
      FREE,
      [],
    );
    assert.deepEqual(own, [
      { shared: [], contended: [1, 2], left_out: [1, 2] },
      { shared: [], contended: [1, 3, 4], left_out: [1, 3, 4] },
    ]);
    const more = ownRounds([arm([WANTED, WANTED, WANTED, WANTED, ALONE])], FREE, [5]);
    assert.deepEqual(more, [{ shared: [], contended: [1, 2, 3, 4], left_out: [5] }]);
  });

  const inSet = (block: number, waits: readonly WaitTimes[]): TrialRecord =>
    recordOf(block, arm(waits));
  const most = [WANTED, WANTED, WANTED, WANTED, ALONE];

  it('leaves out sets that could not do without it, where they are the fewer', () => {
    const busy = inSet(1, most);
    const half = [2, 3, 4, 5, 6, 7].map((block) => inSet(block, [ALONE, WANTED, WANTED]));
    assert.deepEqual([...setsLeftOut([busy, ...half])], ['s1']);
    assert.deepEqual([...setsLeftOut(half)], []);
  });

  it('is told of, with what was kept', () => {
    const [note = ''] = disturbanceNotes([inSet(1, [ALONE, WANTED])]);
    assert.match(
      note,
      /^Contended CPUs: before or after 1 of 2 slices.* Left out for this alone: 1 slice\.$/,
    );
    const [kept = ''] = disturbanceNotes([inSet(1, most)]);
    assert.match(kept, /Left out for this alone: 0 slices; kept, since .*: 4,/);
    assert.deepEqual(disturbanceNotes([inSet(1, [ALONE])]), []);
  });

  it('in bursts shows in what tasks waited all through a set, which is left out', () => {
    const waited = (block: number, cpu: number): TrialRecord => {
      const record = inSet(block, [ALONE, ALONE]);
      assert.ok(record.slices);
      return {
        ...record,
        slices: { ...record.slices, pressure: { cpu, memory: 0, io: 0 } },
      };
    };
    const usual = [2, 3, 4, 5, 6, 7].map((block) => waited(block, 0.3 + block / 100));
    assert.deepEqual([...setsLeftOut([waited(1, 0.7), ...usual])], ['s1']);
    assert.deepEqual([...setsLeftOut([waited(1, 0.58), ...usual])], []);
    assert.deepEqual([...setsLeftOut([waited(1, 0.7), ...usual.slice(1)])], []);
  });
});
