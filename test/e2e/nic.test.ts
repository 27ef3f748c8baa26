/**
 * The topology nic, with veth pairs in a namespace that plays the machine: its conditions hold, and the
 * ports are always back to what they were. No real port takes part.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CabledPorts } from '../support/cabled-ports.js';
import { scratch, storedTrials, writeScenario } from '../support/folder.js';
import { assertNothingLeft, roleProcess } from '../support/leaks.js';
import { killById, type Running, splicebench, start } from '../support/process.js';
import { requireRoot, requireTools } from '../support/require-tool.js';

const tools = requireTools('ip', 'tc', 'ss', 'unshare', 'nsenter');
const skip = tools.skip || requireRoot().skip;

const SHORT = { seconds: '300ms', warmup: '100ms' };
const TWO = { kind: 'nic', ports: { forwarder: 'near', ends: 'far' } };

interface Started {
  running: Running;
  out: string;
}

/** A run on the machine that the ports belong to. */
function runOn(
  t: TestContext,
  ports: CabledPorts,
  keys: Record<string, unknown>,
  env: Record<string, string> = {},
): Started {
  const folder = scratch(t);
  const scenario = writeScenario(folder, {
    workload: SHORT,
    forwarders: ['splice', 'copy'],
    blocks: { min: 1, max: 1 },
    ...keys,
  });
  const out = join(folder, 'run');
  const argv = ports.on(...splicebench('run', scenario, '--out', out));
  return { running: start(t, argv, { env: { SSH_CONNECTION: undefined, ...env } }), out };
}

/** The kernel takes a moment for what it makes by itself, such as link-local addresses. */
async function assertBecomes(ports: CabledPorts, before: unknown, within = 60_000): Promise<void> {
  const deadline = performance.now() + within;
  while (JSON.stringify(ports.state()) !== JSON.stringify(before)) {
    if (performance.now() > deadline) break;
    await sleep(100);
  }
  assert.deepEqual(ports.state(), before);
  assertNoRecords();
}

/** Files of ports that are away; other tests' ports have other names. */
function assertNoRecords(): void {
  const folder = '/run/splicebench/ports';
  const left = existsSync(folder) ? readdirSync(folder) : [];
  assert.deepEqual(
    left.filter((name) => /-(near|far|sw\d)\./.test(name)),
    [],
  );
}

/** The state of the machine once it is at rest. */
async function atRest(ports: CabledPorts): Promise<unknown> {
  for (;;) {
    const before = JSON.stringify(ports.state());
    await sleep(1000);
    if (JSON.stringify(ports.state()) === before) return ports.state();
  }
}

describe('nic', { skip }, () => {
  it('runs between two ports, and puts them back as they were', async (t) => {
    const ports = await CabledPorts.make(t);
    await ports.backToBack();
    const before = await atRest(ports);
    const { running, out } = runOn(t, ports, {
      topology: { ...TWO, mtu: 1500 },
      matrix: { 'topology.offloads': ['on', 'off'] },
      forwarders: ['direct', 'splice', 'copy'],
    });
    const { code, stderr } = await running.ended;
    assert.equal(code, 0, running.said());
    assert.match(
      stderr,
      /direct in test\/offloads=on is unavailable: source and sink share a port/,
    );
    const trials = storedTrials(out);
    assert.equal(trials.length, 4);
    for (const trial of trials) {
      assert.equal(trial.outcome, 'intact', trial.error ?? '');
      assert.equal(trial['topology'], 'nic');
      // The namespaces are the run's own: forwarders take turns.
      assert.ok(trial['slices'] !== undefined && trial['ran_alone'] === undefined);
      // No device is behind these ports, so nothing of this is evidence for a card.
      assert.equal(trial['emulated'], true);
      // Read of the ports themselves; a busy machine may drop some.
      assert.equal(typeof trial['packet_drops'], 'number');
    }
    // The ports were given back between the two conditions: both have an environment at the end.
    const manifest = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')) as {
      environment: unknown[];
      environment_after: unknown[];
      environment_changes: unknown[];
    };
    assert.equal(manifest.environment_after.length, manifest.environment.length);
    assert.deepEqual(manifest.environment_changes, []);
    await assertBecomes(ports, before);
    await assertNothingLeft(running.mark, new Set());
  });

  it('plays a script between three ports, each end in a namespace of its own', async (t) => {
    const ports = await CabledPorts.make(t);
    ports.switched();
    const before = await atRest(ports);
    const { running, out } = runOn(t, ports, {
      topology: { kind: 'nic', ports: { source: 'sw1', forwarder: 'sw2', sink: 'sw3' } },
      workload: {
        kind: 'script',
        client: [{ send: 5000 }, 'finish', { read: 'end' }],
        server: [{ read: 'end' }, { send: 7000 }, 'finish'],
      },
      forwarders: ['direct', 'splice', 'copy'],
    });
    const { code } = await running.ended;
    assert.equal(code, 0, running.said());
    assert.deepEqual(
      storedTrials(out).map(({ outcome, verified_bytes: bytes }) => [outcome, bytes]),
      Array(3).fill(['intact', 12_000]),
    );
    await assertBecomes(ports, before);
  });

  it('runs between three ports on a switch, direct among them, over IPv6', async (t) => {
    const ports = await CabledPorts.make(t);
    ports.switched();
    const before = await atRest(ports);
    const { running, out } = runOn(t, ports, {
      topology: {
        kind: 'nic',
        ports: { source: 'sw1', forwarder: 'sw2', sink: 'sw3' },
        addresses: { source: 'fd00:9::1/64', forwarder: 'fd00:9::2/64', sink: 'fd00:9::3/64' },
      },
      forwarders: ['direct', 'copy'],
    });
    assert.equal((await running.ended).code, 0, running.said());
    assert.deepEqual(
      storedTrials(out).map(({ outcome }) => outcome),
      ['intact', 'intact'],
    );
    await assertBecomes(ports, before);
  });

  for (const [what, set, keys, env, message] of [
    [
      'the default route',
      ['ip', 'route', 'add', 'default', 'via', '10.1.1.2'],
      TWO,
      {},
      /near is not taken: it carries the default route \(default via 10\.1\.1\.2.*'take-busy-ports: true'/,
    ],
    [
      'the ssh session',
      ['true'],
      TWO,
      { SSH_CONNECTION: '10.1.1.9 5000 10.1.1.1 22' },
      /near is not taken: this ssh session comes in over it \(10\.1\.1\.1\)/,
    ],
    [
      'a bridge',
      ['sh', '-c', 'ip link add br0 type bridge && ip link set far master br0'],
      TWO,
      {},
      /far cannot be taken: it belongs to br0/,
    ],
    [
      'nobody, since it is not there',
      ['true'],
      { kind: 'nic', ports: { forwarder: 'near', ends: 'nowhere' } },
      {},
      /there is no port nowhere here, only (far, near|near, far)/,
    ],
  ] as const) {
    it(`refuses a port of ${what}, and touches nothing`, async (t) => {
      const ports = await CabledPorts.make(t);
      await ports.backToBack();
      ports.run(...set);
      const before = await atRest(ports);
      const { running, out } = runOn(t, ports, { topology: keys }, env);
      const { code, stderr } = await running.ended;
      assert.equal(code, 1, running.said());
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n +at /);
      assert.ok(!existsSync(out), 'nothing is in the way of the next attempt');
      assert.deepEqual(ports.state(), before);
      assertNoRecords();
    });
  }

  it('takes the port of the default route when it is told to, and puts the route back', async (t) => {
    const ports = await CabledPorts.make(t);
    await ports.backToBack();
    ports.run('ip', 'route', 'add', 'default', 'via', '10.1.1.2');
    const before = await atRest(ports);
    const topology = { ...TWO, 'take-busy-ports': true };
    const { running } = runOn(t, ports, { topology, forwarders: ['copy'] });
    assert.equal((await running.ended).code, 0, running.said());
    await assertBecomes(ports, before);
  });

  it('says which port has no carrier, and puts all of them back', async (t) => {
    const ports = await CabledPorts.make(t);
    ports.switched();
    ports.inSwitch('ip', 'link', 'set', 'xsw2', 'down');
    const before = await atRest(ports);
    const topology = { kind: 'nic', ports: { forwarder: 'sw1', ends: 'sw2' } };
    const { running } = runOn(t, ports, { topology });
    const { code, stderr } = await running.ended;
    assert.equal(code, 1, running.said());
    assert.match(stderr, /sw1 and sw2 do not reach each other: no carrier on sw2;/);
    await assertBecomes(ports, before);
  });

  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    it(`puts the ports back after ${signal}`, async (t) => {
      const ports = await CabledPorts.make(t);
      await ports.backToBack();
      const before = await atRest(ports);
      const workload = { ...SHORT, seconds: '20s' };
      const { running } = runOn(t, ports, { topology: TWO, workload });
      await running.until('a trial', () => running.stderr.includes('block 1') || sending(running));
      assert.notDeepEqual(ports.state(), before, 'the ports are away');
      running.kill(signal);
      const { code } = await running.ended;
      if (signal === 'SIGINT') assert.equal(code, 130, running.said());
      await assertBecomes(ports, before);
      await assertNothingLeft(running.mark, new Set());
    });
  }

  it('puts back what even the keeper could not, in the next run', async (t) => {
    const ports = await CabledPorts.make(t);
    await ports.backToBack();
    const before = await atRest(ports);
    const workload = { ...SHORT, seconds: '20s' };
    const { running } = runOn(t, ports, { topology: TWO, workload });
    await running.until('a trial', () => sending(running));
    const keeper = roleProcess(running.mark, 'ports');
    assert.ok(keeper);
    killById(keeper.pid);
    await running.clean();
    await assertNothingLeft(running.mark, new Set());
    // A card comes home bare; a veth pair is destroyed with its namespace, and is made anew for it.
    ports.cable();
    const { running: next } = runOn(t, ports, { topology: TWO, forwarders: ['copy'] });
    assert.equal((await next.ended).code, 0, next.said());
    assert.match(next.stderr, /near, which a killed run had taken, is put back as it was/);
    assert.match(next.stderr, /far, which a killed run had taken, is put back as it was/);
    await assertBecomes(ports, before);
  });
});

/** True once a trial's roles are there. */
function sending({ mark }: Running): boolean {
  return roleProcess(mark, 'sink') !== undefined;
}
