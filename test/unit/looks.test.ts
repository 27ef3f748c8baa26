/** Looking several times and stopping at what one sees: simulated with the rule that runs follow. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { estimateMedian, studentBound } from '../../src/base/statistics/interval.js';
import { confidenceAfter, plannedLooks } from '../../src/base/statistics/looks.js';
import { Random } from '../../src/base/statistics/random.js';
import { type BlockSample, pairedRatio } from '../../src/base/statistics/ratio.js';
import type { Answer } from '../../src/data/record/words.js';
import type { Blocks } from '../../src/experiment/scenario/expand.js';
import { ratioWidth, stopReason } from '../../src/experiment/trial/stopping.js';
import { intervalAnswer, judgingOf } from '../../src/experiment/verdict/answer.js';

const RUNS = 10_000;
const BLOCKS: Blocks = { min: 6, max: 20, target: 0.03, equivalent: 0.03, budget: null };

/** Standard normal, by G. E. P. Box and M. E. Muller (Annals of Mathematical Statistics 29, 1958). */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float());
}

const one = (block: number, value: number): BlockSample => ({
  block,
  value,
  slices: { set: String(block), rounds: [{ round: 1, value }] },
});

/** A run whose sets scatter around a ratio: what it answers where it stops, and what it knows there. */
function simulated(random: Random, ratio: number, scatter: number) {
  const samples: BlockSample[] = [];
  const reference: BlockSample[] = [];
  for (let done = 1; ; done++) {
    samples.push(one(done, ratio * Math.exp(scatter * normal(random))));
    reference.push(one(done, 1));
    // Between looks nothing is asked, which the rule must not mind, and the simulation need not try.
    if (done < BLOCKS.max && !plannedLooks(BLOCKS).includes(done)) continue;
    const known = ratioWidth(samples, reference, { done, blocks: BLOCKS });
    if (stopReason(done, BLOCKS, [{ forwarder: 'x', ...known }], 'y') === null) continue;
    const confidence = confidenceAfter(done, judgingOf(BLOCKS).range);
    const { interval } = pairedRatio(samples, reference, confidence);
    const covered = interval !== null && interval.low <= ratio && ratio <= interval.high;
    return { done, answer: known.answer, covered };
  }
}

function answers(seed: string, ratio: number, scatter: number) {
  const random = new Random(seed, 'looks');
  const counts: Record<Answer, number> = { higher: 0, lower: 0, equivalent: 0, undecided: 0 };
  let [covered, blocks] = [0, 0];
  for (let run = 0; run < RUNS; run++) {
    const result = simulated(random, ratio, scatter);
    counts[result.answer] += 1;
    if (result.covered) covered += 1;
    blocks += result.done;
  }
  return { counts, covered, blocks: blocks / RUNS };
}

describe('when a run looks', () => {
  it('after the fewest, then half as many again each time, and after the most', () => {
    assert.deepEqual(plannedLooks({ min: 6, max: 20 }), [6, 9, 14, 20]);
    assert.deepEqual(plannedLooks({ min: 8, max: 8 }), [8]);
    assert.deepEqual(plannedLooks({ min: 1, max: 3 }), [1, 2, 3]);
  });

  it('the looks share 5 %, and a run that ends between two has what is left', () => {
    const after = (samples: number) => 1 - confidenceAfter(samples, { min: 6, max: 20 });
    const near = (value: number, expected: number) => {
      assert.ok(Math.abs(value - expected) < 1e-12, `${value}`);
    };
    near(after(3), 0.05);
    for (const look of [6, 9, 14, 20]) near(after(look), 0.0125);
    near(after(7), 0.0375);
    near(after(13), 0.025);
    near(after(19), 0.0125);
    near(1 - confidenceAfter(6, null), 0.05);
    near(1 - confidenceAfter(8, { min: 8, max: 8 }), 0.05);
  });
});

describe('the bound of Student', () => {
  it('is that of the tables', () => {
    for (const [degrees, confidence, t] of [
      [1, 0.95, 12.706],
      [2, 0.95, 4.303],
      [5, 0.95, 2.571],
      [6, 0.95, 2.447],
      [5, 0.99, 4.032],
      [10, 0.99, 3.169],
      [19, 0.999, 3.883],
    ] as const) {
      assert.ok(Math.abs(studentBound(degrees, confidence) - t) < 6e-4, `${degrees} ${confidence}`);
    }
  });

  it('an interval that is surer needs more samples of a median', () => {
    assert.notEqual(estimateMedian([1, 2, 3, 4, 5, 6]).interval, null);
    const { interval, reason } = estimateMedian([1, 2, 3, 4, 5, 6], 0.9875);
    assert.equal(interval, null);
    assert.match(reason ?? '', /98\.75 % needs 8/);
  });
});

describe('what an interval answers', () => {
  it('equivalent inside the margin, also where it excludes 1', () => {
    assert.equal(intervalAnswer({ low: 1.005, high: 1.02 }, 0.03), 'equivalent');
    assert.equal(intervalAnswer({ low: 1 / 1.03, high: 1.03 }, 0.03), 'equivalent');
    assert.equal(intervalAnswer({ low: 1.005, high: 1.04 }, 0.03), 'higher');
    assert.equal(intervalAnswer({ low: 0.5, high: 0.9 }, 0.03), 'lower');
    assert.equal(intervalAnswer({ low: 0.96, high: 1.01 }, 0.03), 'undecided');
    assert.equal(intervalAnswer(null, 0.03), 'undecided');
  });
});

describe(`the stopping rule, in ${RUNS} runs each`, () => {
  for (const scatter of [0.01, 0.02, 0.05]) {
    it(`two that are alike, sets scatter by ${scatter}: found different in at most 5 %`, () => {
      const { counts, covered } = answers('1', 1, scatter);
      assert.ok(counts.higher + counts.lower <= 0.05 * RUNS, JSON.stringify(counts));
      assert.ok(covered >= 0.95 * RUNS, `${covered} intervals hold the truth`);
    });

    it(`two that differ by the margin, by ${scatter}: found equivalent in at most 5 %`, () => {
      for (const ratio of [1.03, 1 / 1.03]) {
        const { counts, covered } = answers('2', ratio, scatter);
        assert.ok(counts.equivalent <= 0.05 * RUNS, JSON.stringify(counts));
        assert.ok(covered >= 0.95 * RUNS, `${covered} intervals hold the truth`);
      }
    });
  }

  it('is of use: what is clear is decided, and early', () => {
    const different = answers('3', 1.1, 0.01);
    assert.equal(different.counts.higher, RUNS);
    const alike = answers('4', 1, 0.01);
    assert.ok(alike.counts.equivalent >= 0.95 * RUNS, JSON.stringify(alike.counts));
    assert.ok(alike.blocks < 12, `${alike.blocks} blocks`);
  });

  it('without it, looking after every block at 95 % is wrong far more often', () => {
    const random = new Random('5', 'looks');
    let wrong = 0;
    for (let run = 0; run < RUNS; run++) {
      const logs: number[] = [];
      for (let done = 1; done <= BLOCKS.max; done++) {
        logs.push(normal(random));
        if (done < BLOCKS.min) continue;
        const mean = logs.reduce((sum, log) => sum + log, 0) / done;
        const variance = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (done - 1);
        if (Math.abs(mean) <= studentBound(done - 1, 0.95) * Math.sqrt(variance / done)) continue;
        wrong += 1;
        break;
      }
    }
    assert.ok(wrong > 0.1 * RUNS, `${wrong}`);
  });
});
