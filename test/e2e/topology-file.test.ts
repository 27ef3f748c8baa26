/** `run --topology FILE`: a scenario of the package on hosts of the user's, here parts of one machine. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { readCsv, scratch, storedTrials, writeScenario } from '../support/folder.js';
import { assertNothingLeft } from '../support/leaks.js';
import { MAIN, splicebench, start } from '../support/process.js';

/** Three hosts that are this one. */
function ownHosts(t: TestContext): string {
  const here = { local: true, splicebench: [process.execPath, MAIN] };
  return writeScenario(scratch(t), {
    topology: {
      kind: 'hosts',
      source: { ...here, address: '127.0.0.1' },
      forwarder: { ...here, address: '127.0.0.2' },
      sink: { ...here, address: '127.0.0.3' },
    },
  });
}

describe('run --topology', () => {
  it('--dry-run shows where it would run', async (t) => {
    const out = join(scratch(t), 'run');
    const args = ['run', 'loopback', '--topology', ownHosts(t), '--dry-run', '--out', out];
    const { code, stdout, stderr } = await start(t, splicebench(...args)).ended;
    assert.equal(code, 0, stderr);
    assert.match(stdout, /topology +hosts, source local, forwarder local, sink local/);
    assert.ok(!existsSync(out));
  });

  it('runs there, with every byte intact and nothing left behind', async (t) => {
    const out = join(scratch(t), 'run');
    const args = ['run', 'loopback', '--topology', ownHosts(t), '--quick', '--blocks', '1'];
    const running = start(t, splicebench(...args, '--only', 'splice', '--out', out));
    const { code } = await running.ended;
    assert.equal(code, 0, running.said());
    const trials = storedTrials(out);
    const ran = trials.map(
      ({ forwarder, payload }) =>
        `${forwarder} ${typeof payload === 'string' ? payload : 'checked'}`,
    );
    assert.deepEqual(ran.sort(), [
      'copy checked',
      'copy copied',
      'copy prepared',
      'splice checked',
      'splice copied',
      'splice prepared',
    ]);
    for (const { topology, emulated, outcome, error } of trials) {
      assert.equal(topology, 'hosts');
      assert.equal(emulated, true, 'no wire was crossed');
      assert.ok(['intact', 'unchecked'].includes(outcome), error ?? '');
    }
    assert.ok(readCsv(join(out, 'trials.csv')).rows.every((row) => row['topology'] === 'hosts'));
    await assertNothingLeft(running.mark, new Set());
  });

  it('is refused beside a run that goes on as it was started', async (t) => {
    const args = ['run', '--resume', scratch(t), '--topology', ownHosts(t)];
    const { code, stderr } = await start(t, splicebench(...args)).ended;
    assert.equal(code, 2, stderr);
    assert.match(stderr, /leave out .*--topology/);
  });
});
