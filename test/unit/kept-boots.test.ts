import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bootsIn, factsOf, keepBoot, readBoots } from '../../bench/published/kept-boots.js';
import { LAB_FILE } from '../../src/tasks/lab/guest-plan.js';
import { scratch } from '../support/folder.js';
import { writeTree } from '../support/tree.js';

describe('boots that are published', () => {
  it('are the folders with the file of a boot, read by their names', async (t) => {
    const folder = scratch(t);
    writeTree(folder, {
      [`b/${LAB_FILE}`]: '{ "nic": "e1000e" }',
      [`a/${LAB_FILE}`]: '{ "nic": "tap" }',
      'other/run.json': '{}',
      'README.md': '',
    });
    assert.deepEqual(bootsIn(folder, LAB_FILE), ['a', 'b']);
    const read = (boot: string, name: string) => Promise.resolve(`${name}: ${factsOf(boot).nic}`);
    assert.deepEqual(await readBoots(folder, LAB_FILE, read), ['a: tap', 'b: e1000e']);
  });

  it('keep the files that are named, in place of what was there', (t) => {
    const folder = scratch(t);
    writeTree(folder, { 'boot/run.json': '{}', 'boot/console.txt': '', 'kept/old.json': '{}' });
    const kept = join(folder, 'kept');
    keepBoot(join(folder, 'boot'), kept, ['run.json', 'hook.jsonl']);
    assert.deepEqual(readdirSync(kept), ['run.json']);
    assert.ok(existsSync(join(folder, 'boot', 'console.txt')), 'the boot itself stays');
  });
});
