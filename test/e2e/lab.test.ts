/** Real boots: the distribution's kernel as it is, and with the bug. Emulated CPUs are slow: each does little. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import {
  jsonLines,
  scratch,
  storedIncidents,
  storedTrials,
  writeScenario,
} from '../support/folder.js';
import { requireLabKernel } from '../support/lab-kernel.js';
import { cli } from '../support/process.js';

const { path: kernel, skip } = requireLabKernel();
/** A stuck boot ends itself: this is for a machine with a lot else to do. Milliseconds. */
const DEADLINE = 1_200_000;
const STREAM = { bytes: '1MiB', message: 1460, mode: 'solo', stall: '30s', warmup: '100ms' };

async function boot(t: TestContext, what: Record<string, unknown> | string, ...more: string[]) {
  const folder = scratch(t);
  const scenario =
    typeof what === 'string'
      ? what
      : writeScenario(folder, { blocks: { min: 1, max: 1 }, ...what });
  const out = join(folder, 'run');
  const args = ['lab', scenario, '--kernel', kernel, '--out', out, '--seed', '2008', ...more];
  const ended = await cli(t, args, { deadline: DEADLINE });
  return { ...ended, out, trials: storedTrials(out) };
}

const SPLICING = { workload: STREAM, forwarders: ['poc', 'splice', 'copy'], baseline: 'copy' };

describe('a kernel in the laboratory', { skip, timeout: 3 * DEADLINE }, () => {
  it('as it is delivers every byte', async (t) => {
    const { code, stderr, trials } = await boot(t, SPLICING);
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      trials.map(({ outcome, topology }) => [outcome, topology]),
      Array(3).fill(['intact', 'vm:tap']),
    );
  });

  it('with the bug of 2008 corrupts what is spliced, and nothing that is copied', async (t) => {
    const { code, stderr, trials, out } = await boot(t, SPLICING, '--bug', '2008');
    assert.equal(code, 3, stderr);
    const outcomes = Object.fromEntries(trials.map((one) => [one.forwarder, one.outcome]));
    assert.deepEqual(outcomes, { poc: 'corrupt', splice: 'corrupt', copy: 'intact' });
    const classes = new Set(storedIncidents(out).map((one) => one.class));
    assert.ok(classes.has('allocator') && classes.has('misplaced'), [...classes].join(', '));
    const hook = jsonLines(readFileSync(join(out, 'hook.jsonl'), 'utf8'));
    const met = hook.filter(({ slab_heads }) => Number(slab_heads) > 0);
    assert.equal(met.length, 2, 'poc and splice met packets in slab memory');
  });

  it('drives cards that the topology nic takes, with a cable pulled and a driver unbound', async (t) => {
    const mishaps = ['--pull-cable', 'lab-nic-pulled', '--unbind-driver', 'lab-nic-unbound'];
    const args = ['lab-nic-all', '--nic', 'e1000e', ...mishaps] as const;
    const { code, stderr, trials, out } = await boot(t, ...args);
    // The trial whose driver was taken away does not come to its end.
    assert.equal(code, 1, stderr);
    assert.ok(trials.every(({ topology }) => topology === 'vm:e1000e'));
    const ended = trials.map(({ cell, outcome }) => [cell, outcome === 'intact']);
    assert.deepEqual(ended, [
      ['lab-nic', true],
      ['lab-nic-pulled', true],
      ['lab-nic-unbound', false],
    ]);
    assert.ok(
      trials.some((trial) => trial['link_gbps'] === 1),
      'the speed of the link is read',
    );
    assert.equal(typeof trials[0]?.['packet_drops'], 'number');
    const [pulled, unbound] = jsonLines(readFileSync(join(out, 'mishaps.jsonl'), 'utf8'));
    // Whether the driver notices is QEMU's doing: that bytes stopped and went on is not.
    const { kind, driver, restored, bytes_while_out: bytes } = pulled ?? {};
    assert.deepEqual([kind, driver, restored], ['pull', 'e1000e', true], stderr);
    assert.ok(Number(bytes) < 100_000, `${String(bytes)} bytes with the cable out`);
    assert.deepEqual([unbound?.['seen'], unbound?.['restored']], [true, true], stderr);
    assert.match(String(unbound?.['said']), /port1 did not come back/);
    const [before, after] = jsonLines(readFileSync(join(out, 'ports.jsonl'), 'utf8'));
    assert.deepEqual(after?.['ports'], before?.['ports']);
  });
});
