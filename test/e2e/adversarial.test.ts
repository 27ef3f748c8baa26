/** Every adversarial scenario in a short form, and that what it is about really happens. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { confinementLacking } from '../../src/machine/topology/common/confinement.js';
import { ownController } from '../../src/base/process/control-group.js';
import { scratch, storedTrials, type TrialLine, writeScenario } from '../support/folder.js';
import { assertNothingLeft, roleProcess } from '../support/leaks.js';
import { cli, killById, splicebench, start } from '../support/process.js';

const MEMORY = confinementLacking({ unprivileged: false, memory: 2 ** 20 });
const CAPABILITIES = confinementLacking({ unprivileged: true, memory: null });

function detailOf(trials: readonly TrialLine[], cell: string): Record<string, number> {
  const found = trials.find((one) => one.cell === cell && one.forwarder === 'splice');
  return (found?.['forwarder_detail'] ?? {}) as Record<string, number>;
}

describe('adversarial', () => {
  it('leaves every byte and end as it was, and confines as it says', async (t) => {
    const out = join(scratch(t), 'run');
    const args = ['run', 'adversarial', '--quick', '--blocks', '1', '--only', 'splice'];
    const { code, stdout, stderr } = await cli(t, [...args, '--out', out], { deadline: 240_000 });
    assert.equal(code, 0, stderr);
    const trials = storedTrials(out);
    for (const { cell, forwarder, outcome, error } of trials) {
      assert.equal(outcome, 'intact', `${cell} ${forwarder}: ${error ?? ''}`);
    }
    const scenarios = new Set(trials.map((trial) => trial['scenario']));
    assert.equal(scenarios.size, MEMORY === null ? 14 : 13, [...scenarios].join(', '));
    // By the bytes, not by the clock: at 100,003 and each 1,000,003 further, of 8 connections.
    const pauses = 8 * (Math.floor((8 * 2 ** 20 - 100_003) / 1_000_003) + 1);
    for (const [cell, ends] of [
      ['direction=download', 1],
      ['direction=both', 2],
    ] as const) {
      const { reader_pauses: counted } = detailOf(trials, `adversarial-pauses/${cell}`);
      assert.equal(counted, ends * pauses, cell);
    }
    if (CAPABILITIES === null) {
      const { pipe_bytes: least = 0 } = detailOf(trials, 'adversarial-pipes');
      assert.ok(least > 0 && least <= 8192, `pipes of ${least} bytes`);
    }
    if (MEMORY === null) {
      // Above the limit the sockets are under pressure, and granted only what must not wait.
      const { socket_memory_peak: peak = 0 } = detailOf(trials, 'adversarial-memory');
      assert.ok(peak > 2 ** 18, `sockets had ${peak} bytes at most`);
    } else {
      assert.ok((stdout + stderr).includes('cgroup'), 'the reason is told');
    }
  });

  it('leaves no control group and no decoy behind when killed', async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      workload: {
        seconds: '20s',
        unprivileged: CAPABILITIES === null,
        memory: MEMORY === null ? '1MiB' : null,
        decoys: { bytes: '1MiB' },
      },
      forwarders: ['splice'],
    });
    const out = join(folder, 'run');
    const running = start(t, splicebench('run', scenario, '--out', out));
    await running.until('a sink', () => roleProcess(running.mark, 'sink') !== undefined);
    assert.equal(groupsOf(running.pid).length, MEMORY === null ? 1 : 0);
    killById(running.pid, 'SIGKILL');
    await running.ended;
    await assertNothingLeft(running.mark, new Set());
    await running.until('the group to be gone', () => groupsOf(running.pid).length === 0);
  });
});

/** Control groups that a run has made. */
function groupsOf(pid: number): string[] {
  const group = MEMORY === null ? (ownController('memory')?.folder ?? null) : null;
  if (group === null) return [];
  return readdirSync(group).filter((name) => name.startsWith(`splicebench-${pid}-`));
}
