import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AxisPoint, findCrossover } from '../../src/base/statistics/crossover.js';

/** Points at 1, 2, 4, … with the given ratios and intervals. */
function points(...given: [ratio: number, low: number, high: number][]): AxisPoint[] {
  return given.map(([ratio, low, high], index) => ({ x: 2 ** index, ratio, low, high }));
}

describe('findCrossover', () => {
  it('finds the first value from which on the interval is above 1', () => {
    const found = findCrossover(points([0.5, 0.4, 0.6], [0.8, 0.7, 0.9], [2, 1.9, 2.1], [3, 2, 4]));
    assert.ok(found.kind === 'from');
    assert.equal(found.from, 4);
    const { low, at, high } = found;
    assert.ok(low !== null && at !== null && high !== null);
    assert.ok(low < at && at < high, 'the upper bound crosses first');
    assert.ok(low > 2 && high < 4);
  });

  it('interpolates between logarithms', () => {
    const found = findCrossover(points([0.5, 0.25, 0.8], [2, 1.5, 4]));
    assert.ok(found.kind === 'from');
    assert.equal(found.from, 2);
    assert.ok(Math.abs((found.at ?? 0) - Math.SQRT2) < 1e-12);
    const expected = 2 ** (Math.log(4) / Math.log(6));
    assert.ok(Math.abs((found.high ?? 0) - expected) < 1e-12);
  });

  it('has no lower end where nothing is shown to be slower', () => {
    const found = findCrossover(points([0.99, 0.9, 1.1], [1.5, 1.4, 1.6]));
    assert.ok(found.kind === 'from');
    assert.equal(found.low, null);
    assert.ok(found.high !== null && found.high > 1 && found.high < 2);
  });

  it('takes the last crossing when a value in between is not clear', () => {
    const found = findCrossover(
      points([0.5, 0.4, 0.6], [1.2, 1.1, 1.3], [1, 0.9, 1.1], [2, 1.8, 3]),
    );
    assert.ok(found.kind === 'from');
    assert.equal(found.from, 8);
    assert.ok((found.high ?? 0) > 4);
  });

  it('says always, never, not monotone and unknown', () => {
    assert.deepEqual(findCrossover(points([2, 1.5, 3], [2, 1.1, 3])), { kind: 'always' });
    assert.deepEqual(findCrossover(points([0.5, 0.4, 0.6], [0.9, 0.8, 0.99])), {
      kind: 'never',
      slower: true,
    });
    assert.deepEqual(findCrossover(points([0.5, 0.4, 0.6], [1, 0.9, 1.1])), {
      kind: 'never',
      slower: false,
    });
    assert.deepEqual(findCrossover(points([0.5, 0.4, 0.6], [2, 1.9, 2.1], [0.8, 0.7, 0.9])), {
      kind: 'not-monotone',
      gain: 2,
      loss: 4,
    });
    assert.deepEqual(findCrossover([]), { kind: 'unknown' });
    assert.deepEqual(findCrossover(points([2, 1.5, 3])), { kind: 'unknown' });
  });

  it('does not depend on the order, and leaves out what has no logarithm', () => {
    const given = points([0.5, 0.4, 0.6], [2, 1.9, 2.1], [3, 2.9, 3.1]);
    const zero = { x: 0, ratio: 0.1, low: 0.1, high: 0.1 };
    assert.deepEqual(findCrossover([...given].reverse()), findCrossover(given));
    assert.deepEqual(findCrossover([zero, ...given]), findCrossover(given));
  });
});
