/** `threads` in a scenario: every mechanism that takes it, its bytes checked, its costs added up. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readCsv, scratch, storedTrials, writeScenario } from '../support/folder.js';
import { cli, run, splicebench } from '../support/process.js';
import { requireMechanism, requireTool } from '../support/require-tool.js';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';

const MECHANISMS = [...forwarderKinds.values()].flatMap(({ runner, options }) =>
  runner.kind === 'builtin' && 'threads' in options.shape ? [runner.mechanism] : [],
);

describe('threads', () => {
  it('are taken by what can be told apart by thread', () => {
    assert.ok(MECHANISMS.length >= 10, String(MECHANISMS));
    for (const one of ['poc', 'faulty', 'uring-splice']) assert.ok(!MECHANISMS.includes(one), one);
  });

  for (const mechanism of MECHANISMS) {
    const { skip } = requireMechanism(mechanism);
    it(
      `${mechanism} on 3: connections are shared, and each comes over whole`,
      { skip },
      async (t) => {
        const folder = scratch(t);
        const scenario = writeScenario(folder, {
          workload: { bytes: '1MiB', connections: 24 },
          forwarders: [{ use: mechanism, threads: 3 }],
          blocks: { min: 1, max: 1 },
        });
        const out = join(folder, 'run');
        const { code, stderr } = await cli(t, ['run', scenario, '--out', out]);
        const [trial] = storedTrials(out);
        assert.equal(trial?.incidents, 0);
        // Plain sockmap may lose what it holds at the end, on one thread as on three.
        if (mechanism === 'sockmap' && trial.outcome !== 'intact') return;
        assert.equal(code, 0, stderr);
        assert.equal(trial.outcome, 'intact');
        assert.equal(trial.verified_bytes, 24 * 2 ** 20);
      },
    );
  }

  it('hold what one table of descriptors has no room for', async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      workload: { bytes: '256KiB', connections: 350 },
      forwarders: ['copy', { use: 'copy', threads: 4, name: 'four' }],
      blocks: { min: 1, max: 1 },
    });
    const out = join(folder, 'run');
    const limited = ['sh', '-c', 'ulimit -n 500; exec "$@"', 'sh'];
    const { code, stdout, stderr } = await run(t, [
      ...limited,
      ...splicebench('run', scenario, '--out', out),
    ]);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout + stderr,
      /copy .*350 connections need 764 open files in the forwarder's process/,
    );
    const trials = storedTrials(out);
    assert.deepEqual(
      trials.map(({ forwarder, outcome }) => [forwarder, outcome]),
      [['four', 'intact']],
    );
    const [row] = readCsv(join(out, 'trials.csv')).rows;
    // Every thread's calls: an end of stream for each of both directions at least.
    assert.ok(Number(row?.['syscalls_per_gb']) > 0);
    assert.ok(Number(row?.['context_switches']) >= 0);
  });

  const strace = requireTool('strace');
  it('are all under strace where one is asked for', { skip: strace.skip }, async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      workload: { bytes: '4MiB', connections: 8 },
      forwarders: [{ use: 'splice', threads: 2, strace: true }],
      blocks: { min: 1, max: 1 },
    });
    const out = join(folder, 'run');
    const { code, stderr } = await cli(t, ['run', scenario, '--out', out]);
    assert.equal(code, 0, stderr);
    const [trial] = storedTrials(out);
    assert.equal(trial?.outcome, 'intact');
    const detail = trial['forwarder_detail'] as Record<string, unknown>;
    assert.ok(Number(detail['traced_calls']) > 16, 'two splices for each connection at least');
  });
});
