import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { UsageError } from '../../src/base/errors/errors.js';
import { LockedError, RunStore } from '../../src/data/results/store.js';
import { manifest } from './store-fixtures.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lock-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const path = (name: string) => join(folder, name);

/** A stored run, closed. */
async function stored(): Promise<void> {
  await (await RunStore.create(folder, manifest)).close();
}

describe('the lock', () => {
  it('keeps a second run out, and goes when the first is closed', async () => {
    const store = await RunStore.create(folder, manifest);
    const refused = {
      name: 'LockedError',
      message: `${folder}: another run (process ${process.pid}) is writing this folder`,
    };
    await assert.rejects(RunStore.resume(folder), refused);
    await assert.rejects(RunStore.create(folder, manifest), LockedError);
    await store.close();
    await (await RunStore.resume(folder)).close();
    assert.ok(!(await readdir(folder)).includes('lock'));
  });

  it('is not left behind by a folder that is refused', async () => {
    await stored();
    await assert.rejects(RunStore.create(folder, manifest), UsageError);
    await (await RunStore.resume(folder)).close();
  });

  it('of a process that is gone is taken over', async () => {
    await stored();
    const child = spawn(process.execPath, ['-e', '']);
    const { pid } = child;
    await once(child, 'exit');
    await writeFile(
      path('lock'),
      JSON.stringify({ host: hostname(), pid, started: '1', boot: 'x' }),
    );
    const store = await RunStore.resume(folder);
    assert.match(await readFile(path('lock'), 'utf8'), new RegExp(`"pid":${process.pid}`));
    await store.close();
    assert.deepEqual((await readdir(folder)).sort(), [
      'incidents.jsonl',
      'run.json',
      'trials.jsonl',
    ]);
  });

  it('of a pid that another process has since got is taken over', async () => {
    await stored();
    const pid = process.ppid;
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
    await writeFile(path('lock'), JSON.stringify({ host: hostname(), pid, started: '1', boot }));
    await (await RunStore.resume(folder)).close();
  });

  it('that was torn is taken over', async () => {
    await stored();
    await writeFile(path('lock'), '{"host"');
    await (await RunStore.resume(folder)).close();
  });

  it('of another host is never taken over', async () => {
    await stored();
    await writeFile(path('lock'), JSON.stringify({ host: 'elsewhere', pid: 1 }));
    await assert.rejects(RunStore.resume(folder), /a run on host elsewhere is writing this folder/);
  });

  it('is got by exactly one of many that take over a stale one at once', async () => {
    await stored();
    const stale = { host: hostname(), pid: 2 ** 22 + 1, started: '1', boot: 'x' };
    await writeFile(path('lock'), JSON.stringify(stale));
    const program = `
      import { lockFolder } from ${JSON.stringify(new URL('../../src/base/process/lock.js', import.meta.url).href)};
      try { await lockFolder(${JSON.stringify(folder)}); console.log('got'); setTimeout(() => {}, 3000); }
      catch (error) { console.log(error.name); }`;
    const children = Array.from({ length: 6 }, () =>
      spawn(process.execPath, ['--input-type=module', '-e', program]),
    );
    const answers = await Promise.all(
      children.map(async ({ stdout }) => String((await once(stdout, 'data'))[0]).trim()),
    );
    for (const child of children) child.kill();
    assert.deepEqual(answers.sort(), [...Array<string>(5).fill('LockedError'), 'got']);
  });
});
