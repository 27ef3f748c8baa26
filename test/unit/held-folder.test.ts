import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { HeldFolder } from '../../src/base/process/held-folder.js';
import { run, start } from '../support/process.js';

const MODULE = new URL('../../src/base/process/held-folder.js', import.meta.url).href;

describe('a held folder', () => {
  it('is there, and gone with all that is in it when it is removed', async () => {
    const folder = await HeldFolder.make();
    writeFileSync(join(folder.path, 'x'), 'x');
    await folder.remove();
    assert.equal(existsSync(folder.path), false);
    await folder.remove();
  });

  it('is gone when its user is killed', async (t) => {
    const script = `const { HeldFolder } = await import(${JSON.stringify(MODULE)});
      const { path } = await HeldFolder.make();
      console.log(path);
      setInterval(() => {}, 1000);`;
    const user = start(t, [process.execPath, '--input-type=module', '-e', script]);
    await user.until('a folder', () => user.stdout.endsWith('\n'));
    const path = user.stdout.trim();
    assert.ok(existsSync(path));
    user.kill('SIGKILL');
    await user.ended;
    for (let i = 0; i < 100 && existsSync(path); i++) await run(t, ['sleep', '0.05']);
    assert.equal(existsSync(path), false);
  });

  it('says why there can be none', async () => {
    const parent = mkdtempSync(join(tmpdir(), 'splicebench-unit-'));
    rmSync(parent, { recursive: true });
    await assert.rejects(HeldFolder.make(parent), /no temporary folder under .*: /);
  });
});
