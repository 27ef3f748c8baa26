import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { estimateMedian } from '../../src/base/statistics/interval.js';
import { Random } from '../../src/base/statistics/random.js';
import {
  type BlockSample,
  mannWhitney,
  pairedRatio,
  relativeWidth,
} from '../../src/base/statistics/ratio.js';

/** Samples by block from a function of the block. */
function samples(blocks: number, value: (block: number) => number): BlockSample[] {
  return Array.from({ length: blocks }, (_, index) => ({
    block: index + 1,
    value: value(index + 1),
  }));
}

describe('the paired ratio', () => {
  it('sees through a drift that hides the difference from unpaired figures', () => {
    // The machine halves its speed over the run; splice is 10 % faster in every block.
    const random = new Random('1', 'drift');
    const noise = () => 1 + (random.float() - 0.5) * 0.02;
    const drift = (block: number) => 20 - block;
    const copy = samples(10, (block) => drift(block) * noise());
    const splice = samples(10, (block) => 1.1 * drift(block) * noise());
    const ratio = pairedRatio(splice, copy);
    assert.ok(ratio.median !== null && Math.abs(ratio.median - 1.1) < 0.02);
    assert.equal(ratio.significant, true);
    assert.ok((relativeWidth(ratio) ?? 1) < 0.03);
    // The same figures without their blocks: intervals overlap and ranks prove nothing.
    const values = (list: readonly BlockSample[]) => list.map(({ value }) => value);
    const [low, high] = [estimateMedian(values(splice)), estimateMedian(values(copy))];
    assert.ok((low.interval?.low ?? 0) < (high.interval?.high ?? 0));
    assert.ok((mannWhitney(values(splice), values(copy)) ?? 0) > 0.2);
  });

  it('pairs by block, whatever the order, and leaves out what has no partner', () => {
    const ratio = pairedRatio(
      [
        { block: 3, value: 9 },
        { block: 1, value: 2 },
        { block: 9, value: 1000 },
      ],
      [
        { block: 1, value: 1 },
        { block: 3, value: 3 },
        { block: 2, value: 5 },
      ],
    );
    assert.equal(ratio.n, 2);
    assert.equal(ratio.median, 2.5);
    assert.equal(ratio.significant, null);
    assert.match(ratio.reason ?? '', /^2 samples/);
  });

  it('takes a baseline of 0 for no pair', () => {
    const ratio = pairedRatio(
      samples(8, () => 1),
      samples(8, () => 0),
    );
    assert.equal(ratio.n, 0);
    assert.equal(ratio.median, null);
  });

  it('is not significant when its interval holds 1', () => {
    const baseline = samples(8, () => 10);
    const around = samples(8, (block) => 10 + (block % 2 === 0 ? 0.5 : -0.5));
    assert.equal(pairedRatio(around, baseline).significant, false);
    const above = samples(8, (block) => 12 + (block % 2 === 0 ? 0.5 : -0.5));
    assert.equal(pairedRatio(above, baseline).significant, true);
  });

  it('calls equals different in at most 5 % of runs', () => {
    const random = new Random('4', 'equals');
    let wrong = 0;
    const runs = 1000;
    for (let run = 0; run < runs; run++) {
      const a = samples(8, () => 10 + random.float());
      const b = samples(8, () => 10 + random.float());
      if (pairedRatio(a, b).significant === true) wrong++;
    }
    assert.ok(wrong / runs < 0.05, `${wrong} of ${runs}`);
  });
});

describe('the Mann-Whitney test', () => {
  /** The definition itself: every way to draw the first sample from all values. */
  function byEnumeration(a: readonly number[], b: readonly number[]): number {
    const all = [...a, ...b];
    const u = (first: readonly number[], second: readonly number[]) =>
      first.reduce(
        (sum, x) => sum + second.reduce((wins, y) => wins + (x > y ? 1 : x === y ? 0.5 : 0), 0),
        0,
      );
    const observed = Math.min(u(a, b), u(b, a));
    let asUneven = 0;
    let total = 0;
    for (let mask = 0; mask < 2 ** all.length; mask++) {
      const first = all.filter((_, index) => (mask >> index) & 1);
      if (first.length !== a.length) continue;
      const second = all.filter((_, index) => !((mask >> index) & 1));
      total++;
      if (Math.min(u(first, second), u(second, first)) <= observed) asUneven++;
    }
    return asUneven / total;
  }

  it('is exact for small samples without ties', () => {
    const random = new Random('5', 'ranks');
    for (const [n, m] of [
      [3, 4],
      [5, 5],
      [2, 7],
      [1, 6],
    ] as const) {
      const a = Array.from({ length: n }, () => random.float());
      const b = Array.from({ length: m }, () => random.float() + 0.3);
      assert.ok(Math.abs((mannWhitney(a, b) ?? -1) - byEnumeration(a, b)) < 1e-12);
    }
  });

  it('agrees with published critical values', () => {
    // Tables of U at two-sided 0.05: 2 for 5 and 5, 5 for 6 and 6, 23 for 10 and 10.
    const apart = (n: number, u: number): number => {
      // U = u when u pairs are the wrong way round: the last of b falls below u of a.
      const a = Array.from({ length: n }, (_, i) => i);
      const b = Array.from({ length: n }, (_, i) => n + i);
      const moved = [...b];
      for (let left = u, index = 0; left > 0; index++) {
        const down = Math.min(left, n);
        moved[index] = n - down - 0.5 + index / 100;
        left -= down;
      }
      return mannWhitney(a, moved) ?? -1;
    };
    for (const [n, critical] of [
      [5, 2],
      [6, 5],
      [10, 23],
    ] as const) {
      assert.ok(apart(n, critical) <= 0.05, `U = ${critical} for ${n}`);
      assert.ok(apart(n, critical + 1) > 0.05, `U = ${critical + 1} for ${n}`);
    }
  });

  it('is exact with ties', () => {
    const cases: [a: number[], b: number[]][] = [
      [
        [1, 2, 2, 3, 4, 4, 5],
        [2, 3, 3, 5, 6, 6, 7],
      ],
      [
        [0, 0, 0, 0, 0, 1, 1],
        [0, 1, 1, 1, 1, 1, 1],
      ],
      [[5, 5, 6], [5]],
      [
        [1, 1, 1],
        [1, 1, 1],
      ],
    ];
    for (const [a, b] of cases) {
      assert.ok(
        Math.abs((mannWhitney(a, b) ?? -1) - byEnumeration(a, b)) < 1e-12,
        JSON.stringify([a, b]),
      );
    }
  });

  it('approximates well where it no longer counts', () => {
    // 20 and 20 are counted, 20 and 21 are not; one sample more hardly changes p.
    const evens = (n: number, from: number) => Array.from({ length: n }, (_, i) => from + 2 * i);
    const counted = mannWhitney(evens(20, 0), evens(20, 9)) ?? -1;
    const approximated = mannWhitney(evens(20, 0), [...evens(20, 9), 28]) ?? -1;
    assert.ok(Math.abs(counted - approximated) < 0.02, `${counted} ${approximated}`);
    const shifted = Array.from({ length: 100 }, (_, i) => i);
    assert.ok((mannWhitney(shifted, shifted) ?? 0) > 0.99);
    const apart = mannWhitney(
      shifted,
      shifted.map((x) => x + 30),
    );
    assert.ok((apart ?? 1) < 1e-5);
    assert.equal(mannWhitney(Array<number>(30).fill(1), Array<number>(30).fill(1)), 1);
    assert.equal(mannWhitney([], [1]), null);
  });
});
