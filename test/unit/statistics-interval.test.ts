import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { estimateMedian, median } from '../../src/base/statistics/interval.js';
import { Random } from '../../src/base/statistics/random.js';

/** Standard normal by Box and Muller. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float());
}

const DISTRIBUTIONS: { name: string; median: number; draw: (random: Random) => number }[] = [
  { name: 'normal', median: 0, draw: normal },
  { name: 'lognormal', median: 1, draw: (random) => Math.exp(normal(random)) },
  { name: 'exponential', median: Math.LN2, draw: (random) => -Math.log(1 - random.float()) },
  { name: 'Cauchy', median: 0, draw: (random) => Math.tan(Math.PI * (random.float() - 0.5)) },
];

describe('the median', () => {
  it('is the middle sample, or the mean of the two in the middle', () => {
    assert.equal(median([5, 1, 3]), 3);
    assert.equal(median([5, 1, 3, 4]), 3.5);
    assert.equal(median([]), null);
  });
});

describe('the 95 % interval of a median', () => {
  for (const { name, median: truth, draw } of DISTRIBUTIONS) {
    it(`holds the true median of ${name} samples in at least 95 % of runs, and is not wasteful`, () => {
      const rounds = 2000;
      for (const n of [6, 7, 8, 9, 12, 20, 35]) {
        const random = new Random('1', 'coverage', name, n);
        let covered = 0;
        for (let round = 0; round < rounds; round++) {
          const { interval } = estimateMedian(Array.from({ length: n }, () => draw(random)));
          assert.ok(interval !== null);
          if (interval.low <= truth && truth <= interval.high) covered++;
        }
        const share = covered / rounds;
        // 2,000 rounds know a coverage of 95 % to about +-1 %; with 7 or 8 samples the next narrower
        // interval would fall far below 95 %, so those hold more than they need.
        assert.ok(share >= 0.94, `${name}, n = ${n}: covered ${share}`);
        assert.ok(share <= (n < 9 ? 0.995 : 0.975), `${name}, n = ${n}: covered ${share}`);
      }
    });
  }

  it('still holds at least 92 % when blocks are added until it is narrow enough', () => {
    // Ratios around 1.5 with 0.5 to 5 % noise; at least 6 blocks, at most 20, target 3 %.
    for (const noise of [0.005, 0.01, 0.02, 0.03, 0.05]) {
      const random = new Random('6', 'stopping', String(noise));
      const rounds = 2000;
      let covered = 0;
      for (let round = 0; round < rounds; round++) {
        const ratios = Array.from({ length: 5 }, () => 1.5 * (1 + noise * normal(random)));
        for (;;) {
          ratios.push(1.5 * (1 + noise * normal(random)));
          const { median: middle, interval } = estimateMedian(ratios);
          assert.ok(middle !== null && interval !== null);
          if (ratios.length < 20 && (interval.high - interval.low) / middle >= 0.03) continue;
          if (interval.low <= 1.5 && 1.5 <= interval.high) covered++;
          break;
        }
      }
      assert.ok(covered / rounds >= 0.92, `noise ${noise}: covered ${covered / rounds}`);
    }
  });

  it('is what resampling approaches', () => {
    const random = new Random('2', 'resampling');
    for (const n of [6, 9, 10, 15]) {
      const samples = Array.from({ length: n }, () => normal(random));
      const resampled = Array.from({ length: 100_000 }, () =>
        median(Array.from({ length: n }, () => samples[random.below(n)] ?? 0)),
      ) as number[];
      resampled.sort((a, b) => a - b);
      const { interval } = estimateMedian(samples);
      assert.ok(interval !== null);
      // The expanded tail, from published t quantiles: 2.571, 2.306, 2.262, 2.145.
      const tail = { 6: 0.00243, 9: 0.00722, 10: 0.00855, 15: 0.01318 }[n] ?? 0;
      const share = (low: number, high: number) =>
        resampled.filter((value) => value >= low && value <= high).length / resampled.length;
      // What lies outside is at most the tail on each side, and the bound itself belongs inside.
      assert.ok(share(-Infinity, interval.low) >= tail - 0.001);
      assert.ok(1 - share(interval.low, Infinity) <= tail + 0.001);
      assert.ok(share(interval.high, Infinity) >= tail - 0.001);
      assert.ok(1 - share(-Infinity, interval.high) <= tail + 0.001);
    }
  });

  it('is the whole range with six samples, which is the least that holds 95 %', () => {
    assert.deepEqual(estimateMedian([3, 1, 2, 6, 5, 4]).interval, { low: 1, high: 6 });
  });

  it('does not exist with fewer than six samples, and says why', () => {
    const { interval, reason, median: middle } = estimateMedian([1, 2, 3, 4, 5]);
    assert.equal(interval, null);
    assert.equal(middle, 3);
    assert.equal(
      reason,
      '5 samples can bound a median with at most 93.8 % confidence (1 - 2^(1-n)); 95 % needs 6',
    );
    assert.deepEqual(estimateMedian([]), {
      n: 0,
      median: null,
      interval: null,
      reason: 'no samples',
    });
  });

  it('is a point when all samples are alike', () => {
    assert.deepEqual(estimateMedian(Array<number>(8).fill(7)).interval, { low: 7, high: 7 });
  });

  it('holds the median, lies in the range, and follows scale, shift and order', () => {
    const samples = fc.array(fc.integer({ min: -1e6, max: 1e6 }), {
      minLength: 6,
      maxLength: 40,
    });
    fc.assert(
      fc.property(samples, (values) => {
        const { median: middle, interval } = estimateMedian(values);
        assert.ok(middle !== null && interval !== null);
        assert.ok(interval.low <= middle && middle <= interval.high);
        assert.ok(interval.low >= Math.min(...values) && interval.high <= Math.max(...values));
        assert.deepEqual(estimateMedian(values.toReversed()).interval, interval);
        const doubled = estimateMedian(values.map((value) => value * 2)).interval;
        assert.deepEqual(doubled, { low: interval.low * 2, high: interval.high * 2 });
      }),
    );
  });

  it('narrows as 1 / sqrt(n), also beyond 1,000 samples, where factorials overflow', () => {
    const random = new Random('3', 'many');
    const width = (n: number): number => {
      const { interval } = estimateMedian(Array.from({ length: n }, () => normal(random)));
      return interval === null ? Number.NaN : interval.high - interval.low;
    };
    for (const n of [401, 1600, 2500]) {
      // The median of n normal samples has a standard error of 1.2533 / sqrt(n).
      const expected = (2 * 1.96 * 1.2533) / Math.sqrt(n);
      const widths = Array.from({ length: 30 }, () => width(n));
      const mean = widths.reduce((sum, each) => sum + each, 0) / widths.length;
      assert.ok(mean > expected * 0.85 && mean < expected * 1.15, `n = ${n}: ${mean}`);
    }
  });

  it('refuses what is not a number', () => {
    assert.throws(() => estimateMedian([1, 2, Number.NaN, 4, 5, 6]), RangeError);
  });
});
