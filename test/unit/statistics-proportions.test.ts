import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { differenceInterval, wilsonInterval } from '../../src/base/statistics/proportions.js';

describe('the difference of two shares', () => {
  // R. G. Newcombe, Statistics in Medicine 17 (1998), table II, method 10.
  for (const [a, m, b, n, low, high] of [
    [56, 70, 48, 80, 0.0524, 0.3339],
    [9, 10, 3, 10, 0.1705, 0.809],
    [6, 7, 2, 7, 0.0582, 0.8062],
    [5, 56, 0, 29, -0.0381, 0.1926],
    [0, 10, 0, 20, -0.1611, 0.2775],
    [0, 10, 0, 10, -0.2775, 0.2775],
    [10, 10, 0, 20, 0.6791, 1],
    [10, 10, 0, 10, 0.6075, 1],
  ] as const) {
    it(`of ${a}/${m} and ${b}/${n} is as published`, () => {
      const found = differenceInterval({ hit: a, of: m }, { hit: b, of: n });
      assert.equal(found.low.toFixed(4), low.toFixed(4));
      assert.equal(found.high.toFixed(4), high.toFixed(4));
    });
  }

  it('turns about with its sides', () => {
    const there = differenceInterval({ hit: 1, of: 6 }, { hit: 5, of: 7 });
    const back = differenceInterval({ hit: 5, of: 7 }, { hit: 1, of: 6 });
    assert.ok(Math.abs(there.low + back.high) < 1e-12 && Math.abs(there.high + back.low) < 1e-12);
  });

  it('wants whole counts of some trials', () => {
    for (const bad of [
      { hit: 0, of: 0 },
      { hit: 2, of: 1 },
      { hit: -1, of: 1 },
      { hit: 0.5, of: 1 },
    ]) {
      assert.throws(() => wilsonInterval(bad), RangeError);
    }
  });
});
