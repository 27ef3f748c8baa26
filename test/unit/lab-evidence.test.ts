import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TrialRecord } from '../../src/data/record/record.js';
import { bisectCode, emptyLines, weigh } from '../../src/tasks/lab/evidence.js';
import type { HookRecord } from '../../src/tasks/lab/guest-plan.js';

const trial = (forwarder: string, more: Partial<TrialRecord> = {}) =>
  ({
    trial_id: `b01-${forwarder}`,
    forwarder,
    outcome: 'intact',
    check: 'full',
    verified_bytes: 1000,
    incidents: 0,
    error: null,
    calls: null,
    ...more,
  }) as TrialRecord;
const splicing = { calls: { splice: { calls: 1, eagain: 0, bytes: 1, histogram: [] } } };
const met = (forwarder: string, calls: number, slab_heads: number): [string, HookRecord] => [
  `b01-${forwarder}`,
  {
    trial_id: `b01-${forwarder}`,
    calls,
    slab_heads,
    other_heads: 0,
    raised: 0,
    missed: 0,
  },
];

describe('what a trial in the guest proves', () => {
  const found = (trials: TrialRecord[], hook: ReadonlyMap<string, HookRecord> | null) =>
    weigh(trials, hook).map(({ evidence }) => evidence.found);

  it('is nothing where the bug met no packet in slab memory, for what splices only', () => {
    const trials = [trial('splice', splicing), trial('haproxy'), trial('copy')];
    const hook = new Map([met('splice', 9, 0), met('haproxy', 9, 0), met('copy', 0, 0)]);
    assert.deepEqual(found(trials, hook), ['nothing', 'nothing', 'clean']);
    assert.match(emptyLines(weigh(trials, hook))[0] ?? '', /b01-splice \(splice\): it met no/);
    assert.deepEqual(found(trials, new Map([met('splice', 9, 1), met('haproxy', 9, 1)])), [
      'clean',
      'clean',
      'clean',
    ]);
  });

  it('is nothing where the kernel refused slab memory on its way to the socket, by the name of what refused', () => {
    const refused = new Map([['b01-splice', { ...met('splice', 9, 9)[1], refused: 2 }]]);
    for (const outcome of ['truncated', 'reset', 'failed'] as const) {
      const weighed = weigh([trial('splice', { ...splicing, outcome })], refused);
      assert.match(emptyLines(weighed)[0] ?? '', /skb_splice_from_iter .*2 refused/, outcome);
    }
    // Bytes that came out wrong are a violation whatever was refused besides.
    const corrupt = trial('splice', { ...splicing, outcome: 'corrupt', incidents: 1 });
    assert.deepEqual(found([corrupt], refused), ['violation']);
    const none = new Map([['b01-splice', { ...met('splice', 9, 9)[1], refused: 0 }]]);
    assert.deepEqual(found([trial('splice', { ...splicing, outcome: 'truncated' })], none), [
      'violation',
    ]);
  });

  it('is nothing where nobody knows what the bug met, and clean where no bug was given', () => {
    assert.deepEqual(found([trial('splice', splicing)], new Map()), ['nothing']);
    assert.deepEqual(found([trial('splice', splicing)], null), ['clean']);
  });

  it('is nothing where it did not come to its end or compared nothing', () => {
    const trials = [
      trial('a', { outcome: 'stalled' }),
      trial('b', { outcome: 'failed', verified_bytes: null }),
      trial('c', { verified_bytes: 0 }),
    ];
    assert.deepEqual(found(trials, null), ['nothing', 'nothing', 'nothing']);
  });

  it('is a violation also where the counts are wrong', () => {
    const trials = [trial('a', { outcome: 'truncated' }), trial('b', { incidents: 3 })];
    assert.deepEqual(found(trials, null), ['violation', 'violation']);
  });
});

describe('the answer to git bisect', () => {
  const answer = (trials: TrialRecord[], complete = true) =>
    bisectCode(weigh(trials, null), complete);

  it('is 0 only for a guest that came to its end with every trial clean', () => {
    assert.equal(answer([trial('a'), trial('b')]), 0);
    assert.equal(answer([trial('a')], false), 125);
    assert.equal(answer([trial('a'), trial('b', { outcome: 'stalled' })]), 125);
    assert.equal(answer([]), 125);
  });

  it('is 1 for a violation, even where the guest died later', () => {
    const trials = [trial('a', { outcome: 'corrupt', incidents: 1 }), trial('b')];
    assert.equal(answer(trials), 1);
    assert.equal(answer(trials, false), 1);
  });
});
