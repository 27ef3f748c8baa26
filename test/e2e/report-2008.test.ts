/** The report's experiment as scenarios, the contents it used, and decoys beside the traffic. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { scratch, storedIncidents, storedTrials, writeScenario } from '../support/folder.js';
import { assertNothingLeft, roleProcess } from '../support/leaks.js';
import { straceUnavailable } from '../../src/machine/role/strace.js';
import { cli, killById, splicebench, start } from '../support/process.js';

const DECOYS = { count: 1, bytes: '4MiB', rate: '64MiB' };

describe('report-2008', () => {
  it('runs every variant and tells what was verified of each', async (t) => {
    const out = join(scratch(t), 'run');
    const args = ['run', 'report-2008', '--quick', '--blocks', '1', '--out', out];
    const { code, stderr } = await cli(t, args);
    const trials = storedTrials(out);
    // Two of them are traced.
    const traceable = (await straceUnavailable(true)) === null;
    assert.equal(trials.length, traceable ? 32 : 30, stderr);
    for (const { forwarder, outcome, cell, error, verified_bytes: verified } of trials) {
      // It waits for ever in a splice as soon as its pipe is full, which depends on who is faster.
      const may = forwarder === 'poc-without-nonblock' ? ['intact', 'stalled'] : ['intact'];
      assert.ok(may.includes(outcome), `${cell} ${forwarder}: ${error ?? outcome}`);
      assert.ok((verified ?? 0) > 0, `${cell} ${forwarder}`);
    }
    const stalled = trials.some(({ outcome }) => outcome === 'stalled');
    assert.equal(code, stalled ? 1 : 0, stderr);
    const joined = (name: string) => {
      const trial = trials.find(({ forwarder }) => forwarder === name);
      return (trial?.['forwarder_detail'] as Record<string, number>)['joined_writes'];
    };
    assert.ok((joined('poc-two-chunks') ?? 0) > 0);
    assert.equal(joined('poc-one-chunk'), 0);
    // Counted only where it was asked for.
    assert.equal(joined('poc'), undefined);
    const report = readFileSync(join(out, 'report.md'), 'utf8');
    const [, table = ''] = report.split('## Integrity');
    for (const { forwarder, cell } of trials) {
      assert.ok(table.includes(`| ${cell} | ${forwarder} |`), `${cell} ${forwarder}`);
    }
    assert.match(table, /content=zero \| poc \| – \| [\d.]+ MB \| 1 \(1\) \| 0 \|.* below /);
  });

  for (const content of ['zero', { tree: '{package}' }]) {
    const name = typeof content === 'string' ? content : 'tree';
    it(`sees what is wrong in a stream of content ${name}`, async (t) => {
      const folder = scratch(t);
      const scenario = writeScenario(folder, {
        workload: { bytes: '8MiB', content },
        forwarders: ['copy', { use: 'faulty', fault: 'noise', at: '1MiB', length: 172 }],
        blocks: { min: 1, max: 1 },
      });
      const out = join(folder, 'run');
      const { code, stderr } = await cli(t, ['run', scenario, '--out', out]);
      assert.equal(code, 3, stderr);
      const outcomes = storedTrials(out).map((one) => [one.forwarder, one.outcome]);
      assert.deepEqual(Object.fromEntries(outcomes), { copy: 'intact', faulty: 'corrupt' });
    });
  }

  it('says which folder cannot be packed', async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      workload: { content: { tree: join(folder, 'absent') } },
      forwarders: ['copy'],
      blocks: { min: 1, max: 1 },
    });
    const { code, stdout, stderr } = await cli(t, ['run', scenario, '--out', join(folder, 'run')]);
    assert.equal(code, 1, stderr);
    assert.match((stdout + stderr).replaceAll(/\s+/g, ' '), /the folder \S+ cannot be packed/);
  });
});

describe('decoys', () => {
  it('are recognised in a stream, stamped or zeros', async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      workload: { bytes: '8MiB', decoys: DECOYS },
      matrix: { 'workload.content': ['stamped', 'zero'] },
      forwarders: ['splice', { use: 'faulty', fault: 'decoy', at: '1MiB', length: 172 }],
      baseline: 'splice',
      blocks: { min: 1, max: 1 },
    });
    const out = join(folder, 'run');
    const { code, stderr } = await cli(t, ['run', scenario, '--out', out]);
    assert.equal(code, 3, stderr);
    const trials = storedTrials(out);
    assert.equal(trials.length, 4);
    for (const trial of trials) {
      const detail = trial['forwarder_detail'] as Record<string, number>;
      assert.equal(detail['decoys'], 1);
      assert.ok((detail['decoy_bytes'] ?? 0) >= 0.9 * 4 * 2 ** 20);
      const found = trial.forwarder === 'faulty' ? { decoy: 1 } : {};
      assert.deepEqual(trial.incidents_by_class, found);
    }
    const named = storedIncidents(out).map((one) => [
      one.class,
      one.origin_decoy,
      one.origin_place,
    ]);
    const terminal = ['decoy', 0, 'terminal'];
    assert.deepEqual(named, [terminal, terminal]);
  });

  it('that are killed in mid-trial are named', async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      workload: { seconds: '3s', warmup: 0, decoys: DECOYS },
      forwarders: ['splice'],
      blocks: { min: 1, max: 1 },
    });
    const out = join(folder, 'run');
    const running = start(t, splicebench('run', scenario, '--out', out));
    // The ends of the stream are started when the decoys are full.
    await running.until('a sink', () => roleProcess(running.mark, 'sink') !== undefined);
    killById(roleProcess(running.mark, 'decoy')?.pid ?? 0, 'SIGKILL');
    const { code, stderr } = await running.ended;
    assert.equal(code, 1, stderr);
    const [trial] = storedTrials(out);
    assert.equal(trial?.outcome, 'failed');
    assert.match(trial.error ?? '', /decoy 0: decoy role.* ended \(SIGKILL\)/);
    await assertNothingLeft(running.mark, new Set());
  });
});
