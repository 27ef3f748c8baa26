/** Real proxies under the other workloads, with their further options, and their system calls counted. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { syscallTracepoint } from '../../src/machine/host/tracepoint.js';
import { scratch, storedTrials, writeScenario } from '../support/folder.js';
import { assertNothingLeft } from '../support/leaks.js';
import { splicebench, start } from '../support/process.js';
import { requireTools } from '../support/require-tool.js';

/** The first run builds the program in Go. */
const GO_BUILD = 300_000;
const { skip } = requireTools('haproxy', 'nginx', 'socat', 'go');

const PROXIES = [
  { use: 'haproxy', name: 'auto', splice: 'auto', threads: 2 },
  { use: 'haproxy', name: 'request', splice: 'request' },
  { use: 'nginx', name: 'nginx' },
  { use: 'socat', name: 'socat' },
  { use: 'go', name: 'go', threads: 2 },
];

/** Runs one block of every proxy; the trials by forwarder. */
async function trialsOf(t: TestContext, keys: Record<string, unknown>) {
  const folder = scratch(t);
  const scenario = writeScenario(folder, {
    forwarders: ['copy', ...PROXIES],
    baseline: 'copy',
    blocks: { min: 1, max: 1 },
    ...keys,
  });
  const out = join(folder, 'run');
  const running = start(t, splicebench('run', scenario, '--out', out), { deadline: GO_BUILD });
  const { code, stderr } = await running.ended;
  assert.equal(code, 0, stderr);
  await assertNothingLeft(running.mark, new Set());
  const trials = storedTrials(out);
  assert.equal(trials.length, 1 + PROXIES.length);
  for (const trial of trials) assert.equal(trial.outcome, 'intact', trial.error ?? '');
  return trials;
}

describe('proxies under other workloads', { skip }, () => {
  it('answer requests, every byte checked', async (t) => {
    const trials = await trialsOf(t, {
      workload: {
        ...{ kind: 'exchange', connections: 4, request: 64, response: 20_000, check: 'full' },
        ...{ seconds: '300ms', warmup: '100ms' },
      },
    });
    for (const trial of trials) {
      assert.ok(Number(trial['requests']) > 0, trial.forwarder);
      assert.ok(Number(trial['latency_p50_us']) > 0, trial.forwarder);
    }
  });

  it('carry short connections to their last byte', async (t) => {
    const trials = await trialsOf(t, {
      workload: { kind: 'churn', connections: 4, transfers: 200, body: '16KiB', check: 'full' },
    });
    for (const trial of trials) {
      assert.equal(trial['transfers'], 200, trial.forwarder);
      assert.equal(trial.verified_bytes, 200 * 16 * 1024, trial.forwarder);
    }
  });

  it('have their system calls counted, those of their children and threads too', async (t) => {
    const { reason } = await syscallTracepoint();
    if (reason !== null) {
      assert.notEqual(process.env['REQUIRE_ALL'], '1', reason);
      t.skip(reason);
      return;
    }
    const trials = await trialsOf(t, {
      workload: { connections: 2, seconds: '300ms', warmup: '100ms' },
    });
    for (const trial of trials) {
      const { forwarder } = trial;
      if (forwarder === 'copy') continue;
      assert.equal(trial['syscall_source'], 'perf', forwarder);
      // socat's own process only waits for its children, one of which serves each connection.
      assert.ok(Number(trial['syscalls_per_gb']) > 100, forwarder);
    }
  });
});
