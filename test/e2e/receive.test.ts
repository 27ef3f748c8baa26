/** Who receives: steering is in force in the run's namespaces, is refused in words, and leaves nothing. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { scratch, storedTrials, writeScenario } from '../support/folder.js';
import { assertNothingLeft, markedProcesses, privateNetworks } from '../support/leaks.js';
import { cli, run, splicebench, start } from '../support/process.js';
import { requireRoot, requireTools } from '../support/require-tool.js';

const skip = requireTools('ip', 'unshare', 'nsenter', 'setpriv').skip || requireRoot().skip;

/** Of the host, which a run must never touch. */
function hostState(): string[] {
  const lo = readFileSync('/sys/class/net/lo/queues/rx-0/rps_cpus', 'utf8');
  return [lo, readFileSync('/proc/self/mountinfo', 'utf8')];
}

/** What the kernel has of an interface, asked by other means than the run's; null = it is not there. */
function steeringOf(pid: number, name: string): string | null {
  const script = `mount -t sysfs sysfs /sys && cat /sys/class/net/${name}/queues/rx-0/rps_cpus`;
  const argv = [`--target=${pid}`, '--net', '--', 'unshare', '--mount', '--', 'sh', '-c', script];
  try {
    return execFileSync('nsenter', argv, { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return null;
  }
}

/** An interface's steering in all namespaces of a run, each with its one. */
function steeringIn(mark: string, name: string): string[] {
  return [...privateNetworks(mark)].flatMap((network) => {
    const inside = markedProcesses(mark).find((one) => one.network === network);
    return inside === undefined ? [] : (steeringOf(inside.pid, name) ?? []);
  });
}

function environmentsIn(
  folder: string,
): { receiving?: Record<string, number[]>; limits: string[] }[] {
  const text = readFileSync(join(folder, 'run.json'), 'utf8');
  return (JSON.parse(text) as { environment: ReturnType<typeof environmentsIn> }).environment;
}

function scenarioIn(t: TestContext, topology: Record<string, unknown>) {
  const folder = scratch(t);
  const scenario = writeScenario(folder, {
    topology,
    workload: { seconds: '300ms', warmup: '100ms' },
    forwarders: ['splice', 'copy'],
    blocks: { min: 1, max: 1 },
    pin: { source: 0, forwarder: 0, sink: 0 },
  });
  return { out: join(folder, 'run'), scenario };
}

describe('topology.receive', { skip }, () => {
  it("puts what the forwarder receives on its own CPUs, and touches nothing of the host's", async (t) => {
    const { out, scenario } = scenarioIn(t, { kind: 'veth', receive: 'forwarder', queues: 2 });
    const before = hostState();
    const running = start(t, splicebench('run', scenario, '--out', out));
    await running.until('a trial', () => running.stderr.includes('block 1'));
    const seen = privateNetworks(running.mark);
    assert.deepEqual(steeringIn(running.mark, 'to-upstream'), ['1']);
    assert.deepEqual(steeringIn(running.mark, 'to-downstream'), ['1']);
    // Those of source and sink are as the kernel made them.
    assert.deepEqual(steeringIn(running.mark, 'to-forwarder'), ['0', '0']);
    assert.equal((await running.ended).code, 0, running.said());
    await assertNothingLeft(running.mark, seen);
    assert.deepEqual(hostState(), before);
    const trials = storedTrials(out);
    assert.deepEqual(
      trials.map(({ cell, outcome }) => [cell, outcome]),
      trials.map(() => ['test/receive=forwarder', 'intact']),
    );
    assert.equal(trials.length, 2);
    const [environment] = environmentsIn(out);
    assert.deepEqual(environment?.receiving, { 'to-upstream': [0], 'to-downstream': [0] });
    assert.match(readFileSync(join(out, 'report.md'), 'utf8'), /steered to CPU 0, read back/);
  });

  it("moves everybody's receiving on loopback, and says so", async (t) => {
    const { out, scenario } = scenarioIn(t, { receive: 0 });
    const before = hostState();
    const { code, stderr } = await cli(t, ['run', scenario, '--out', out]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(hostState(), before);
    const [environment] = environmentsIn(out);
    assert.deepEqual(environment?.receiving, { lo: [0] });
    assert.match(
      readFileSync(join(out, 'report.md'), 'utf8'),
      /moves everybody's receiving to CPU 0/,
    );
  });

  for (const [topology, said] of [
    [{ kind: 'veth', receive: 'forwarder' }, /veth needs network namespaces of its own/],
    [{ receive: 0 }, /receive: 0 needs a network namespace of its own/],
  ] as const) {
    it(`is refused without a private namespace: ${JSON.stringify(topology)}`, async (t) => {
      const { out, scenario } = scenarioIn(t, topology);
      const powerless = ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs'];
      // Nor a user namespace, in which it would be root again.
      const argv = ['env', 'PATH=/nowhere', ...splicebench('run', scenario, '--out', out)];
      const before = hostState();
      const { code, stderr } = await run(t, [...powerless, ...argv]);
      assert.equal(code, 1, stderr);
      assert.match(stderr.replace(/\s+/g, ' '), said);
      assert.deepEqual(hostState(), before);
    });
  }

  it('is refused where the host has no such CPU', async (t) => {
    const { out, scenario } = scenarioIn(t, { receive: 9999 });
    const { code, stderr } = await cli(t, ['run', scenario, '--out', out]);
    assert.equal(code, 1, stderr);
    assert.match(
      stderr.replace(/\s+/g, ' '),
      /receive: 9999: the kernel takes no packets to CPU 9999/,
    );
  });
});
