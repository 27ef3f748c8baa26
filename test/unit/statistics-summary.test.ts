import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SummaryRow } from '../../src/data/record/summary-columns.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import { countOutcomes, summarise } from '../../src/experiment/verdict/summary.js';
import { fakeRecord } from '../support/fake-executor.js';
import { planBlock } from '../../src/experiment/trial/order.js';
import { scenarioOf } from './scenario-fixtures.js';

const scenario = scenarioOf(`name: s
workload: { connections: 10, message: 64KiB }
forwarders: [direct, splice, copy]
matrix: { workload.check: [none, full] }
`);
const labels = scenario.forwarders.map(({ label }) => label);

/** Trials of 8 blocks of a machine that drifts; `change` may alter each. */
function trials(change: (record: TrialRecord) => Partial<TrialRecord> = () => ({})): TrialRecord[] {
  const plan = { run_id: 'r', seed: '1', ...scenario };
  return [1, 2, 3, 4, 5, 6, 7, 8].flatMap((block) =>
    planBlock(plan, block).map((trial) => {
      const speed = { direct: 40, splice: 30, copy: 10 }[trial.forwarder.label] ?? 0;
      const record = fakeRecord(trial, speed * (1 + block / 8));
      return { ...record, ...change(record) };
    }),
  );
}

/** The row of a forwarder in the cell with check: full. */
function rowOf(records: readonly TrialRecord[], forwarder: string, metric = 'goodput'): SummaryRow {
  const found = summarise(records, scenario.cells, labels).find(
    (row) => row.forwarder === forwarder && row.metric === metric && row.check === 'full',
  );
  return found ?? assert.fail(`no row of ${forwarder} ${metric}`);
}

describe('the summary', () => {
  it('has one row per cell, forwarder and metric that exists, in the order given', () => {
    const rows = summarise(trials(), scenario.cells, labels);
    assert.deepEqual(
      rows.map(({ cell, forwarder, metric }) => `${cell} ${forwarder} ${metric}`),
      [
        's/check=none direct goodput',
        's/check=none splice goodput',
        's/check=none copy goodput',
        's/check=full direct goodput',
        's/check=full splice goodput',
        's/check=full copy goodput',
      ],
    );
    const withCpu = trials(({ forwarder }) =>
      forwarder === 'copy' ? { forwarder_cpu_seconds_per_gb: 0.5 } : {},
    );
    assert.equal(rowOf(withCpu, 'copy', 'forwarder_cpu_per_gb').median, 0.5);
    assert.equal(rowOf(withCpu, 'splice', 'forwarder_cpu_per_gb').median, null);
    assert.equal(rowOf(withCpu, 'splice', 'forwarder_cpu_per_gb').no_interval, 'no samples');
  });

  it('gives the median with its interval, and the ratio paired by block', () => {
    const row = rowOf(trials(), 'splice');
    assert.equal(row.n, 8);
    assert.equal(row.median, 46.875);
    assert.ok((row.ci_low ?? 0) >= 33.75 && (row.ci_high ?? 0) <= 60);
    // The speeds drift by a factor of 1.8, the ratio does not.
    assert.equal(row.ratio, 3);
    assert.equal(row.ratio_ci_low, 3);
    assert.equal(row.ratio_ci_high, 3);
    assert.equal(row.significant, true);
    assert.equal(row.pairs, 8);
    assert.deepEqual(
      [row.baseline, row.unit, row.topology, row.direction, row.connections, row.message_bytes],
      ['copy', 'Gbps', 'loopback', 'download', 10, 65_536],
    );
  });

  it('gives the baseline no ratio to itself', () => {
    const { ratio, ratio_ci_low, significant, pairs } = rowOf(trials(), 'copy');
    assert.deepEqual([ratio, ratio_ci_low, significant, pairs], [null, null, null, 0]);
  });

  for (const outcome of ['failed', 'reset', 'stalled', 'truncated'] as const) {
    it(`takes no speed from a trial that ${outcome}, and says so`, () => {
      const records = trials(({ forwarder, block }) =>
        forwarder === 'splice' && block <= 2 ? { outcome, goodput_gbps: 1e6 } : {},
      );
      const row = rowOf(records, 'splice');
      assert.deepEqual([row.n, row.trials, row.excluded, row.pairs], [6, 8, 2, 6]);
      assert.ok((row.ci_high ?? 1e6) < 1e3);
      assert.equal(rowOf(records, 'copy').excluded, 0);
    });
  }

  it('takes what a trial did to the host and to its bytes also where it has no speed', () => {
    const records = trials(({ forwarder, block }) =>
      forwarder === 'splice'
        ? {
            outcome: block === 1 ? 'reset' : 'truncated',
            kernel_memory_peak_bytes: 7e6,
            backlog_peak_bytes: 5e8,
            lost_bytes: 4e8,
          }
        : { kernel_memory_peak_bytes: 1e6 },
    );
    assert.equal(rowOf(records, 'splice').n, 0);
    const figures = ['kernel_memory_peak', 'backlog_peak', 'lost_bytes'].map((metric) => {
      const { n, median, excluded } = rowOf(records, 'splice', metric);
      return [n, median, excluded];
    });
    assert.deepEqual(figures, [
      [8, 7e6, 8],
      [8, 5e8, 8],
      [8, 4e8, 8],
    ]);
    assert.equal(rowOf(records, 'splice', 'kernel_memory_peak').ratio, 7);
    const traced = records.map((record) => ({ ...record, under_strace: true }));
    assert.equal(rowOf(traced, 'splice', 'goodput').n, 0);
    assert.ok(summarise(traced, scenario.cells).every(({ metric }) => metric === 'goodput'));
  });

  for (const outcome of ['corrupt', 'extra', 'unchecked'] as const) {
    it(`takes the speed of a trial that is ${outcome}`, () => {
      const row = rowOf(
        trials(() => ({ outcome })),
        'splice',
      );
      assert.deepEqual([row.n, row.excluded], [8, 0]);
    });
  }

  it('says why there is no interval', () => {
    const few = trials().filter(({ block }) => block <= 3);
    const row = rowOf(few, 'splice');
    assert.equal(row.median, 37.5);
    assert.deepEqual(
      [row.ci_low, row.ci_high, row.ratio, row.ratio_ci_low, row.significant],
      [null, null, 3, null, null],
    );
    assert.match(row.no_interval ?? '', /^3 samples can bound a median with at most 75 %/);
  });

  it('calls a speed co-limited when ends on the same host limited most trials of either side', () => {
    const limited = (who: string, blocks: number, columns: Partial<TrialRecord> = {}) =>
      trials(({ forwarder, block }) => ({
        ...columns,
        ...(forwarder === who && block <= blocks ? { bottleneck: 'source' } : {}),
      }));
    const marks = (records: readonly TrialRecord[], forwarder = 'splice') => {
      const { lower_bound: bound, co_limited: shared } = rowOf(records, forwarder);
      return { bound, shared };
    };
    const shared = { bound: false, shared: true };
    assert.deepEqual(marks(limited('splice', 5)), shared);
    assert.deepEqual(marks(limited('splice', 4)), { bound: false, shared: false });
    assert.deepEqual(marks(limited('copy', 5)), shared);
    for (const topology of ['veth', 'nic']) {
      assert.deepEqual(marks(limited('splice', 5, { topology })), shared);
    }
    const hosts = { topology: 'hosts', emulated: false };
    assert.deepEqual(marks(limited('splice', 5, hosts)), { bound: true, shared: false });
    assert.deepEqual(marks(limited('splice', 5, { ...hosts, emulated: true })), shared);
  });

  it('marks a speed as a lower bound when the link limited most trials of either side', () => {
    const limited = (who: string, blocks: number) =>
      trials(({ forwarder, block }) =>
        forwarder === who && block <= blocks ? { bottleneck: 'link' } : {},
      );
    assert.equal(rowOf(limited('splice', 5), 'splice').lower_bound, true);
    assert.equal(rowOf(limited('splice', 4), 'splice').lower_bound, false);
    assert.equal(rowOf(limited('splice', 5), 'splice').limited_by, 'link');
    assert.notEqual(rowOf(limited('splice', 4), 'splice').limited_by, 'link');
    assert.notEqual(rowOf(limited('copy', 5), 'splice').limited_by, 'link');
    assert.equal(rowOf(limited('copy', 5), 'splice').lower_bound, true);
    assert.equal(rowOf(limited('splice', 5), 'direct').lower_bound, false);
  });

  it('never mixes cells', () => {
    const records = trials(({ check }) => (check === 'none' ? { goodput_gbps: 1000 } : {}));
    assert.ok((rowOf(records, 'splice').ci_high ?? 1000) < 100);
  });

  it('shows a forwarder of which every trial failed', () => {
    const records = trials(({ forwarder }) =>
      forwarder === 'splice' ? { outcome: 'failed' } : {},
    );
    const row = rowOf(records, 'splice');
    assert.deepEqual([row.n, row.median, row.excluded], [0, null, 8]);
    assert.deepEqual(countOutcomes(records), { unchecked: 16, failed: 16, intact: 16 });
  });
});
