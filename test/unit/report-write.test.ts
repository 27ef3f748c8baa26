import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { writeReport } from '../../src/report/render/write-all.js';
import { fakeReport } from './report-fixture.js';

describe('writing a report', () => {
  let directory = '';
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'splicebench-report-'));
  });
  after(async () => {
    await rm(directory, { recursive: true });
  });

  it('makes every file of the contract and nothing else', async () => {
    const written = await writeReport(join(directory, 'new', 'run'), fakeReport());
    const files = await readdir(join(directory, 'new', 'run'));
    assert.deepEqual(files.sort(), [
      'charts',
      'integrity.csv',
      'report.html',
      'report.md',
      'summary.csv',
      'trials.csv',
    ]);
    const charts = await readdir(join(directory, 'new', 'run', 'charts'));
    assert.equal(charts.length, 12);
    assert.equal(written.length, 17);
    for (const file of written) {
      assert.ok((await readFile(join(directory, 'new', 'run', file))).length > 100, file);
    }
  });

  it('writes the same bytes again, and takes away charts of conditions that are gone', async () => {
    const run = join(directory, 'again');
    const files = await writeReport(run, fakeReport());
    const read = () => Promise.all(files.map((file) => readFile(join(run, file), 'utf8')));
    const first = await read();
    await writeFile(join(run, 'charts', 'gone.svg'), '');
    await writeFile(join(run, 'charts', 'notes.txt'), 'kept');
    await writeReport(run, fakeReport());
    assert.deepEqual(await read(), first);
    const charts = await readdir(join(run, 'charts'));
    assert.ok(!charts.includes('gone.svg') && charts.includes('notes.txt'));
  });

  it('leaves no temporary file when it fails', async () => {
    const run = join(directory, 'blocked');
    await writeReport(run, fakeReport());
    await rm(join(run, 'charts'), { recursive: true });
    await writeFile(join(run, 'charts'), 'a file where a folder must be');
    await assert.rejects(writeReport(run, fakeReport()), /EEXIST|ENOTDIR/);
    const files = await readdir(run);
    assert.ok(!files.some((file) => file.endsWith('.tmp')));
  });
});
