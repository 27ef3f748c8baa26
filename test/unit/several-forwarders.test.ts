import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  ForwarderCost,
  ForwarderUnderTest,
} from '../../src/experiment/measure/forwarder-under-test.js';
import { sumCalls } from '../../src/data/record/sum-calls.js';
import { asOne, joinDetails, sumCosts } from '../../src/experiment/measure/several-forwarders.js';

function cost(change: Partial<ForwarderCost> = {}): ForwarderCost {
  return { timeNs: 0, cpuNs: 0, syscalls: 0, contextSwitches: 0, calls: null, ...change };
}

/** Answers as told; everything else is a mistake of the test. */
function forwarder(answers: Partial<ForwarderUnderTest>): ForwarderUnderTest {
  return answers as ForwarderUnderTest;
}

describe('the forwarders of several pairs', () => {
  it('are the forwarder itself where there is one', () => {
    const one = forwarder({});
    assert.equal(asOne([one]), one);
  });

  it('cost what they cost together, at the middle of their marks', () => {
    const together = sumCosts([
      cost({ timeNs: 10, cpuNs: 3, syscalls: 5, contextSwitches: 1 }),
      cost({ timeNs: 14, cpuNs: 4, syscalls: 6, contextSwitches: 2 }),
    ]);
    assert.deepEqual(together, {
      timeNs: 12,
      cpuNs: 7,
      syscalls: 11,
      contextSwitches: 3,
      calls: null,
    });
  });

  it('cost something unknown when that of one is unknown', () => {
    assert.equal(sumCosts([cost(), null]), null);
    assert.equal(sumCosts([null, null]), null);
    assert.equal(sumCosts([cost({ syscalls: 5 }), cost({ syscalls: null })])?.syscalls, null);
  });

  it('add up their calls by name', () => {
    const calls = (n: number, histogram: number[]) => ({
      calls: n,
      eagain: 1,
      bytes: 10,
      histogram,
    });
    assert.deepEqual(
      sumCalls([
        { splice: calls(2, [1, 1]) },
        { splice: calls(3, [0, 0, 3]), read: calls(1, [1]) },
      ]),
      {
        splice: { calls: 5, eagain: 2, bytes: 20, histogram: [1, 1, 3] },
        read: calls(1, [1]),
      },
    );
  });

  it('tell counts together, of pipes the least, and how many they are', () => {
    const details = [
      { pipe_bytes: 4096, pipes_created: 2, origin: 'x' },
      { pipe_bytes: 1024, pipes_created: 3, origin: 'x' },
    ];
    const joined = { pipe_bytes: 1024, pipes_created: 5, origin: 'x' };
    assert.deepEqual(joinDetails(details), joined);
    const all = asOne(details.map((detail) => forwarder({ detail: () => detail })));
    assert.deepEqual(all.detail(), { ...joined, pairs: 2 });
  });

  it('have ended when one has, and sample nothing when one cannot', async () => {
    const ends = (end: string | null) => forwarder({ ended: () => Promise.resolve(end) });
    assert.equal(await asOne([ends(null), ends('exit code 1')]).ended(), 'exit code 1');
    assert.equal(await asOne([ends(null), ends(null)]).ended(), null);
    const samples = (sample: { perSecond: number } | string) =>
      forwarder({ sampleSyscalls: () => Promise.resolve(sample) });
    assert.deepEqual(
      await asOne([samples({ perSecond: 2 }), samples({ perSecond: 3 })]).sampleSyscalls(),
      {
        perSecond: 5,
      },
    );
    assert.equal(await asOne([samples({ perSecond: 2 }), samples('no')]).sampleSyscalls(), 'no');
  });
});
