/** A disk that fills up while a run is being stored. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import {
  jsonLines,
  scratch,
  scratchFolder,
  storedTrials,
  writeScenario,
} from '../support/folder.js';
import { assertNothingLeft, privateNetworks } from '../support/leaks.js';
import { cli, splicebench, start } from '../support/process.js';
import { requireRoot } from '../support/require-tool.js';

/** A file system of a few hundred kilobytes, gone with the test. */
function smallDisk(t: TestContext, kilobytes: number): string {
  const { folder, remove } = scratchFolder();
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'none', folder]);
  t.after(() => {
    execFileSync('umount', ['--lazy', folder]);
    remove();
  });
  return folder;
}

/** Leaves so many bytes free. */
function fill(folder: string, free: number): string {
  const { bavail, bsize } = statfsSync(folder);
  const path = join(folder, 'ballast');
  writeFileSync(path, Buffer.alloc(Math.max(0, bavail * bsize - free)));
  return path;
}

/** The one trial of a run whose forwarder writes to a file. */
async function storing(t: TestContext, forwarder: object) {
  const folder = scratch(t);
  const scenario = writeScenario(folder, {
    workload: { seconds: '300ms', warmup: 0 },
    forwarders: [forwarder, 'copy'],
    blocks: { min: 1, max: 1 },
  });
  const out = join(folder, 'run');
  const running = start(t, splicebench('run', scenario, '--out', out));
  const { code, stderr } = await running.ended;
  await assertNothingLeft(running.mark, new Set());
  const trials = storedTrials(out);
  assert.equal(trials.find((trial) => trial.forwarder === 'copy')?.outcome, 'intact', stderr);
  const trial = trials.find((each) => each.forwarder !== 'copy');
  assert.ok(trial, stderr);
  return { code, trial };
}

describe('a forwarder whose file cannot be written', () => {
  it('splice-tee: its trial fails and names the mirror; the run goes on', async (t) => {
    // Whether this device takes splices at all is the kernel's affair.
    const { code, trial } = await storing(t, { use: 'splice-tee', mirror: '/dev/full' });
    assert.equal(code, 1);
    assert.equal(trial.outcome, 'failed');
    assert.match(trial.error ?? '', /forwarder write mirror \/dev\/full: \S/);
  });

  const { skip } = requireRoot();
  for (const forwarder of [
    { use: 'splice-tee' },
    { use: 'file-sink' },
    { use: 'file-source' },
    { use: 'file-source', via: 'splice' },
  ]) {
    it(`${Object.values(forwarder).join(' ')}: a small disk, full`, { skip }, async (t) => {
      const disk = smallDisk(t, 256);
      const where =
        forwarder.use === 'splice-tee' ? { mirror: join(disk, 'mirror') } : { dir: disk };
      const { code, trial } = await storing(t, { ...forwarder, ...where });
      assert.equal(code, 1);
      assert.equal(trial.outcome, 'reset', trial.error ?? '');
      assert.ok(trial.error?.includes(disk), trial.error ?? '');
      assert.match(trial.error ?? '', /No space left on device/);
      const left = readdirSync(disk).filter((name) => name !== 'mirror');
      assert.deepEqual(left, [], 'no file of the forwarder');
    });
  }
});

describe('a full disk', { skip: requireRoot().skip }, () => {
  it('in mid-run: one line that names the file, exit code 1, earlier trials kept', async (t) => {
    const disk = smallDisk(t, 8192);
    const scenario = writeScenario(scratch(t), {
      workload: { seconds: '200ms', warmup: 0 },
      forwarders: ['copy', 'splice'],
      baseline: 'copy',
      blocks: { min: 100, max: 100 },
    });
    const out = join(disk, 'run');
    const running = start(t, splicebench('run', scenario, '--json', '--out', out));
    await running.until('two trials', () => storedTrials(out).length >= 2);
    const seen = privateNetworks(running.mark);
    const ballast = fill(disk, 8000);
    const { code, stderr } = await running.ended;
    assert.equal(code, 1, stderr);
    const said = stderr.split('\n').filter((line) => line.startsWith('splicebench: '));
    assert.equal(said.length, 1, stderr);
    assert.match(said[0] ?? '', /run\/(trials|incidents)\.jsonl: .*the disk is full/);
    assert.ok(!/\bat .*:\d+:\d+/.test(stderr), stderr);
    await assertNothingLeft(running.mark, seen);

    const text = readFileSync(join(out, 'trials.jsonl'), 'utf8');
    assert.ok(text.endsWith('\n'), 'no torn line');
    const stored = storedTrials(out);
    assert.ok(stored.length >= 2);
    assert.equal(stored.length % 2, 0, 'no set is stored in part');
    assert.deepEqual(
      jsonLines(text).map(({ outcome }) => outcome),
      stored.map(() => 'intact'),
    );
    const finished = jsonLines(running.stdout).filter(({ event }) => event === 'trial-end');
    assert.equal(finished.length, stored.length, 'a trial that was not stored is not announced');

    // With room again the run can be gone on with. 100 blocks are not waited for.
    rmSync(ballast);
    const resumed = start(t, splicebench('run', '--resume', out, '--json'));
    await resumed.until('one trial more', () => storedTrials(out).length > stored.length);
    resumed.kill('SIGINT');
    assert.equal((await resumed.ended).code, 130, resumed.said());
  });

  it('before the run: nothing runs', async (t) => {
    const disk = smallDisk(t, 64);
    fill(disk, 0);
    const { code, stdout, stderr } = await cli(t, [
      ...['run', '--quick', '--json', '--out', join(disk, 'run')],
    ]);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /the disk is full/);
    assert.equal(stdout, '');
  });

  it('when the report is written: the trials are kept, and the file is named', async (t) => {
    const disk = smallDisk(t, 256);
    const scenario = writeScenario(scratch(t), {
      workload: { seconds: '100ms', warmup: 0 },
      forwarders: ['copy'],
      blocks: { min: 2, max: 2 },
    });
    // report.html alone is larger than this disk.
    const out = join(disk, 'run');
    const { code, stderr } = await cli(t, ['run', scenario, '--out', out]);
    assert.equal(code, 1, stderr);
    const said = stderr.split('\n').filter((line) => line.startsWith('splicebench: '));
    assert.equal(said.length, 1, stderr);
    assert.match(said[0] ?? '', /report\.html.*(disk is full|ENOSPC)/);
    assert.equal(storedTrials(out).length, 2);
  });
});
