/** The orchestrator's view of a role: every way in which one can fail is a RoleError in words. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { type Host, localHost } from '../../src/machine/host/host.js';
import { RoleClient, RoleError, THIS_SPLICEBENCH } from '../../src/machine/role/client.js';
import {
  processTree,
  threadsOf,
  treeContextSwitches,
  treeCpuNs,
} from '../../src/base/process/process-tree.js';

/** A host on which something else is started in the place of the role. */
function hostThatRuns(...argv: string[]): Host {
  return { ...localHost(), name: 'far', prefix: argv };
}

async function refusal(role: RoleClient<'source'>, timeout?: number): Promise<string> {
  try {
    await role.ask('mark', null, timeout);
  } catch (error) {
    assert.ok(error instanceof RoleError, String(error));
    return error.message;
  } finally {
    await role.close();
  }
  throw new Error('it answered');
}

describe('RoleClient', () => {
  it('says how the process ended, with the last line it said', async () => {
    const script = 'echo first >&2; echo "no such namespace" >&2; exit 3';
    const role = RoleClient.start(hostThatRuns('sh', '-c', script), 'source');
    assert.equal(await refusal(role), 'source role on far ended (exit code 3: no such namespace)');
    assert.equal(role.ended, 'exit code 3: no such namespace');
  });

  it('killed in the middle of an answer: no timer keeps whoever asked from ending', async () => {
    const timers = () =>
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const script = 'printf "Content-Length: 1000\\r\\n\\r\\n{"; kill -KILL $$';
    const role = RoleClient.start(hostThatRuns('sh', '-c', script), 'source');
    assert.equal(await refusal(role), 'source role on far ended (SIGKILL)');
    assert.equal(timers(), before);
  });

  it('a prefix that does not exist', async () => {
    const role = RoleClient.start(hostThatRuns('no-such-program-here'), 'source');
    assert.match(await refusal(role), /no-such-program-here.*ENOENT/);
  });

  it('no answer in time', async () => {
    const role = RoleClient.start(hostThatRuns('sh', '-c', 'exec cat >/dev/null'), 'source');
    assert.equal(await refusal(role, 0.1), "source role on far: no answer to 'mark' within 0.1 s");
    assert.notEqual(role.ended, null, 'close waits for its end');
  });

  it('killed while it is asked, and asked again when it is gone', async () => {
    const role = RoleClient.start(hostThatRuns('sh', '-c', 'exec cat >/dev/null'), 'source');
    const asked = assert.rejects(role.ask('mark'), /source role on far ended \(SIGKILL\)/);
    process.kill(role.pid ?? 0, 'SIGKILL');
    await asked;
    await assert.rejects(role.ask('mark'), RoleError);
    // Nothing may escape as an unhandled rejection: that would end the whole run.
    assert.match(await refusal(role), /ended \(SIGKILL\)/);
    await assert.rejects(role.ask('mark'), RoleError);
  });

  it('what a role refuses comes as its words, without the name of the host when that is this one', async () => {
    const role = RoleClient.start(localHost(), 'source');
    assert.equal(await refusal(role), 'source role: endpoint: not open');
    assert.match(role.ended ?? '', /^exit code 0/);
  });
});

describe('a lease', () => {
  it('ends a role that hears nothing, and not one that is kept company', async () => {
    const far: Host = { ...localHost(), name: 'far', lease: 1 };
    const kept = RoleClient.start(far, 'source');
    await assert.rejects(kept.ask('mark'), /not open/);
    // Its input stays open and silent, as when the link is down.
    const [program = '', ...args] = THIS_SPLICEBENCH;
    args.push('role', 'source', '--lease', '0.5');
    const left = spawn(program, args, { stdio: ['pipe', 'ignore', 'ignore'] });
    const timer = setTimeout(() => left.kill('SIGKILL'), 20_000);
    const [code] = (await once(left, 'exit')) as [number | null];
    clearTimeout(timer);
    assert.equal(code, 0);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await assert.rejects(kept.ask('mark'), /not open/);
    await kept.close();
    assert.match(String(kept.ended), /^exit code 0/);
  });
});

describe('process tree', () => {
  it('has everything below a process, and its CPU time', async () => {
    const script = 'sleep 30 & (sleep 31 & wait) & while :; do :; done';
    const child = spawn('sh', ['-c', script], { stdio: 'ignore' });
    await once(child, 'spawn');
    const root = child.pid ?? 0;
    try {
      const deadline = performance.now() + 10_000;
      while (processTree(root).length < 4 || treeCpuNs(root) < 1e7) {
        assert.ok(performance.now() < deadline, 'the tree grows to four processes that work');
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      const tree = processTree(root);
      assert.equal(tree[0], root);
      assert.equal(tree.length, 4);
      assert.deepEqual(threadsOf(root), [root]);
      assert.ok(treeContextSwitches(root) > 0);
    } finally {
      for (const pid of processTree(root)) process.kill(pid, 'SIGKILL');
    }
    await once(child, 'exit');
    assert.deepEqual(processTree(root), []);
    assert.equal(treeCpuNs(root), 0);
    assert.deepEqual(threadsOf(root), []);
  });
});
