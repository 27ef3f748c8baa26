/** Reports, thresholds, `compare` and claims give the same answer: that of the slices, where there are any. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pairedRatio } from '../../src/base/statistics/ratio.js';
import { METRICS } from '../../src/data/record/metrics.js';
import { loadScenarios } from '../../src/experiment/scenario/load.js';
import { judgingByCell } from '../../src/experiment/verdict/answer.js';
import { compareSides } from '../../src/experiment/verdict/comparison.js';
import { samplesOf, summarise } from '../../src/experiment/verdict/summary.js';
import { evaluateThresholds } from '../../src/experiment/verdict/thresholds.js';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';
import type { Claim } from '../../src/tasks/claims/claim.js';
import { judgeClaim } from '../../src/tasks/claims/judge-claim.js';
import { CLAIMS, scenariosOf } from '../../src/tasks/claims/registry.js';
import { scenarioOf } from './scenario-fixtures.js';
import { setsOf } from './set-fixtures.js';
import { manifest } from './store-fixtures.js';

const scenario = scenarioOf(`name: one
workload: { check: none }
forwarders: [splice, copy]
blocks: { min: 6, max: 14 }
thresholds: ['splice.ratio.goodput >= 1.9', 'splice.ratio.forwarder_cpu_per_gb <= 0.6']
`);
const [cell] = scenario.cells;
const [splice, copy] = scenario.forwarders;
assert.ok(cell && splice && copy);

/** Two times as fast in each round, three in four of them: 1.7 times by whole trials. Sets scatter a little. */
const trials = setsOf(
  cell,
  [
    [splice, 40],
    [copy, 20],
  ],
  6,
  0.004,
);
const judging = judgingByCell([scenario]);
const summary = summarise(trials, scenario.cells, ['splice', 'copy'], [], judging);
const row = summary.find(({ forwarder, metric }) => forwarder === 'splice' && metric === 'goodput');
const goodput = METRICS.find(({ name }) => name === 'goodput');
assert.ok(row && goodput);
const { ratio, ratio_ci_low: low, ratio_ci_high: high } = row;
assert.ok(ratio !== null && low !== null && high !== null);

describe('the ratio of two arms that took turns', () => {
  it('is that of the slices of each round, and not of whole trials', () => {
    assert.ok(ratio > 1.99 && ratio < 2.05, String(ratio));
    const alone = trials.map((trial) => {
      const whole = { ...trial };
      delete whole.slices;
      return whole;
    });
    const [over, under] = ['splice', 'copy'].map((label) => samplesOf(alone, label, goodput));
    const { median, bySlices } = pairedRatio(over ?? [], under ?? []);
    assert.equal(bySlices, false);
    assert.ok((median ?? 2) < 1.8);
  });

  it('is the same for compare, whose interval allows for the looks of the run, too', () => {
    const side = (forwarder: string) => ({ name: forwarder, manifest, trials, forwarder });
    const of = (...given: Parameters<typeof compareSides>) => {
      const [figure] = compareSides(...given).figures;
      assert.ok(figure !== undefined);
      return [figure.ratio, figure.ratio_ci_low, figure.ratio_ci_high];
    };
    const sides = [side('copy'), side('splice'), ['goodput']] as const;
    assert.deepEqual(of(...sides, judging), [ratio, low, high]);
    const [, once = 0] = of(...sides);
    // Looked at once the interval would be narrower than the run's own.
    assert.ok((once ?? 0) > low);
  });

  it('is what thresholds are held against', () => {
    const results = evaluateThresholds(scenario.thresholds, summary, trials);
    assert.deepEqual(
      results.map(({ verdict }) => verdict),
      ['met', 'met'],
    );
    assert.equal(results[0]?.value, ratio);
  });

  it('is what claims are judged by', () => {
    const test: NonNullable<Claim['judged']>['test'] = {
      ...{ kind: 'ratio', of: 'splice', over: 'copy', metric: 'goodput' },
      claimed: { from: 1.9 },
    };
    const claim: Claim = {
      ...{ id: 'one', source: 'somebody', statement: 'splice is faster', place: 'anywhere' },
      ...{ needs: null, expected: null },
      judged: { scenario: 'one', test },
    };
    const { verdict, measured } = judgeClaim(claim, { trials, cells: [], unavailable: [] });
    assert.equal(verdict, 'supported');
    assert.equal(measured?.value, ratio);
  });
});

describe('the scenarios of the published claims', () => {
  it('look at their ratios once, as the judge of claims takes for granted', async () => {
    const scenarios = await loadScenarios(scenariosOf(CLAIMS), forwarderKinds);
    for (const { name, blocks } of scenarios) assert.equal(blocks.min, blocks.max, name);
  });
});
