import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  boundSentence,
  connectionSentence,
  gammaP,
  gammaQuantile,
  poissonBoundAtAnyLook,
  poissonBounds,
  ratePerConnection,
  ratePerTb,
} from '../../src/data/integrity/bounds.js';
import { Random } from '../../src/base/statistics/random.js';

describe('Poisson bounds', () => {
  // Two-sided 95 % limits as in Garwood's table (1936), checked again by summing the terms with 40
  // decimal digits.
  const table: [events: number, low: number, high: number][] = [
    [1, 0.0253, 5.5716],
    [2, 0.2422, 7.2247],
    [3, 0.6187, 8.7673],
    [4, 1.0899, 10.2416],
    [5, 1.6235, 11.6683],
    [6, 2.2019, 13.0595],
    [7, 2.8144, 14.4227],
    [8, 3.4538, 15.7632],
    [9, 4.1154, 17.0848],
    [10, 4.7954, 18.3904],
    [20, 12.2165, 30.8884],
    [50, 37.111, 65.9188],
    [100, 81.364, 121.6268],
  ];
  for (const [events, low, high] of table) {
    it(`are ${low} and ${high} for ${events} events`, () => {
      const bounds = poissonBounds(events);
      assert.ok(Math.abs(bounds.low - low) < 6e-5, `low ${bounds.low}`);
      assert.ok(Math.abs(bounds.high - high) < 6e-5, `high ${bounds.high}`);
    });
  }

  it('are one-sided without events: the rule of three', () => {
    const { low, high } = poissonBounds(0);
    assert.equal(low, 0);
    assert.ok(Math.abs(high - 2.9957) < 5e-5);
  });

  it('have tails of exactly 2.5 %, summed term by term', () => {
    for (const events of [1, 3, 17, 60]) {
      const { low, high } = poissonBounds(events);
      const atMost = (k: number, mean: number): number => {
        let term = Math.exp(-mean);
        let sum = term;
        for (let i = 1; i <= k; i++) sum += term *= mean / i;
        return sum;
      };
      assert.ok(Math.abs(atMost(events, high) - 0.025) < 1e-10);
      assert.ok(Math.abs(1 - atMost(events - 1, low) - 0.025) < 1e-10);
    }
  });

  it('at any look divide 5 % among the numbers of events', () => {
    assert.ok(Math.abs(poissonBoundAtAnyLook(0) - -Math.log(0.05 * (6 / Math.PI ** 2))) < 1e-9);
    let chances = 0;
    for (let events = 0; events < 200; events++) {
      const most = poissonBoundAtAnyLook(events);
      assert.ok(most > poissonBounds(events).high, `${events}`);
      chances += 1 - gammaP(events + 1, most);
    }
    assert.ok(chances < 0.05 && chances > 0.0497, `${chances}`);
  });

  it('at any look stop wrongly in at most 5 % of runs that look all the time', () => {
    const random = new Random('1', 'looks');
    const [runs, limit] = [4000, 1];
    const wrong = (bound: (events: number) => number) => {
      let stopped = 0;
      for (let run = 0; run < runs; run++) {
        // The rate is the limit itself: whoever is said to be below it is so wrongly.
        let exposure = 0;
        for (let events = 0; events < 60; events++) {
          const next = exposure - Math.log(1 - random.next32() / 2 ** 32) / limit;
          if (bound(events) / limit < next) {
            stopped++;
            break;
          }
          exposure = next;
        }
      }
      return stopped / runs;
    };
    assert.ok(wrong(poissonBoundAtAnyLook) < 0.05);
    // What this is for: with bounds for one look it would be several times that.
    assert.ok(wrong((events) => poissonBounds(events).high) > 0.12);
  });

  it('hold for millions of events', () => {
    const { low, high } = poissonBounds(4_000_000);
    // Normal in the limit: k -+ 1.96 sqrt(k), within the skewness of about one event.
    assert.ok(Math.abs(low - (4_000_000 - 1.96 * 2000)) < 3);
    assert.ok(Math.abs(high - (4_000_000 + 1.96 * 2000)) < 4);
  });

  it('refuse what is not a count', () => {
    for (const bad of [-1, 0.5, Number.NaN, Infinity]) {
      assert.throws(() => poissonBounds(bad), RangeError);
    }
  });
});

describe('the incomplete gamma function', () => {
  it('agrees with closed forms', () => {
    for (const x of [0.01, 0.5, 1.9, 2.1, 7, 40]) {
      // P(1, x) = 1 - e^-x and P(2, x) = 1 - (1 + x) e^-x.
      assert.ok(Math.abs(gammaP(1, x) - -Math.expm1(-x)) < 1e-13);
      assert.ok(Math.abs(gammaP(2, x) - (1 - (1 + x) * Math.exp(-x))) < 1e-13);
    }
    assert.equal(gammaP(3, 0), 0);
  });

  it('is inverted by its quantile', () => {
    for (const shape of [1, 2, 5, 100, 1e4]) {
      for (const p of [0.025, 0.975]) {
        assert.ok(Math.abs(gammaP(shape, gammaQuantile(shape, p)) - p) < 1e-9, `${shape} ${p}`);
      }
    }
  });
});

describe('rates and sentences', () => {
  it('are per TB of 10^12 verified bytes', () => {
    assert.ok(Math.abs((ratePerTb(0, 41e9)?.high ?? 0) - 73.07) < 0.01);
    assert.ok(Math.abs((ratePerTb(0, 1.2e12)?.high ?? 0) - 2.496) < 0.001);
    assert.equal(ratePerTb(0, 0), null);
  });

  it('say what was seen and what that excludes', () => {
    const seen = { trials: 48 };
    assert.equal(
      boundSentence({ ...seen, incidents: 0, comparedBytes: 41e9 }),
      'none in 41 GB, 48 trials: below 73 per TB',
    );
    assert.equal(
      boundSentence({ incidents: 0, comparedBytes: 1.2e12, trials: 1 }),
      'none in 1.2 TB, 1 trial: below 2.5 per TB',
    );
    assert.equal(
      boundSentence({ ...seen, incidents: 3, comparedBytes: 41e9 }),
      '3 in 41 GB, 48 trials: 73 per TB (95 %: 15 to 210)',
    );
    assert.equal(
      boundSentence({ ...seen, incidents: 0, comparedBytes: 0 }),
      'no byte was compared',
    );
  });

  it('choose a unit that can be read', () => {
    const of = (comparedBytes: number) => boundSentence({ incidents: 0, comparedBytes, trials: 1 });
    assert.match(of(999_600), /in 1 MB,.*below 3,000,000 per TB/);
    assert.match(of(350e9), /in 350 GB,/);
    assert.match(of(512), /in 512 B,/);
  });

  it('count connections, since corruption comes in bursts', () => {
    assert.ok(Math.abs((ratePerConnection(0, 48)?.high ?? 0) - 0.0624) < 1e-4);
    assert.equal(connectionSentence(0, 48), 'none in 48 connections: below 6.2 per 100');
    assert.equal(connectionSentence(2, 100), '2 in 100 connections: 2 per 100 (95 %: 0.24 to 7.2)');
    assert.equal(connectionSentence(0, 0), 'no connection was checked');
  });
});
