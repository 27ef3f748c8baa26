/** The topology hosts, over real sshd in namespaces: a whole run, and everything that goes wrong. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  cpSync,
  existsSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { scratch, storedTrials, writeScenario } from '../support/folder.js';
import { assertNothingLeft, MARK } from '../support/leaks.js';
import { ADDRESS, LabHosts, PARTS } from '../support/lab-hosts.js';
import {
  killById,
  MAIN,
  ROOT,
  type Running,
  splicebench,
  start,
  until,
} from '../support/process.js';
import { requireRoot, requireTools } from '../support/require-tool.js';

const tools = requireTools(
  'ssh',
  'sshd',
  'ssh-keygen',
  'ip',
  'ss',
  'unshare',
  'nsenter',
  'setpriv',
  'socat',
);
const skip = tools.skip || requireRoot().skip;

const SHORT = { seconds: '300ms', warmup: '100ms' };
/** The splicebench under test, on every host: they share a file system. */
const OWN = [process.execPath, MAIN];

describe('hosts', { skip }, () => {
  const lab = new LabHosts();
  before(() => lab.start());
  after(() => lab.end());

  /** A scenario over ssh; `changes` replace hosts. */
  function scenarioOf(
    t: TestContext,
    changes: Record<string, unknown> = {},
    keys: Record<string, unknown> = {},
  ): { path: string; out: string } {
    const folder = scratch(t);
    const hosts: Record<string, unknown> = {};
    for (const part of PARTS) hosts[part] = lab.ssh(part, { splicebench: OWN });
    const topology = { kind: 'hosts', ...hosts, ...changes };
    const path = writeScenario(folder, {
      topology,
      workload: SHORT,
      forwarders: ['direct', 'splice', 'copy'],
      blocks: { min: 1, max: 1 },
      ...keys,
    });
    return { path, out: join(folder, 'run') };
  }

  function run(t: TestContext, { path, out }: { path: string; out: string }): Running {
    return start(t, lab.control(...splicebench('run', path, '--out', out)));
  }

  /** Ends with exit code 1, before any trial, with a line for the host and without a stack. */
  async function refused(
    t: TestContext,
    changes: Record<string, unknown>,
    message: RegExp,
  ): Promise<void> {
    const scenario = scenarioOf(t, changes);
    const running = run(t, scenario);
    const { code, stderr } = await running.ended;
    assert.equal(code, 1, running.said());
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n +at /);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
    assert.ok(!existsSync(scenario.out), 'nothing is in the way of the next attempt');
    await lab.assertNothingLeft();
    await assertNothingLeft(running.mark, new Set());
  }

  it('runs over ssh with results like those of one machine, and leaves nothing', async (t) => {
    const workload = { ...SHORT, direction: 'both', connections: 2 };
    const local = writeScenario(scratch(t), {
      topology: { kind: 'veth' },
      // As over hosts, where forwarders do not take turns.
      workload: { ...workload, mode: 'solo' },
      forwarders: ['direct', 'splice', 'socat'],
      blocks: { min: 1, max: 1 },
    });
    const forwarders = ['direct', 'splice', 'socat'];
    const scenario = scenarioOf(t, {}, { workload, forwarders });
    const here = join(scratch(t), 'run');
    const [far, near] = [run(t, scenario), start(t, splicebench('run', local, '--out', here))];
    assert.equal((await far.ended).code, 0, far.said());
    assert.equal((await near.ended).code, 0, near.said());
    const [those, these] = [storedTrials(scenario.out), storedTrials(here)];
    assert.equal(those.length, 3);
    for (const trial of those) {
      const like = these.find(({ forwarder }) => forwarder === trial.forwarder);
      assert.ok(like);
      assert.equal(trial.outcome, 'intact', trial.error ?? '');
      // The same figures are there, and the same are not, for the same reasons.
      assert.deepEqual(Object.keys(trial).sort(), Object.keys(like).sort());
      const { emulated, ...reasons } = like['unavailable'] as Record<string, string>;
      assert.equal(emulated, 'loopback and veth never cross a wire');
      assert.deepEqual(trial['unavailable'], reasons, trial.forwarder);
      assert.ok(Number(trial['packets']) > 0);
      assert.ok(Number(trial['system_cpu_seconds_per_gb']) > 0);
    }
    const manifest = JSON.parse(readFileSync(join(scenario.out, 'run.json'), 'utf8')) as {
      environment: { host: string; interfaces: { name: string }[] }[];
      environment_after: { host: string }[];
      environment_changes: unknown[];
    };
    assert.deepEqual(
      manifest.environment_after.map(({ host }) => host),
      manifest.environment.map(({ host }) => host),
    );
    assert.deepEqual(manifest.environment_changes, []);
    assert.deepEqual(
      manifest.environment.map(({ host, interfaces }) => [
        host,
        interfaces.map(({ name }) => name),
      ]),
      [
        ['source (ssh source)', ['to-forwarder']],
        ['forwarder (ssh forwarder)', ['to-source', 'to-sink']],
        ['sink (ssh sink)', ['to-forwarder']],
      ],
    );
    await lab.assertNothingLeft();
    await assertNothingLeft(far.mark, new Set());
  });

  it('lets forwarders take turns where connections that wait keep their window', async (t) => {
    const file = '/proc/sys/net/ipv4/tcp_slow_start_after_idle';
    const set = (value: string) => {
      for (const part of PARTS) lab.inside(part, 'sh', '-c', `echo ${value} >${file}`);
    };
    t.after(() => {
      set('1');
    });
    const why: unknown[] = [];
    for (const value of ['1', '0']) {
      set(value);
      const scenario = scenarioOf(t);
      const running = run(t, scenario);
      assert.equal((await running.ended).code, 0, running.said());
      const trials = storedTrials(scenario.out);
      assert.deepEqual(
        trials.map(({ outcome }) => outcome),
        ['intact', 'intact', 'intact'],
      );
      why.push(...trials.map((trial) => trial['ran_alone'] ?? null));
      const sliced = trials.filter((trial) => trial['slices'] !== undefined);
      assert.equal(sliced.length, value === '0' ? 3 : 0);
    }
    const slow = /would begin slowly again: .* on source \(ssh source\), forwarder/;
    for (const reason of why.slice(0, 3)) assert.match(String(reason), slow);
    assert.deepEqual(why.slice(3), [null, null, null]);
    await lab.assertNothingLeft();
  });

  it('runs over nsenter, and over a wrapper that behaves as kubectl exec', async (t) => {
    const wrapper = join(lab.folder, 'exec-in-pod');
    // No terminal, words passed on as they are, what follows -- runs there, its exit code is passed.
    const script = `#!/bin/sh
[ "$1 $2 $4" = 'exec -i --' ] || { echo "error: unknown pod" >&2; exit 1; }
pid=$3; shift 4
setsid nsenter --target="$pid" --net -- "$@"; code=$?
[ $code = 0 ] || echo "command terminated with exit code $code" >&2
exit $code
`;
    writeFileSync(wrapper, script, { mode: 0o755 });
    const [, target = ''] = lab.prefix('sink')[1]?.split('=') ?? [];
    const changes = {
      source: { prefix: lab.prefix('source'), address: ADDRESS.source, splicebench: OWN },
      sink: {
        prefix: [wrapper, 'exec', '-i', target, '--'],
        address: ADDRESS.sink,
        splicebench: OWN,
      },
    };
    const workload = { kind: 'exchange', ...SHORT };
    const scenario = scenarioOf(t, changes, { workload, forwarders: ['copy'] });
    const running = run(t, scenario);
    assert.equal((await running.ended).code, 0, running.said());
    assert.deepEqual(
      storedTrials(scenario.out).map(({ outcome }) => outcome),
      ['intact'],
    );
    await lab.assertNothingLeft();
    await assertNothingLeft(running.mark, new Set());
    // Its exit code, and what it said, arrive.
    await refused(
      t,
      { ...changes, sink: { ...changes.sink, splicebench: ['sh', '-c', 'exit 7'] } },
      /sink \(.*exec -i .*exit code 7: command terminated with exit code 7/,
    );
  });

  it('runs in a namespace by its name', async (t) => {
    const [, target = ''] = lab.prefix('source')[1]?.split('=') ?? [];
    const scenario = scenarioOf(
      t,
      { source: { netns: 'far', address: ADDRESS.source, splicebench: OWN } },
      { forwarders: ['splice'] },
    );
    // The name is known under a /run of its own: the host's is not to be touched.
    const script = 'mount -t tmpfs none /run && ip netns attach far "$1" && shift && exec "$@"';
    const named = ['unshare', '--mount', 'sh', '-c', script, 'sh', target];
    const running = start(
      t,
      lab.control(...named, ...splicebench('run', scenario.path, '--out', scenario.out)),
    );
    assert.equal((await running.ended).code, 0, running.said());
    const manifest = JSON.parse(readFileSync(join(scenario.out, 'run.json'), 'utf8')) as {
      environment: { host: string; interfaces: { name: string }[] }[];
    };
    assert.deepEqual(
      manifest.environment.map(({ host }) => host),
      ['source (netns far)', 'forwarder (ssh forwarder)', 'sink (ssh sink)'],
    );
    const [trial] = storedTrials(scenario.out);
    assert.equal(trial?.outcome, 'intact', trial?.error ?? '');
    await lab.assertNothingLeft();
    await assertNothingLeft(running.mark, new Set());
    await refused(
      t,
      { source: { netns: 'nowhere', address: ADDRESS.source, splicebench: OWN } },
      /source \(netns nowhere\).*nowhere/,
    );
  });

  /** Another installation of this package; answers with argv of it. */
  function installation(t: TestContext, version?: string): { folder: string; argv: string[] } {
    const folder = scratch(t);
    cpSync(join(ROOT, 'dist', 'src'), join(folder, 'dist', 'src'), { recursive: true });
    const about = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as object;
    const changed = version === undefined ? about : { ...about, version };
    writeFileSync(join(folder, 'package.json'), JSON.stringify(changed));
    for (const name of ['node_modules', 'native'])
      symlinkSync(join(ROOT, name), join(folder, name));
    return { folder, argv: [process.execPath, join(folder, 'dist', 'src', 'cli', 'main.js')] };
  }

  it('says which host has another version', async (t) => {
    await refused(
      t,
      { sink: lab.ssh('sink', { splicebench: installation(t, '0.0.1').argv }) },
      /sink \(ssh sink\): has splicebench 0\.0\.1 \(build \w+\), and this is .*; splicebench deploy sink puts/,
    );
  });

  it('says which host has another build of the version, and takes the same build', async (t) => {
    const { folder, argv } = installation(t);
    const changes = { sink: lab.ssh('sink', { splicebench: argv }) };
    const scenario = scenarioOf(t, changes, { forwarders: ['copy'] });
    const running = run(t, scenario);
    assert.equal((await running.ended).code, 0, running.said());
    appendFileSync(join(folder, 'dist', 'src', 'native.js'), '// changed\n');
    await refused(
      t,
      changes,
      /sink \(ssh sink\): has another build of splicebench \S+ \(\w{12}\), and this is \w{12}; splicebench deploy sink puts/,
    );
  });

  it('says which host has no node, no splicebench, no such address', async (t) => {
    lab.sshd('sink', 23, `SetEnv PATH=/nowhere:/bin:/usr/bin ${MARK}=${lab.mark}`);
    await until('the sshd', () => lab.listens('sink', 23));
    const options = ['-F', lab.config, '-p', '23'];
    const absent = ['env', 'PATH=/nowhere', '/bin/sh', '-c', 'node "$@"', 'sh', MAIN];
    await refused(
      t,
      { sink: lab.ssh('sink', { options, splicebench: absent }) },
      /sink \(ssh sink\): has no node \(.*node: not found\); install node 20/,
    );
    await refused(
      t,
      { sink: lab.ssh('sink', { options }) },
      /sink \(ssh sink\): has no splicebench \(splicebench is not installed\); splicebench deploy sink/,
    );
    await refused(
      t,
      { source: lab.ssh('source', { address: '198.18.77.1', splicebench: OWN }) },
      /source \(ssh source\): has no address 198\.18\.77\.1/,
    );
  });

  it('says which host refuses the login, is not known, or hangs at login', async (t) => {
    lab.sshd('source', 24, 'AuthorizedKeysFile none');
    await until('the sshd', () => lab.listens('source', 24));
    // Accepts and never says a word.
    const mute = 'require("node:net").createServer(() => {}).listen(25)';
    lab.background('forwarder', process.execPath, '-e', mute);
    await until('the mute one', () => lab.listens('forwarder', 25));
    const strange = ['-F', lab.config, '-o', 'UserKnownHostsFile=/dev/null'];
    const scenario = scenarioOf(t, {
      source: lab.ssh('source', { options: ['-F', lab.config, '-p', '24'] }),
      forwarder: lab.ssh('forwarder', { options: ['-F', lab.config, '-p', '25'] }),
      sink: lab.ssh('sink', { options: strange }),
    });
    const running = run(t, scenario);
    const { code, stderr } = await running.ended;
    assert.equal(code, 1);
    const lines = stderr.trim().split('\n');
    assert.equal(lines.length, 3, stderr);
    assert.match(lines[0] ?? '', /source \(ssh source\): refuses the login \(.*Permission denied/);
    assert.match(lines[1] ?? '', /forwarder \(ssh forwarder\): does not answer \(/);
    assert.match(lines[2] ?? '', /sink \(ssh sink\): its host key is not known \(Host key verif/);
    await lab.assertNothingLeft();
    await assertNothingLeft(running.mark, new Set());
  });

  /** A run of many short trials, from its second one on. */
  async function underWay(t: TestContext) {
    const keys = {
      forwarders: ['copy'],
      blocks: { min: 4, max: 4 },
      workload: { ...SHORT, seconds: '1s' },
    };
    const scenario = scenarioOf(t, {}, keys);
    const running = run(t, scenario);
    await running.until('a trial', () => storedTrials(scenario.out).length === 1);
    await running.until('roles', () => lab.roles().some(({ name }) => name === 'sink'));
    return { scenario, running };
  }

  it('fails the trial in which a host dies, and goes on when it is back', async (t) => {
    const { scenario, running } = await underWay(t);
    // Everything that was started there, as when the machine is switched off.
    for (const { pid } of lab.roles()) killById(pid);
    assert.equal((await running.ended).code, 1, running.said());
    const trials = storedTrials(scenario.out);
    assert.deepEqual(
      trials.map(({ outcome }) => outcome),
      ['intact', 'failed', 'intact', 'intact'],
    );
    assert.match(trials[1]?.error ?? '', /on (source|forwarder|sink) \(ssh .*ended/);
    await lab.assertNothingLeft();
    await assertNothingLeft(running.mark, new Set());
  });

  it('fails the trial in which a host freezes, and goes on when it moves again', async (t) => {
    const { scenario, running } = await underWay(t);
    // As a machine that hangs: its connections stay, and nobody answers.
    const [frozen, ...more] = lab.roles().filter(({ name }) => name === 'sink');
    assert.ok(frozen !== undefined && more.length === 0);
    t.after(() => {
      killById(frozen.pid);
    });
    killById(frozen.pid, 'SIGSTOP');
    assert.equal((await running.ended).code, 1, running.said());
    const trials = storedTrials(scenario.out);
    assert.deepEqual(
      trials.map(({ outcome }) => outcome),
      ['intact', 'failed', 'intact', 'intact'],
    );
    assert.match(
      trials[1]?.error ?? '',
      /sink role on sink \(ssh sink\): no answer to '\w+' within/,
    );
    killById(frozen.pid, 'SIGCONT');
    await lab.assertNothingLeft();
    await assertNothingLeft(running.mark, new Set());
  });

  it('tells what changed on a host during the run', async (t) => {
    const { scenario, running } = await underWay(t);
    const file = '/proc/sys/net/ipv4/tcp_rmem';
    const was = lab.inside('sink', 'cat', file).trim();
    const write = (text: string) => lab.inside('sink', 'sh', '-c', `echo "${text}" >${file}`);
    t.after(() => write(was));
    write('4096 131072 7000000');
    assert.equal((await running.ended).code, 0, running.said());
    const manifest = JSON.parse(readFileSync(join(scenario.out, 'run.json'), 'utf8')) as {
      environment_changes: unknown[];
    };
    assert.deepEqual(manifest.environment_changes, [
      {
        kind: 'sysctl',
        host: 'sink (ssh sink)',
        what: 'sysctl net.ipv4.tcp_rmem',
        before: was.split(/\s+/).join(' '),
        after: '4096 131072 7000000',
      },
    ]);
    const report = readFileSync(join(scenario.out, 'report.md'), 'utf8').replaceAll('\\', '');
    assert.match(
      report,
      /sysctl net\.ipv4\.tcp_rmem changed during the run: was .* \(changed-sysctl\)/,
    );
  });

  it('fails the trials while a link is down, and leaves nothing beyond the link', async (t) => {
    const { scenario, running } = await underWay(t);
    lab.inside('control', 'ip', 'link', 'set', 'to-sink', 'down');
    t.after(() => lab.inside('control', 'ip', 'link', 'set', 'to-sink', 'up'));
    await running.until('a failed trial', () => storedTrials(scenario.out).length >= 2);
    const [first, second] = storedTrials(scenario.out);
    assert.deepEqual([first?.outcome, second?.outcome], ['intact', 'failed']);
    assert.match(second?.error ?? '', /sink \(ssh sink\)/);
    running.kill('SIGINT');
    assert.equal((await running.ended).code, 130, running.said());
    assert.equal(storedTrials(scenario.out)[0]?.outcome, 'intact');
    await assertNothingLeft(running.mark, new Set());
    // The roles there hear nothing any more, and end by themselves.
    await until('no role is left', () => lab.roles().length === 0);
  });

  it('leaves nothing anywhere after kill -9', async (t) => {
    const { running } = await underWay(t);
    running.kill('SIGKILL');
    await running.ended;
    await lab.assertNothingLeft();
    await assertNothingLeft(running.mark, new Set());
  });
});
