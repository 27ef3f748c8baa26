/** What is published, and that the check sees where the index does not follow from it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { checkBars, writeBars } from '../../bench/bars/store.js';
import { UsageError } from '../../src/base/errors/errors.js';
import { packageRoot } from '../../src/base/process/package-root.js';
import type { RunManifest, TrialRecord } from '../../src/data/record/record.js';
import { publishedMarkdown } from '../../src/report/render/published-markdown.js';
import { CLAIMS } from '../../src/tasks/claims/registry.js';
import { publishedIndex } from '../../src/tasks/publish/published-index.js';
import {
  addRun,
  publishedRuns,
  publishedSessions,
} from '../../src/tasks/publish/published-runs.js';
import { scratch } from '../support/folder.js';
import { splicebench } from '../support/process.js';
import { COPY, fakeSource, SPLICE } from './report-fixture.js';
import { scenario } from './schedule-fixtures.js';

interface Fake {
  id?: string;
  manifest?: Partial<RunManifest>;
  change?: (trial: TrialRecord) => TrialRecord;
  faulty?: boolean;
}

/** A run's folder with a few trials of splice and copy. */
function storeRun(folder: string, { id = 'run-1', manifest, change, faulty }: Fake = {}): string {
  const source = fakeSource({ forwarders: [SPLICE, COPY], checks: ['full'], blocks: 3 });
  const forwarders = [SPLICE, COPY].map(({ label }) => ({
    label,
    use: faulty === true && label === 'copy' ? 'faulty' : label,
    options: {},
  }));
  const scenarios = [{ ...scenario, name: 'loopback', forwarders }];
  mkdirSync(folder, { recursive: true });
  const whole = { ...source.manifest, scenarios, run_id: id, ...manifest };
  writeFileSync(join(folder, 'run.json'), JSON.stringify(whole));
  const lines = source.trials.map((trial) => `${JSON.stringify(change?.(trial) ?? trial)}\n`);
  writeFileSync(join(folder, 'trials.jsonl'), lines.join(''));
  writeFileSync(join(folder, 'incidents.jsonl'), '');
  return folder;
}

function publish(...args: string[]) {
  const [program = '', ...rest] = splicebench('publish', ...args);
  return spawnSync(program, rest, { encoding: 'utf8' });
}

async function markdownOf(results: string): Promise<string> {
  return publishedMarkdown(publishedIndex(CLAIMS, await publishedRuns(results)));
}

/** Results with one published run, and the run's folder in them. */
async function published(t: TestContext): Promise<{ results: string; run: string }> {
  const results = join(scratch(t), 'results');
  const run = await addRun(results, storeRun(join(results, 'runs', 'one')));
  assert.ok(run !== null);
  return { results, run };
}

describe('publish', () => {
  it('keeps a run, makes the index, and the check agrees until a trial is changed', (t) => {
    const folder = scratch(t);
    const run = storeRun(join(folder, 'mine'));
    const results = join(folder, 'results');
    const made = publish(run, '--results', results);
    assert.equal(made.status, 0, made.stderr);
    const kept = join(results, 'published', 'run-1');
    assert.ok(existsSync(join(kept, 'report.md')));
    const index = readFileSync(join(results, 'README.md'), 'utf8');
    assert.match(index, /\[run-1\]\(published\/run-1\/report\.md\)/);
    assert.equal(publish('--check', '--results', results).status, 0);

    const trials = readFileSync(join(kept, 'trials.jsonl'), 'utf8');
    writeFileSync(join(kept, 'trials.jsonl'), trials.replace('"position":0', '"position":5'));
    const after = publish('--check', '--results', results);
    assert.equal(after.status, 4);
    assert.match(after.stderr, /does not follow from the stored runs: line \d+/);
  });

  it('finds a figure that somebody typed into the index', (t) => {
    const folder = scratch(t);
    const results = join(folder, 'results');
    assert.equal(publish(storeRun(join(folder, 'mine')), '--results', results).status, 0);
    const path = join(results, 'README.md');
    const index = readFileSync(path, 'utf8');
    writeFileSync(path, index.replace(/(\d+) trials: below/, '9999 trials: below'));
    const checked = publish('--check', '--results', results);
    assert.equal(checked.status, 4);
    assert.match(checked.stderr, /stored: .*9999 trials/);
  });

  it('does not take runs together with --check, nor a missing index', (t) => {
    const folder = scratch(t);
    assert.equal(publish('--check', folder, '--results', folder).status, 2);
    assert.equal(publish('--check', '--results', folder).status, 2);
  });
});

describe('addRun', () => {
  it('takes the same run once, and none under the id of another', async (t) => {
    const { results } = await published(t);
    const same = storeRun(join(results, 'runs', 'again'));
    assert.equal(await addRun(results, same), null);
    const other = storeRun(join(results, 'runs', 'other'), {
      change: (trial) => ({ ...trial, goodput_gbps: 99 }),
    });
    await assert.rejects(addRun(results, other), /published in .* with other trials/);
  });

  it('refuses what did not finish, and ids that leave the folder', async (t) => {
    const folder = scratch(t);
    const refused = async (manifest: Partial<RunManifest>, why: RegExp) => {
      await assert.rejects(addRun(folder, storeRun(join(folder, 'runs', 'x'), { manifest })), why);
      assert.ok(!existsSync(join(folder, 'published')));
    };
    await refused({ finished: null }, /did not finish/);
    await refused({ interrupted: true }, /did not finish/);
    await refused({ run_id: '../../etc' }, /no name of a folder/);
  });
});

describe('the index', () => {
  it('adds up over runs by registry entry, and leaves out what damages on purpose', async (t) => {
    const { results } = await published(t);
    storeRun(join(results, 'bars'), { id: 'run-2', faulty: true });
    const { integrity, total, runs } = publishedIndex(CLAIMS, await publishedRuns(results));
    assert.equal(runs.length, 2);
    const sums = integrity.map(({ use, sum }) => [use, sum.checkedTrials]);
    assert.deepEqual(sums, [
      ['copy', 3],
      ['splice', 6],
    ]);
    assert.equal(total.sum.checkedTrials, 9);
    assert.deepEqual(
      integrity.find(({ use }) => use === 'copy')?.runs.map(({ id }) => id),
      ['run-1'],
    );
  });

  it('says of which claims nothing is stored, and links the run that decides the others', async (t) => {
    const { results } = await published(t);
    assert.match(await markdownOf(results), /no run is stored here.*`haproxy-4k`/);
    storeRun(join(results, 'claims-run'), {
      id: 'run-3',
      change: (trial) => ({ ...trial, scenario: 'claims-move' }),
    });
    const claim = CLAIMS.find(({ id }) => id === '2008-move-speed');
    assert.ok(claim?.judged);
    const own = { ...claim, judged: { ...claim.judged, scenario: 'claims-move' } };
    const test = {
      kind: 'ratio',
      of: 'splice',
      over: 'copy',
      metric: 'goodput',
      claimed: { from: 2 },
    } as const;
    const judged = { scenario: 'claims-move', test };
    const index = publishedIndex([{ ...own, judged }], await publishedRuns(results));
    assert.equal(index.claims[0]?.run?.id, 'run-3');
  });

  it('shows bars with their run, inconclusive ones as such, and refuses those of another run', async (t) => {
    const { results, run } = await published(t);
    const bar = {
      id: 'a',
      bar: 'a over b',
      required: '>= 1',
      measured: '1.1 [0.9, 1.2]',
      verdict: 'met',
    };
    const write = (run_id: string) => {
      const bars = [{ ...bar, certain: false }];
      writeFileSync(join(run, 'bars.json'), JSON.stringify({ run_id, bars }));
    };
    write('run-1');
    assert.match(
      await markdownOf(results),
      /a over b .*\*\*inconclusive\*\*.*\(published\/run-1\/bars\.md\)/,
    );
    write('run-9');
    await assert.rejects(publishedRuns(results), (error: unknown) => {
      assert.ok(error instanceof UsageError);
      return error.message.includes('of run run-9, and the run beside it is run-1');
    });
  });

  it('shows the bars of a session of make bars-precision, and refuses damaged ones', async (t) => {
    const { results } = await published(t);
    assert.deepEqual(await publishedSessions(results), []);
    const bars = [
      { id: 'aa', bar: 'itself', required: '<= 1', measured: '0.9', verdict: 'met', certain: null },
    ];
    mkdirSync(join(results, 'precision'));
    const path = join(results, 'precision', 'bars.json');
    writeFileSync(path, JSON.stringify({ run_id: 'session-1', bars }));
    const index = publishedIndex(
      [],
      await publishedRuns(results),
      await publishedSessions(results),
    );
    assert.match(
      publishedMarkdown(index),
      /itself \| .* \| \*\*met\*\* \| \[session-1\]\(precision\/bars\.md\)/,
    );
    writeFileSync(path, '{"run_id": "session-1"}');
    await assert.rejects(publishedSessions(results), /precision\/bars\.json: damaged/);
  });

  it('does not take one run for two', async (t) => {
    const { results } = await published(t);
    storeRun(join(results, 'copy-of-it'));
    await assert.rejects(publishedRuns(results), /published twice/);
  });
});

describe('checkBars', () => {
  it('agrees with bars that follow, and sees a measurement that was changed', async (t) => {
    const stored = join(packageRoot(), 'results', 'bars');
    const folder = scratch(t);
    for (const name of ['run.json', 'trials.jsonl', 'incidents.jsonl', 'measurements.jsonl']) {
      writeFileSync(join(folder, name), readFileSync(join(stored, name)));
    }
    await writeBars(folder);
    assert.deepEqual(await checkBars(folder), []);
    const bars = join(folder, 'bars.json');
    const told = readFileSync(bars, 'utf8');
    writeFileSync(bars, told.replace('co-limited', 'unlimited'));
    assert.match(
      (await checkBars(folder)).join('\n'),
      /stored .* unlimited.*; follows .* co-limited/,
    );
    writeFileSync(bars, told);
    const path = join(folder, 'measurements.jsonl');
    const lines = readFileSync(path, 'utf8').split('\n');
    writeFileSync(path, lines.filter((line) => !line.includes('"idle"')).join('\n'));
    assert.match((await checkBars(folder)).join('\n'), /bar idle-splice: stored .*; follows /);
  });
});
