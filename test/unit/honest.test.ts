import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { honestMarkdown, honestResult, honestSentence } from '../../bench/honest/result.js';
import { noConnections } from '../../src/data/integrity/connection-outcomes.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';
import { loadScenario } from '../../src/experiment/scenario/load.js';
import { fakeRecord } from '../support/fake-executor.js';
import { planBlock } from '../../src/experiment/trial/order.js';
import { scenario } from './schedule-fixtures.js';
import { manifest } from './store-fixtures.js';

const plan = { run_id: 'r', seed: '1', cells: scenario.cells, forwarders: scenario.forwarders };
const checked = planBlock(plan, 1).filter(({ cell }) => cell.workload.check === 'full');

const LABELS = scenario.forwarders.map(({ label }) => label);

/** Three forwarders, 1 GB each. */
function trials(change: Partial<TrialRecord> = {}): TrialRecord[] {
  return checked.map((trial, index) => ({
    ...fakeRecord(trial, 8),
    verified_bytes: 1e9,
    transfer_fates: { ...noConnections(), intact: 16 },
    ...(index === 0 ? change : {}),
  }));
}

describe('the result of honest traffic', () => {
  it('is met when all was verified and nothing found', () => {
    const result = honestResult(manifest, trials(), LABELS, 3e9);
    assert.equal(result.verdict, 'met');
    assert.equal(result.transfers, 48);
    assert.match(
      honestSentence(result),
      /^no false alarm in 3\.00 GB .* 48 transfers in 3 trials;/,
    );
    assert.match(honestMarkdown(manifest, result, trials()), /\| splice \| 1\.00 GB \| 16 \| 0 \|/);
  });

  it('is missed by one alarm, however much was verified, and names the trial', () => {
    const corrupt = trials({ outcome: 'corrupt', incidents: 1 });
    const result = honestResult(manifest, corrupt, LABELS, 3e9);
    assert.equal(result.verdict, 'missed');
    assert.deepEqual(result.alarmed, [corrupt[0]?.trial_id]);
    assert.match(honestMarkdown(manifest, result, corrupt), /Alarm in trial/);
    const cut = honestResult(manifest, trials({ outcome: 'truncated' }), LABELS, 3e9);
    assert.equal(cut.verdict, 'missed');
  });

  it('is incomplete, and no pass, when too little was verified or a trial failed', () => {
    const failed = trials({
      outcome: 'failed',
      verified_bytes: null,
      transfer_fates: noConnections(),
    });
    const result = honestResult(manifest, failed, LABELS, 3e9);
    assert.equal(result.verdict, 'incomplete');
    assert.equal(result.unfinished, 1);
    const row = result.forwarders.find(({ unavailable }) => unavailable !== null);
    assert.deepEqual([row?.verified_bytes, row?.incidents], [null, null]);
  });

  it('is incomplete until every forwarder that can run here was seen', () => {
    const labels = [...LABELS, 'nginx'];
    const result = honestResult(manifest, trials(), labels, 1e9);
    assert.equal(result.verdict, 'incomplete');
    const unavailable = [{ scenario: 's', forwarder: 'nginx', cell: null, reason: 'not found' }];
    const without = honestResult({ ...manifest, unavailable }, trials(), labels, 1e9);
    assert.equal(without.verdict, 'met');
    assert.equal(without.forwarders.at(-1)?.unavailable, 'not found');
  });

  it('has every built-in mechanism that should lose nothing', async () => {
    const { forwarders } = await loadScenario('honest', forwarderKinds);
    const uses = new Set(forwarders.map(({ use }) => use));
    for (const { use, damaging, lossy, runner } of forwarderKinds.values()) {
      if (runner.kind !== 'builtin' || damaging || lossy !== undefined) continue;
      assert.ok(uses.has(use), use);
    }
    assert.ok(!uses.has('sockmap'));
  });
});
