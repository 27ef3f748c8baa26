import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TrialRecord } from '../../src/data/record/record.js';
import {
  evaluateThresholds,
  parseThreshold,
  type Threshold,
  type ThresholdResult,
} from '../../src/experiment/verdict/thresholds.js';
import { summarise } from '../../src/experiment/verdict/summary.js';
import { fakeRecord } from '../support/fake-executor.js';
import { planBlock } from '../../src/experiment/trial/order.js';
import { scenarioOf } from './scenario-fixtures.js';

const scenario = scenarioOf(`name: t
forwarders: [direct, { use: splice, name: v1.5 }, copy]
matrix: { workload.check: [none, full] }
`);
const labels = scenario.forwarders.map(({ label }) => label);

/** Trials of 6 blocks; `change` may alter each. */
function trials(change: (record: TrialRecord) => Partial<TrialRecord> = () => ({})): TrialRecord[] {
  const plan = { run_id: 'r', seed: '1', ...scenario };
  return [1, 2, 3, 4, 5, 6].flatMap((block) =>
    planBlock(plan, block).map((trial) => {
      const goodput = { direct: 40, 'v1.5': 30, copy: 10 }[trial.forwarder.label] ?? 0;
      const record = fakeRecord(
        trial,
        trial.cell.workload.check === 'full' ? goodput : goodput + 2,
      );
      return { ...record, ...change(record) };
    }),
  );
}

function parsed(text: string): Threshold {
  const threshold = parseThreshold(text, labels, 'copy');
  if (typeof threshold === 'string') assert.fail(threshold);
  return threshold;
}

function evaluated(text: string, records: readonly TrialRecord[]): ThresholdResult {
  const rows = summarise(records, scenario.cells, labels);
  return evaluateThresholds([parsed(text)], rows, records)[0] ?? assert.fail();
}

describe('parsing a threshold', () => {
  it('knows metrics, ratios and counts, of one forwarder or of all', () => {
    assert.deepEqual(parsed('v1.5.ratio.goodput >= 1.5'), {
      text: 'v1.5.ratio.goodput >= 1.5',
      quantity: { kind: 'ratio', forwarder: 'v1.5', metric: 'goodput' },
      operator: '>=',
      limit: 1.5,
    });
    assert.deepEqual(parsed(' copy.forwarder_cpu_per_gb<=.6 ').quantity, {
      kind: 'metric',
      forwarder: 'copy',
      metric: 'forwarder_cpu_per_gb',
    });
    assert.deepEqual(parsed('incidents == 0').quantity, {
      kind: 'count',
      forwarder: null,
      count: 'incidents',
    });
    assert.deepEqual(parsed('copy.failures == 0').quantity, {
      kind: 'count',
      forwarder: 'copy',
      count: 'failures',
    });
  });

  it('takes the longest label that fits', () => {
    const of = (known: string[]) => parseThreshold('a.b.goodput > 1', known, 'x');
    for (const known of [
      ['a', 'a.b'],
      ['a.b', 'a'],
    ]) {
      const threshold = of(known);
      assert.ok(typeof threshold !== 'string');
      assert.equal(threshold.quantity.forwarder, 'a.b');
    }
  });

  const bad: [text: string, expected: string][] = [
    ['splice.goodput >= 1', "unknown forwarder 'splice' (one of: direct, v1.5, copy)"],
    ['cpy.goodput >= 1', "unknown forwarder 'cpy', did you mean 'copy'?"],
    ['direct.gooput >= 1', "unknown metric 'gooput', did you mean 'goodput'?"],
    ['direct.ratio.incidents >= 1', "unknown metric 'incidents' (one of: goodput"],
    ['incident == 0', "unknown quantity 'incident', did you mean 'incidents'?"],
    ['copy.ratio.goodput >= 1', "'copy' is the baseline, so it has no ratio"],
    ['incidents = 0', 'expected QUANTITY OPERATOR NUMBER'],
    ['incidents == none', 'expected QUANTITY OPERATOR NUMBER'],
    ['incidents', 'expected QUANTITY OPERATOR NUMBER'],
    ['', 'expected QUANTITY OPERATOR NUMBER'],
  ];
  for (const [text, expected] of bad) {
    it(`refuses '${text}'`, () => {
      const message = parseThreshold(text, labels, 'copy');
      assert.ok(typeof message === 'string');
      assert.ok(message.startsWith(`threshold '${text}': ${expected}`), message);
    });
  }
});

describe('evaluating thresholds', () => {
  it('takes the worst of all cells', () => {
    // 30 / 10 = 3 with check: full, 32 / 12 = 2.667 without.
    const met = evaluated('v1.5.ratio.goodput >= 2.6', trials());
    assert.equal(met.verdict, 'met');
    assert.equal(met.cell, 't/check=none');
    assert.equal(met.detail, '2.667 in t/check=none');
    assert.equal(evaluated('v1.5.ratio.goodput >= 2.7', trials()).verdict, 'not met');
    assert.equal(evaluated('copy.goodput <= 11', trials()).verdict, 'not met');
    assert.equal(evaluated('copy.goodput <= 12', trials()).verdict, 'met');
    assert.equal(evaluated('copy.goodput < 12', trials()).verdict, 'not met');
    assert.equal(evaluated('copy.goodput > 9.9', trials()).verdict, 'met');
  });

  it('says when a ratio is only a lower bound, or co-limited', () => {
    const detail = (bottleneck: TrialRecord['bottleneck']) => {
      const limited = trials(({ forwarder }) => (forwarder === 'v1.5' ? { bottleneck } : {}));
      return evaluated('v1.5.ratio.goodput >= 4', limited).detail;
    };
    assert.match(detail('link'), /lower bound/);
    assert.match(detail('sink'), /co-limited: source and sink share the forwarder's host/);
  });

  it('does not hold for a figure that is unavailable, in one cell or in all', () => {
    assert.deepEqual(evaluated('copy.latency_p99 <= 100', trials()), {
      threshold: parsed('copy.latency_p99 <= 100'),
      verdict: 'unavailable',
      value: null,
      cell: null,
      detail: 'copy has no latency_p99 in this run',
    });
    const partly = trials(({ check }) => (check === 'full' ? { outcome: 'failed' } : {}));
    const result = evaluated('copy.goodput >= 1', partly);
    assert.equal(result.verdict, 'unavailable');
    assert.equal(result.detail, 'copy has no goodput in t/check=full');
  });

  it('counts incidents where bytes were checked, and never takes unchecked for none', () => {
    assert.equal(evaluated('incidents == 0', trials()).verdict, 'met');
    assert.equal(evaluated('incidents == 0', trials()).detail, '0 in 18 trials');
    const one = trials(({ block, forwarder, check }) =>
      block === 2 && forwarder === 'v1.5' && check === 'full'
        ? { outcome: 'corrupt', incidents: 2 }
        : {},
    );
    const broken = evaluated('incidents == 0', one);
    assert.equal(broken.verdict, 'not met');
    assert.equal(broken.value, 2);
    assert.equal(evaluated('copy.incidents == 0', one).verdict, 'met');
    const unchecked = trials().filter(({ check }) => check === 'none');
    assert.equal(evaluated('incidents == 0', unchecked).verdict, 'unavailable');
  });

  it('takes a stream that ended too early for an incident, checked or not', () => {
    const short = trials(({ block, check }) =>
      block === 1 && check === 'none' ? { outcome: 'truncated' } : {},
    );
    assert.equal(evaluated('incidents == 0', short).verdict, 'not met');
    assert.equal(evaluated('violations == 0', short).value, 3);
  });

  it('is unavailable while a trial has no count, unless it is too high already', () => {
    const failed = trials(({ block, check }) =>
      block === 1 && check === 'full' ? { outcome: 'failed', incidents: null } : {},
    );
    assert.equal(evaluated('incidents == 0', failed).verdict, 'unavailable');
    assert.equal(evaluated('failures == 0', failed).verdict, 'not met');
    const both = failed.map((record) =>
      record.block === 2 && record.check === 'full' ? { ...record, incidents: 5 } : record,
    );
    assert.equal(evaluated('incidents <= 1', both).verdict, 'not met');
  });
});
