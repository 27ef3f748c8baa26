/** HTTP at a rate: what is refused, and latencies corrected for coordinated omission. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { completeWorkload } from '../../src/experiment/workload/schema.js';
import { correctedLatencies } from '../../src/machine/role/corrected-latencies.js';

const MS = 1e6;

describe('latencies corrected for coordinated omission', () => {
  it('are what they were in a closed loop, and where the answer came before the next was due', () => {
    assert.deepEqual(correctedLatencies(500 * MS, null), [500 * MS]);
    assert.deepEqual(correctedLatencies(9 * MS, 10 * MS), [9 * MS]);
  });

  it('hold those that a slow answer kept from being sent', () => {
    const expected = [50, 40, 30, 20, 10].map((ms) => ms * MS);
    assert.deepEqual(correctedLatencies(50 * MS, 10 * MS), expected);
  });

  it('move a percentile that the one slow answer alone would not', () => {
    const usual = Array.from({ length: 900 }, () => 1 * MS);
    const all = [...usual, 1000 * MS].flatMap((ns) => correctedLatencies(ns, 10 * MS));
    const slow = all.filter((ns) => ns > 100 * MS).length;
    assert.ok(slow / all.length > 0.08);
  });
});

describe('a rate of http', () => {
  const messages = (given: Record<string, unknown>) =>
    completeWorkload({ kind: 'http', connections: 8, seconds: 2, ...given }).problems.map(
      ({ message }) => message,
    );

  it('is taken, and shared out among the connections', () => {
    assert.deepEqual(messages({ rate: 1000 }), []);
    assert.deepEqual(messages({}), []);
  });

  for (const [what, given, expected] of [
    ['fewer than one per connection and second', { rate: 7 }, /rate: .*at least 8 .*got 7/],
    ['a part of a request', { rate: 10.5 }, /rate: .*whole number.*got 10\.5/],
    ['bits', { rate: { bitsPerSecond: 8e6 } }, /rate: http counts requests.*got 8/],
    ['pipelining', { rate: 100, pipelining: 2 }, /pipelining: .*expected 1 with a rate, got 2/],
    ['a part of a second', { rate: 100, seconds: 1.5 }, /seconds: .*whole seconds.*got 1\.5/],
  ] as const) {
    it(`is refused with ${what}`, () => {
      assert.match(messages(given).join('\n'), expected);
    });
  }
});
