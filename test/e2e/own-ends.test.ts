/** Arms of one set whose bytes are compared, beside others whose are not. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { readCsv, scratch, storedTrials, writeScenario } from '../support/folder.js';
import { cli } from '../support/process.js';

const FLIPS = { use: 'faulty', fault: 'noise', at: '1MiB', length: 172 };

const FORWARDERS = [
  'copy',
  { ...FLIPS, name: 'unseen' },
  { ...FLIPS, name: 'seen', check: 'full' },
  { use: 'copy', name: 'copy-checked', check: 'full' },
  { use: 'splice', name: 'copied', payload: 'copied' },
];

/** As written in trials.csv. */
const CONDITIONS: Readonly<Record<string, readonly string[]>> = {
  copy: ['none', 'prepared', 'unchecked'],
  unseen: ['none', 'prepared', 'unchecked'],
  seen: ['full', '', 'corrupt'],
  'copy-checked': ['full', '', 'intact'],
  copied: ['none', 'copied', 'unchecked'],
};

async function ran(t: TestContext, workload: object) {
  const folder = scratch(t);
  const out = join(folder, 'run');
  const file = writeScenario(folder, {
    workload: { seconds: '200ms', warmup: '50ms', check: 'none', ...workload },
    forwarders: FORWARDERS,
    blocks: { min: 2, max: 2 },
  });
  const ended = await cli(t, ['run', file, '--out', out]);
  assert.equal(ended.code, 3, ended.stderr);
  const trials = storedTrials(out);
  assert.equal(trials.length, 2 * FORWARDERS.length);
  for (const trial of trials) {
    const [check, payload, outcome] = CONDITIONS[trial.forwarder] ?? [];
    const found = [trial.check, trial['payload'] ?? '', trial.outcome];
    assert.deepEqual(
      found,
      [check, payload, outcome],
      `${trial.trial_id}: ${trial.error ?? 'no error'}`,
    );
    // Of bytes that nobody looked at nothing is known, which is not that none was wrong.
    assert.equal(trial.incidents === null, check === 'none');
    assert.equal((trial.verified_bytes ?? 0) > 0, check === 'full');
  }
  return { out, trials, stdout: ended.stdout };
}

describe('arms with a check or a payload of their own', () => {
  for (const direction of ['download', 'both']) {
    it(`are in one set, and only what is checked is found corrupt (${direction})`, async (t) => {
      const { out, trials, stdout } = await ran(t, { direction, connections: 2 });
      const sets = trials.map(({ set }) => (set as { id?: string } | undefined)?.id);
      assert.equal(new Set(sets).size, 2);
      assert.ok(sets.every((id) => id !== undefined));
      const { rows } = readCsv(join(out, 'trials.csv'));
      const wrong = rows.filter((row) => Number(row['corrupted_bytes']) > 0);
      assert.deepEqual([...new Set(wrong.map((row) => row['forwarder']))], ['seen']);
      const compares = readCsv(join(out, 'summary.csv'))
        .rows.filter((row) => row['metric'] === 'goodput')
        .map((row) => [row['forwarder'], row['compares']]);
      assert.deepEqual(Object.fromEntries(compares), {
        copy: 'forwarders',
        unseen: 'forwarders',
        seen: 'conditions',
        'copy-checked': 'conditions',
        copied: 'conditions',
      });
      assert.match(stdout, /Not safe: seen delivered/);
      assert.match(
        stdout.replaceAll(/\s+/g, ' '),
        /Conditions: copy with every byte checked \(copy-checked\) (keeps|has) \S+ of copy's goodput/,
      );
    });
  }

  it('send pages of their own kinds, as the kernel says', async (t) => {
    const folder = scratch(t);
    const out = join(folder, 'run');
    const file = writeScenario(folder, {
      workload: { seconds: '200ms', warmup: '50ms', check: 'none' },
      forwarders: [
        'copy',
        { use: 'copy', name: 'single', pages: '4KiB' },
        { use: 'copy', name: 'huge', pages: 'contiguous' },
      ],
      blocks: { min: 2, max: 2 },
    });
    const ended = await cli(t, ['run', file, '--out', out]);
    assert.equal(ended.code, 0, ended.stderr);
    const trials = storedTrials(out);
    const asked = { copy: '', single: '4KiB', huge: 'contiguous' } as const;
    for (const [label, kind] of Object.entries(asked)) {
      const own = trials.filter(({ forwarder }) => forwarder === label);
      // A host without such pages says so.
      if (own.length === 0) assert.match(ended.stderr, new RegExp(`pages: ${kind}: `));
      else assert.equal(own.length, 2);
      for (const trial of own) {
        assert.equal(trial['pages'] ?? '', kind);
        const [seen, ...others] = trial['prepared_pages'] as {
          pages: number;
          runs: number | null;
        }[];
        assert.ok(seen !== undefined && others.length === 0);
        if (seen.runs !== null && label === 'single') assert.ok(seen.runs * 2 >= seen.pages);
        if (seen.runs !== null && label === 'huge') assert.equal(seen.runs, 1);
      }
    }
  });

  it('keep them where each runs alone', async (t) => {
    const { trials } = await ran(t, { mode: 'solo' });
    assert.ok(trials.every(({ ran_alone }) => ran_alone === 'mode: solo'));
  });
});
