/** Sets whose processes are started ahead: used by the set they are of, ended where it does not come. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { processTree } from '../../src/base/process/process-tree.js';
import type { PlannedTrial } from '../../src/data/record/plan.js';
import { parseScenario } from '../../src/experiment/scenario/load.js';
import { LiveExecutor } from '../../src/experiment/trial/live-executor.js';
import { planBlock } from '../../src/experiment/trial/order.js';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';
import { scratch, writeScenario } from '../support/folder.js';
import { assertNothingLeft, markedProcesses, privateNetworks } from '../support/leaks.js';
import { splicebench, start, until } from '../support/process.js';

const scenario = parseScenario(
  `name: ahead
workload: { seconds: 60ms, warmup: 0, check: none }
forwarders: [copy, splice]
`,
  'ahead.yaml',
  forwarderKinds,
);

/** The set of a block. */
function setOf(block: number): PlannedTrial[] {
  const { cells, forwarders } = scenario;
  return planBlock({ run_id: 'r', seed: '1', cells, forwarders }, block);
}

/** Role processes of this one, by role. */
function roles(): { pid: number; role: string }[] {
  return processTree(process.pid).flatMap((pid) => {
    const words = commandOf(pid);
    const at = words.indexOf('role');
    return at > 0 && !words.some((word) => word.endsWith('nsenter'))
      ? [{ pid, role: words[at + 1] ?? '' }]
      : [];
  });
}

function commandOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

const names = () =>
  roles()
    .map(({ role }) => role)
    .sort();
const ONE_SET = ['forwarder', 'forwarder', 'sink', 'source'];

/** Those of the set that was just started ahead, once they are what they are to become. */
async function startedAhead(): Promise<ReturnType<typeof roles>> {
  await until('processes of a set', () => names().join() === ONE_SET.join());
  return roles();
}
const { signal } = new AbortController();

function executorFor(t: TestContext): LiveExecutor {
  const executor = new LiveExecutor();
  t.after(async () => {
    await executor.close();
    assert.deepEqual(names(), []);
  });
  return executor;
}

describe('a set that is started ahead', () => {
  it('is used by its trials, with processes of its own', async (t) => {
    const executor = executorFor(t);
    await executor.runSet(setOf(1), signal, () => setOf(2));
    const ahead = await startedAhead();
    let during: number[] = [];
    const results = await executor.runSet(setOf(2), signal, () => {
      during = roles().map(({ pid }) => pid);
      return [];
    });
    assert.ok(results.every(({ record }) => record.outcome === 'unchecked'));
    assert.deepEqual(
      during,
      ahead.map(({ pid }) => pid),
    );
    assert.deepEqual(names(), []);
  });

  it('is ended when others come, and when nobody does', async (t) => {
    const executor = executorFor(t);
    await executor.runSet(setOf(1), signal, () => setOf(2));
    const ahead = new Set((await startedAhead()).map(({ pid }) => pid));
    await executor.runSet(setOf(3), signal, () => {
      assert.ok(roles().every(({ pid }) => !ahead.has(pid)));
      return setOf(4);
    });
    await startedAhead();
    await executor.endPrepared();
    assert.deepEqual(names(), []);
  });

  it('fails the arm whose process dies before it is used, and no other', async (t) => {
    const executor = executorFor(t);
    await executor.runSet(setOf(1), signal, () => setOf(2));
    const victim = (await startedAhead()).find(({ role }) => role === 'forwarder');
    assert.ok(victim);
    process.kill(victim.pid, 'SIGKILL');
    const results = await executor.runSet(setOf(2), signal);
    assert.deepEqual(
      results.map(({ record }) => record.outcome),
      ['failed', 'unchecked'],
    );
    assert.match(results[0]?.record.error ?? '', /forwarder role.* ended \(SIGKILL\)/);
  });

  it('is not started by a run that is aborted, and ended by one that was', async (t) => {
    const executor = executorFor(t);
    const abort = new AbortController();
    const gone = new Error('aborted');
    await executor.runSet(setOf(1), abort.signal, () => setOf(2));
    const second = executor.runSet(setOf(2), abort.signal, () => setOf(3));
    abort.abort(gone);
    await assert.rejects(second, gone);
    await executor.endPrepared();
    assert.deepEqual(names(), []);
  });
});

describe('a run whose next set is started ahead', () => {
  for (const how of ['SIGINT', 'SIGKILL'] as const) {
    it(`${how} while two sets have processes: nothing is left`, async (t) => {
      const folder = scratch(t);
      const path = writeScenario(folder, {
        workload: { seconds: '60ms', warmup: 0, check: 'none' },
        forwarders: ['copy', 'splice'],
        baseline: 'copy',
        blocks: { min: 200, max: 200 },
      });
      const running = start(t, splicebench('run', path, '--out', join(folder, 'run')));
      const seen = new Set<string>();
      await running.until('two sources', () => {
        const sources = markedProcesses(running.mark).filter(
          ({ command: words }) =>
            words.at(-1) === 'source' && !words.some((word) => word.endsWith('nsenter')),
        );
        return sources.length > 1;
      });
      for (const network of privateNetworks(running.mark)) seen.add(network);
      running.kill(how);
      await running.ended;
      await assertNothingLeft(running.mark, seen);
    });
  }
});
