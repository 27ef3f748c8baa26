import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../src/base/statistics/random.js';
import { independentRatio } from '../../src/base/statistics/shift.js';

/** Lognormal figures around a median, as goodput of one forwarder is. */
function figures(random: Random, n: number, median: number, spread: number): number[] {
  return Array.from({ length: n }, () => {
    const normal =
      Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float());
    return median * Math.exp(spread * normal);
  });
}

describe('independentRatio', () => {
  it('is the median of all ratios, with the interval of the published tables', () => {
    // Critical values of U, two-sided 5 %: n = m = 5 rejects U <= 2, n = m = 8 rejects U <= 13.
    const a = [1, 1, 1, 1, 1].map((x, i) => x + i / 1000);
    const b = [2, 2.1, 2.2, 2.3, 2.4];
    const { ratio, interval, p, significant } = independentRatio(a, b);
    const ratios = b.flatMap((x) => a.map((y) => x / y)).sort((x, y) => x - y);
    assert.equal(ratio?.toFixed(9), ratios[12]?.toFixed(9));
    assert.deepEqual(interval, { low: ratios[2], high: ratios[22] });
    assert.equal(significant, true);
    assert.equal(p?.toFixed(4), (2 / 252).toFixed(4));
    const eight = independentRatio([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8]);
    const own = Array.from({ length: 8 }, (_, i) => i + 1);
    const all = own.flatMap((x) => own.map((y) => x / y)).sort((x, y) => x - y);
    assert.deepEqual(eight.interval, { low: all[13], high: all[50] });
    assert.equal(eight.significant, false);
  });

  it('covers the true ratio in 95 % of cases, by counting and by approximation', () => {
    const random = new Random('7', 'shift');
    for (const [n, m, rounds] of [
      [6, 8, 400],
      [60, 50, 150],
    ] as const) {
      let covered = 0;
      let found = 0;
      for (let round = 0; round < rounds; round++) {
        const { interval, significant } = independentRatio(
          figures(random, n, 10, 0.2),
          figures(random, m, 10, 0.2),
        );
        if (interval !== null && interval.low <= 1 && interval.high >= 1) covered += 1;
        if (significant === true) found += 1;
      }
      // Four standard deviations of a share of 95 %.
      assert.ok(covered / rounds > 0.95 - 4 * Math.sqrt((0.05 * 0.95) / rounds), `${covered}`);
      assert.ok(found / rounds < 0.05 + 4 * Math.sqrt((0.05 * 0.95) / rounds), `${found}`);
    }
  });

  it('finds a difference that is there', () => {
    const random = new Random('8', 'shift');
    const { ratio, significant, interval } = independentRatio(
      figures(random, 20, 10, 0.1),
      figures(random, 20, 20, 0.1),
    );
    assert.equal(significant, true);
    assert.ok(ratio !== null && ratio > 1.8 && ratio < 2.2);
    assert.ok(interval !== null && interval.low > 1);
  });

  it('says what cannot be said', () => {
    assert.deepEqual(independentRatio([], [1]), {
      n: [0, 1],
      ratio: null,
      interval: null,
      p: null,
      significant: null,
      reason: 'no figure in the first run',
    });
    const few = independentRatio([1, 2, 3], [10, 20, 30]);
    assert.equal(few.interval, null);
    assert.equal(few.significant, null);
    assert.match(few.reason ?? '', /3 against 3 figures cannot/);
    const zero = independentRatio([0, 1, 1, 1, 1, 1], [2, 2, 2, 2, 2, 2]);
    assert.equal(zero.ratio, null);
    assert.equal(zero.significant, true);
    assert.match(zero.reason ?? '', /above 0/);
  });
});
