import assert from 'node:assert/strict';
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { UsageError } from '../../src/base/errors/errors.js';
import { STORED_BEYOND, STORED_PER_RUN } from '../../src/data/integrity/stored-limits.js';
import type { Incident } from '../../src/data/record/record.js';
import { openAppend, type AppendHandle, type OpenAppend } from '../../src/base/process/append.js';
import { readRun, RunStore, StoreError } from '../../src/data/results/store.js';
import type { TrialResult } from '../../src/data/record/trial-result.js';
import { fakeRecord } from '../support/fake-executor.js';
import { planBlock } from '../../src/experiment/trial/order.js';
import { scenario } from './schedule-fixtures.js';
import { manifest } from './store-fixtures.js';

let parent: string;
let folder: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'store-'));
  folder = join(parent, 'runs', 'one');
});

afterEach(async () => {
  await rm(parent, { recursive: true, force: true });
});

const incident: Incident = {
  connection: 0,
  direction: 'down',
  offset: 14_164,
  length: 172,
  class: 'foreign',
  expected_hex: '00',
  received_hex: 'ff',
};

/** Six finished trials, the second with two incidents. */
const results: TrialResult[] = planBlock({ run_id: 'run-1', seed: '1', ...scenario }, 1).map(
  (trial, index) => ({
    record: fakeRecord(trial, 10 + index),
    incidents: index === 1 ? [incident, { ...incident, offset: 20_000 }] : [],
  }),
);
const idAt = (index: number) => results[index]?.record.trial_id;

const path = (name: string) => join(folder, name);

/** A stored run of some trials, closed. */
async function stored(count: number): Promise<void> {
  const store = await RunStore.create(folder, manifest);
  for (const result of results.slice(0, count)) await store.append(result);
  await store.close();
}

describe('creating a run', () => {
  it('stores incidents of a run up to the limit, then a few of each trial', async () => {
    const store = await RunStore.create(folder, manifest);
    const many = Array.from({ length: 1000 }, (_, offset) => ({ ...incident, offset }));
    const [first] = results;
    assert.ok(first);
    for (let block = 1; block <= 12; block++) {
      const record = { ...first.record, trial_id: `b${block}`, block };
      await store.append({ record, incidents: many });
    }
    await store.close();
    const run = await readRun(folder);
    assert.equal(run.trials.length, 12);
    const of = (block: number) =>
      run.incidents.filter(({ trial_id }) => trial_id === `b${block}`).length;
    assert.equal(run.incidents.length, STORED_PER_RUN + 2 * STORED_BEYOND);
    assert.deepEqual([of(10), of(11), of(12)], [1000, STORED_BEYOND, STORED_BEYOND]);
  });

  it('writes what can be read again', async () => {
    await stored(6);
    const run = await readRun(folder);
    assert.deepEqual(run.manifest, JSON.parse(JSON.stringify(manifest)));
    assert.deepEqual(
      run.trials,
      results.map(({ record }) => record),
    );
    assert.deepEqual(
      run.incidents.map(({ trial_id, offset }) => [trial_id, offset]),
      [
        [idAt(1), 14_164],
        [idAt(1), 20_000],
      ],
    );
    assert.deepEqual(run.warnings, []);
    assert.deepEqual((await readdir(folder)).sort(), [
      'incidents.jsonl',
      'run.json',
      'trials.jsonl',
    ]);
  });

  it('has every trial on disk as soon as append returns', async () => {
    const store = await RunStore.create(folder, manifest);
    for (const [index, result] of results.entries()) {
      await store.append(result);
      assert.equal((await readRun(folder)).trials.length, index + 1);
      assert.equal(store.trials.length, index + 1);
    }
    await store.close();
  });

  it('refuses a folder that holds a run, or anything else', async () => {
    await stored(1);
    const before = await readFile(path('trials.jsonl'), 'utf8');
    await assert.rejects(RunStore.create(folder, manifest), {
      name: 'UsageError',
      message: `${folder}: already holds a run; go on with it with --resume, or give another folder`,
    });
    assert.equal(await readFile(path('trials.jsonl'), 'utf8'), before);
    await mkdir(join(parent, 'other'));
    await writeFile(join(parent, 'other', 'thesis.tex'), 'years of work');
    await assert.rejects(
      RunStore.create(join(parent, 'other'), manifest),
      /not empty and not a run/,
    );
    assert.deepEqual(await readdir(join(parent, 'other')), ['thesis.tex']);
  });

  it('takes an empty folder', async () => {
    await mkdir(folder, { recursive: true });
    await stored(1);
    assert.equal((await readRun(folder)).trials.length, 1);
  });

  it('fails before the first trial when it cannot be written, naming the path', async () => {
    await writeFile(join(parent, 'file'), '');
    await assert.rejects(RunStore.create(join(parent, 'file'), manifest), (error: unknown) => {
      assert.ok(error instanceof StoreError);
      assert.match(error.message, /file: cannot be written: /);
      return true;
    });
    await assert.rejects(RunStore.create('/proc/nothing/run', manifest), StoreError);
    if (process.getuid?.() !== 0) {
      await mkdir(folder, { recursive: true });
      await chmod(folder, 0o500);
      await assert.rejects(RunStore.create(folder, manifest), /permission denied/);
    }
  });
});

describe('run.json', () => {
  it('is replaced as a whole', async () => {
    const store = await RunStore.create(folder, manifest);
    const inode = (await stat(path('run.json'))).ino;
    await store.updateManifest({ finished: '2026-11-23T12:03:00.000Z', stopping: { a: 'b' } });
    assert.notEqual((await stat(path('run.json'))).ino, inode);
    await store.close();
    const run = await readRun(folder);
    assert.equal(run.manifest.finished, '2026-11-23T12:03:00.000Z');
    assert.deepEqual(run.manifest.stopping, { a: 'b' });
    assert.equal(run.manifest.seed, manifest.seed);
    assert.ok((await readdir(folder)).every((name) => !name.endsWith('.tmp')));
  });

  it('is refused in another version, naming it', async () => {
    await stored(1);
    const text = await readFile(path('run.json'), 'utf8');
    await writeFile(path('run.json'), text.replace('"version": 1', '"version": 7'));
    await assert.rejects(readRun(folder), {
      name: 'UsageError',
      message: `${path('run.json')}: has version 7, and this splicebench reads only version 1`,
    });
  });

  it('is refused when it is damaged or absent', async () => {
    await stored(1);
    await writeFile(path('run.json'), '{"version": 1, "run_id": 3}');
    await assert.rejects(readRun(folder), /run\.json: damaged: run_id: /);
    await writeFile(path('run.json'), '{"version": 1');
    await assert.rejects(readRun(folder), /run\.json: damaged: not JSON/);
    await assert.rejects(readRun(join(parent, 'absent')), {
      name: 'UsageError',
      message: `${join(parent, 'absent')}: not a run (there is no run.json)`,
    });
  });
});

describe('after a crash', () => {
  it('a torn last line is dropped at any byte, with a warning, and what is before is kept', async () => {
    await stored(3);
    const whole = await readFile(path('trials.jsonl'));
    const lastStart = whole.lastIndexOf(0x0a, whole.length - 2) + 1;
    for (const end of [lastStart + 1, lastStart + 40, whole.length - 2, whole.length - 1]) {
      await writeFile(path('trials.jsonl'), whole.subarray(0, end));
      const run = await readRun(folder);
      assert.equal(run.trials.length, 2, `cut at ${end}`);
      assert.deepEqual(run.warnings, [
        `${path('trials.jsonl')}:3: the last line was cut off by a crash and is left out`,
      ]);
    }
  });

  it('resuming cuts the torn line off, so that the next trial has a line of its own', async () => {
    await stored(3);
    const { size } = await stat(path('trials.jsonl'));
    await truncate(path('trials.jsonl'), size - 10);
    const store = await RunStore.resume(folder);
    assert.equal(store.trials.length, 2);
    assert.equal(store.warnings.length, 1);
    await store.append(results[2] ?? assert.fail());
    await store.append(results[3] ?? assert.fail());
    await store.close();
    const run = await readRun(folder);
    assert.deepEqual(run.warnings, []);
    assert.deepEqual(
      run.trials,
      results.slice(0, 4).map(({ record }) => record),
    );
  });

  it('a set is stored at once, and one of which a crash left some arms is left out, at any byte', async () => {
    const set = { id: 's', arms: 3 };
    const arms = results.slice(0, 3).map(({ record, incidents }) => ({
      record: { ...record, set },
      incidents,
    }));
    const store = await RunStore.create(folder, manifest);
    await store.append(results[3] ?? assert.fail());
    await store.append(...arms);
    await store.close();
    const whole = await readFile(path('trials.jsonl'));
    assert.equal((await readRun(folder)).trials.length, 4);
    const starts = [...whole.entries()].flatMap(([at, byte]) => (byte === 0x0a ? [at + 1] : []));
    for (const end of [starts[1] ?? 0, starts[2] ?? 0, (starts[1] ?? 0) + 30, whole.length - 1]) {
      await writeFile(path('trials.jsonl'), whole.subarray(0, end));
      const run = await readRun(folder);
      assert.deepEqual(
        run.trials.map(({ trial_id }) => trial_id),
        [idAt(3)],
      );
      assert.match(run.warnings.join(), /the last set was cut off by a crash/);
    }
    const again = await RunStore.resume(folder);
    await again.append(...arms);
    await again.close();
    const run = await readRun(folder);
    assert.deepEqual(run.warnings, []);
    assert.equal(run.trials.length, 4);
    assert.equal(run.incidents.length, 2);
  });

  it('incidents of a trial that was not stored are dropped, since it runs again', async () => {
    await stored(2);
    const [first = ''] = (await readFile(path('trials.jsonl'), 'utf8')).split('\n');
    await writeFile(path('trials.jsonl'), `${first}\n`);
    await appendFile(path('incidents.jsonl'), '{"trial_id": "b0');
    const read = await readRun(folder);
    assert.equal(read.incidents.length, 0);
    assert.match(read.warnings.join('\n'), /2 incidents of a trial that was interrupted/);
    const store = await RunStore.resume(folder);
    await store.append(results[1] ?? assert.fail());
    await store.close();
    const run = await readRun(folder);
    assert.equal(run.incidents.length, 2);
    assert.deepEqual(run.warnings, []);
  });

  it('a damaged line that is not the last is refused by name', async () => {
    await stored(3);
    const lines = (await readFile(path('trials.jsonl'), 'utf8')).split('\n');
    await writeFile(path('trials.jsonl'), [lines[0], '{"version":', lines[2], ''].join('\n'));
    await assert.rejects(readRun(folder), {
      name: 'UsageError',
      message: `${path('trials.jsonl')}:2: damaged: not JSON`,
    });
    const bad = lines[1]?.replace('"version":1', '"version":2') ?? '';
    await writeFile(path('trials.jsonl'), [lines[0], bad, lines[2], ''].join('\n'));
    await assert.rejects(readRun(folder), /trials\.jsonl:2: has version 2, and this splicebench/);
    await assert.rejects(RunStore.resume(folder), UsageError);
    const odd = lines[1]?.replace('"outcome":"', '"outcome":"very ') ?? '';
    await writeFile(path('trials.jsonl'), [lines[0], odd, lines[2], ''].join('\n'));
    await assert.rejects(readRun(folder), /trials\.jsonl:2: damaged: outcome: /);
  });

  it('a run that was killed before its first trial can be resumed', async () => {
    await stored(0);
    await rm(path('trials.jsonl'));
    await rm(path('incidents.jsonl'));
    const store = await RunStore.resume(folder);
    await store.append(results[0] ?? assert.fail());
    await store.close();
    assert.equal((await readRun(folder)).trials.length, 1);
  });
});

/** Opens files of which one write does something else than it should. */
function failing(
  name: string,
  count: number,
  write: (handle: AppendHandle, data: Buffer) => Promise<number>,
): OpenAppend {
  let writes = 0;
  return async (file) => {
    const handle = await openAppend(file);
    if (!file.endsWith(name)) return handle;
    return {
      write: (data) => (++writes === count ? write(handle, data) : handle.write(data)),
      sync: () => handle.sync(),
      truncate: (size) => handle.truncate(size),
      size: () => handle.size(),
      close: () => handle.close(),
    };
  };
}

describe('a full disk', () => {
  const noSpace = (): Promise<number> =>
    Promise.reject(Object.assign(new Error('ENOSPC: no space left, write'), { code: 'ENOSPC' }));

  it('is one clear line that names the file, and keeps what was stored', async () => {
    const store = await RunStore.create(folder, manifest, failing('trials.jsonl', 3, noSpace));
    await store.append(results[0] ?? assert.fail());
    await store.append(results[1] ?? assert.fail());
    await assert.rejects(store.append(results[2] ?? assert.fail()), {
      name: 'StoreError',
      message:
        `${path('trials.jsonl')}: cannot be written: ` +
        'the disk is full; what was stored before is kept',
    });
    assert.equal(store.trials.length, 2);
    await store.close();
    const run = await readRun(folder);
    assert.equal(run.trials.length, 2);
    assert.deepEqual(run.warnings, []);
  });

  it('that takes half a line leaves no half line behind', async () => {
    const short = (handle: AppendHandle, data: Buffer) => handle.write(data.subarray(0, 100));
    const store = await RunStore.create(folder, manifest, failing('trials.jsonl', 2, short));
    await store.append(results[0] ?? assert.fail());
    await assert.rejects(store.append(results[1] ?? assert.fail()), /the disk is full/);
    // Room again: the same store goes on.
    await store.append(results[1] ?? assert.fail());
    await store.close();
    const run = await readRun(folder);
    assert.equal(run.trials.length, 2);
    assert.deepEqual(run.warnings, []);
  });

  it('at the incidents does not store the trial without them', async () => {
    const store = await RunStore.create(folder, manifest, failing('incidents.jsonl', 1, noSpace));
    await store.append(results[0] ?? assert.fail());
    await assert.rejects(store.append(results[1] ?? assert.fail()), /incidents\.jsonl: cannot/);
    await store.close();
    assert.equal((await readRun(folder)).trials.length, 1);
  });
});
