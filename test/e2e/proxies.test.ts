/** Real proxies through their drivers: whole runs, nothing left behind, absent ones left out. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { findProgram } from '../../src/base/process/program.js';
import { readCsv, scratch, storedTrials, writeScenario } from '../support/folder.js';
import { assertNothingLeft, markedProcesses, rxBytes } from '../support/leaks.js';
import { killById, splicebench, start, until } from '../support/process.js';
import { requireTools } from '../support/require-tool.js';

const GO_BUILD = 300_000;

/** Starts a run with a folder for temporary files of its own, which must be empty in the end. */
function startRun(t: TestContext, keys: Record<string, unknown>, env: Record<string, string> = {}) {
  const folder = scratch(t);
  const temporary = join(folder, 'temporary');
  mkdirSync(temporary);
  const scenario = writeScenario(folder, { blocks: { min: 1, max: 1 }, ...keys });
  const out = join(folder, 'run');
  const running = start(t, splicebench('run', scenario, '--out', out), {
    deadline: GO_BUILD,
    env: { TMPDIR: temporary, ...env },
  });
  return { running, out, files: () => readdirSync(temporary) };
}

const DRIVERS: readonly { tools: string[]; entry: Record<string, unknown>; version: RegExp }[] = [
  {
    tools: ['haproxy'],
    entry: { use: 'haproxy', splice: 'both', pipesize: '1MiB', bufsize: '64KiB' },
    version: /HAProxy version/,
  },
  { tools: ['haproxy'], entry: { use: 'haproxy', nosplice: true }, version: /HAProxy version/ },
  { tools: ['nginx'], entry: { use: 'nginx', buffer: '64KiB', workers: 2 }, version: /nginx\// },
  { tools: ['socat'], entry: { use: 'socat', buffer: '64KiB' }, version: /^socat 1/ },
  { tools: ['go'], entry: { use: 'go' }, version: /^go version/ },
  { tools: ['go'], entry: { use: 'go', splice: false, buffer: '64KiB' }, version: /^go version/ },
  { tools: ['ssh', 'sshd', 'ssh-keygen'], entry: { use: 'ssh' }, version: /^OpenSSH_/ },
  { tools: [], entry: { use: 'node-pipe' }, version: /^Node v/ },
];

describe('drivers', () => {
  for (const { tools, entry, version } of DRIVERS) {
    const options = { skip: requireTools(...tools).skip };
    it(`${JSON.stringify(entry)} forwards intact in all directions`, options, async (t) => {
      const { running, out, files } = startRun(t, {
        workload: { bytes: '1MiB', connections: 20 },
        matrix: { 'workload.direction': ['download', 'upload', 'both'] },
        forwarders: ['copy', { ...entry, name: 'proxy' }],
      });
      const { code, stderr } = await running.ended;
      assert.equal(code, 0, stderr);
      const own = storedTrials(out).filter(({ forwarder }) => forwarder === 'proxy');
      assert.deepEqual(
        own.map(({ outcome }) => outcome),
        ['intact', 'intact', 'intact'],
      );
      for (const trial of own) {
        assert.match(String(trial['forwarder_version']), version);
        assert.equal(typeof trial['forwarder_cpu_seconds'], 'number');
        assert.ok(Number(trial['forwarder_memory_bytes']) > 100_000);
      }
      await assertNothingLeft(running.mark, new Set());
      assert.deepEqual(files(), []);
    });
  }

  const proxyd = { skip: requireTools('systemd-socket-activate').skip };
  it('systemd-socket-proxyd forwards one direction intact', proxyd, async (t) => {
    const { running, out, files } = startRun(t, {
      workload: { bytes: '1MiB', connections: 20 },
      matrix: { 'workload.direction': ['download', 'upload'] },
      forwarders: ['copy', 'systemd-socket-proxyd'],
    });
    const { code, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    const own = storedTrials(out).filter(({ forwarder }) => forwarder === 'systemd-socket-proxyd');
    assert.deepEqual(
      own.map((trial) => [trial.outcome, String(trial['forwarder_version']).split(' ')[0]]),
      [
        ['intact', 'systemd'],
        ['intact', 'systemd'],
      ],
    );
    await assertNothingLeft(running.mark, new Set());
    assert.deepEqual(files(), []);
  });

  it('ncat forwards a download', { skip: requireTools('ncat').skip }, async (t) => {
    const { running, out, files } = startRun(t, {
      workload: { bytes: '8MiB' },
      matrix: { 'workload.direction': ['download', 'upload'] },
      forwarders: ['copy', 'ncat'],
    });
    const { code, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /ncat in test\/direction=upload is unavailable: ncat forwards downloads/);
    const own = storedTrials(out).filter(({ forwarder }) => forwarder === 'ncat');
    assert.deepEqual(
      own.map(({ outcome, cell }) => [outcome, cell]),
      [['intact', 'test/direction=download']],
    );
    await assertNothingLeft(running.mark, new Set());
    assert.deepEqual(files(), []);
  });
});

describe('a proxy that does not get through its trial', () => {
  const options = { skip: requireTools('haproxy').skip };

  for (const victim of ['haproxy', 'the run'] as const) {
    it(`${victim} is killed: no file and no process is left`, options, async (t) => {
      const { running, out, files } = startRun(t, {
        workload: { seconds: '60s', stall: '2s' },
        forwarders: ['haproxy'],
      });
      const proxy = () => markedProcesses(running.mark).find((one) => one.command[0] === 'haproxy');
      await running.until('haproxy', () => proxy() !== undefined && files().length > 0);
      await running.until('bytes', () => rxBytes(proxy()?.pid ?? 0) > 10_000_000);
      if (victim === 'haproxy') killById(proxy()?.pid ?? 0);
      else running.kill('SIGKILL');
      const { code } = await running.ended;
      await assertNothingLeft(running.mark, new Set());
      await until('the folder gone', () => files().length === 0);
      if (victim !== 'haproxy') return;
      const [trial] = storedTrials(out);
      assert.ok(trial !== undefined);
      assert.notEqual(trial.outcome, 'intact');
      assert.match(trial.error ?? '', /forwarder ended|ended \(/);
      assert.equal(code, trial.outcome === 'truncated' ? 3 : 1);
    });
  }

  it('a configuration that it refuses: the error names what it said', options, async (t) => {
    const { running, out, files } = startRun(t, {
      workload: { bytes: '1MiB' },
      forwarders: [
        {
          use: 'command',
          name: 'broken',
          argv: ['haproxy', '-db', '-f', '{dir}/haproxy.cfg'],
          files: { 'haproxy.cfg': 'global\n    spice on\n' },
        },
      ],
    });
    const { code } = await running.ended;
    assert.equal(code, 1);
    const [trial] = storedTrials(out);
    assert.match(trial?.error ?? '', /haproxy: ended \(exit code 1\): .*unknown keyword 'spice'/);
    assert.deepEqual(files(), []);
  });
});

describe('a proxy that is absent', () => {
  /** Only what a run needs of the host, so that there is no socat. */
  const NEEDED = ['sh', 'cat', 'mktemp', 'rm', 'ip', 'unshare', 'nsenter', 'taskset', 'setpriv'];

  function pathWithoutProxies(t: TestContext): string {
    const folder = scratch(t);
    for (const name of NEEDED) {
      const program = findProgram(name);
      if (program !== null) symlinkSync(program, join(folder, name));
    }
    return folder;
  }
  const REASON = 'socat not found (apt-get install socat)';

  it('is left out and named in every output; the others run', async (t) => {
    const { running, out } = startRun(
      t,
      { workload: { bytes: '1MiB' }, forwarders: ['copy', 'socat'] },
      { PATH: pathWithoutProxies(t) },
    );
    const { code, stdout, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    assert.ok(stderr.includes(`socat is unavailable: ${REASON}`), stderr);
    assert.ok(stdout.includes(`socat unavailable: ${REASON}`), stdout);
    assert.ok(readFileSync(join(out, 'report.html'), 'utf8').includes(REASON));
    assert.match(readFileSync(join(out, 'report.md'), 'utf8'), /socat not found/);
    const { rows } = readCsv(join(out, 'summary.csv'));
    const own = rows.filter(({ forwarder }) => forwarder === 'socat');
    assert.deepEqual(
      own.map((row) => [row['n'], row['unavailable']]),
      [['0', REASON]],
    );
  });

  it('when there is no other, the run says so and ends with exit code 1', async (t) => {
    const { running } = startRun(
      t,
      { workload: { bytes: '1MiB' }, forwarders: ['socat'] },
      { PATH: pathWithoutProxies(t) },
    );
    const { code, stdout, stderr } = await running.ended;
    assert.equal(code, 1, stderr);
    assert.match(stdout, /Nothing ran: every forwarder is unavailable \(socat: socat not found/);
  });
});
