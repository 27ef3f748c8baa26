import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { StoredIncident, TrialRecord } from '../../src/data/record/record.js';
import type { LabFacts, LabOptions } from '../../src/tasks/lab/lab.js';
import { runMatrix } from '../../src/tasks/lab/matrix.js';
import { type BootResult, rowsOf } from '../../src/tasks/lab/matrix-rows.js';
import {
  matrixMarkdownTable,
  matrixTableCsv,
  matrixTerminal,
} from '../../src/tasks/lab/matrix-table.js';
import { superseded } from '../../src/tasks/lab/superseded.js';
import { scenarioOf } from './scenario-fixtures.js';

const scenario = scenarioOf(`name: s
workload: { bytes: 1MiB, mode: solo }
forwarders: [splice, copy]
blocks: { min: 1, max: 1 }
`);
const cell = scenario.cells[0]?.key ?? '';
const trial = (forwarder: string, more: Partial<TrialRecord> = {}) =>
  ({
    trial_id: forwarder,
    cell,
    forwarder,
    direction: 'download',
    outcome: 'intact',
    check: 'full',
    bytes: 2e6,
    verified_bytes: 2e6,
    incidents: 0,
    error: null,
    calls: null,
    ...more,
  }) as TrialRecord;
const incident = (kind: StoredIncident['class'], offset: number) =>
  ({ trial_id: 'splice', class: kind, offset }) as StoredIncident;
const SOUND: BootResult = {
  kernel: 'k',
  nic: 'tap',
  bug: null,
  failure: null,
  trials: [trial('splice'), trial('copy')],
  incidents: [],
  hook: new Map(),
};
const met = (calls: number, slab_heads: number) => ({
  trial_id: '',
  calls,
  slab_heads,
  other_heads: 0,
  raised: 0,
  missed: 0,
});

describe("the rows of the lab's matrix", () => {
  it('bound what was not found', () => {
    const rows = rowsOf([scenario], SOUND);
    const [row] = rows;
    assert.deepEqual([row?.verdict, row?.incidents, row?.slab_heads], ['intact', 0, null]);
    assert.equal(row?.per_mb_high?.toFixed(2), '1.50');
    assert.match(matrixTerminal(rows), /none: below 1\.5/);
  });

  it('count reuse apart from the allocator, among what is described', () => {
    const rows = rowsOf([scenario], {
      ...SOUND,
      bug: '2008',
      trials: [trial('splice', { outcome: 'corrupt', incidents: 40 }), trial('copy')],
      incidents: [incident('allocator', 900), incident('misplaced', 500), incident('zeros', 700)],
      hook: new Map([
        ['splice', met(9, 9)],
        ['copy', met(0, 0)],
      ]),
    });
    const [splice, copy] = rows;
    assert.deepEqual(
      [splice?.verdict, splice?.incidents_per_mb, splice?.reuse, splice?.described],
      ['corrupt', 20, 2, 3],
    );
    assert.deepEqual([splice?.first_offset, splice?.slab_heads], [500, 9]);
    assert.equal(splice?.classes, '1 zeros, 1 misplaced, 1 allocator');
    assert.deepEqual([copy?.verdict, copy?.slab_heads], ['intact', 0]);
  });

  it('never call clean what tested nothing', () => {
    const rows = rowsOf([scenario], {
      ...SOUND,
      bug: '2008',
      hook: new Map([['splice', met(9, 0)]]),
    });
    assert.equal(rows[0]?.verdict, 'tested nothing');
    assert.match(
      matrixMarkdownTable(rows),
      /- k, tap, bug 2008, splice: tested nothing: it met no/,
    );
  });

  it('have trials that are missing, with the reason', () => {
    const rows = rowsOf([scenario], { ...SOUND, trials: [trial('splice')], failure: 'it died' });
    assert.deepEqual(
      rows.map(({ verdict, why }) => [verdict, why]),
      [
        ['intact', null],
        ['not run', 'it died'],
      ],
    );
    assert.equal(matrixTableCsv(rows).split('\n').length, 4);
  });
});

describe('a published run', () => {
  const rows = rowsOf([scenario], SOUND);
  const run = (name: string, day: number, own = rows) => ({
    name,
    started: `2026-01-0${day}T00:00:00.000Z`,
    rows: own,
  });

  it('is superseded by a later one that made all of its trials, and tested something in each', () => {
    assert.deepEqual(superseded([run('old', 1), run('new', 2)]), ['old']);
    assert.deepEqual(superseded([run('old', 1), run('new', 2, rows.slice(1))]), []);
    const nothing = rows.map((row) => ({ ...row, verdict: 'tested nothing' as const }));
    assert.deepEqual(superseded([run('old', 1), run('new', 2, nothing)]), []);
    const elsewhere = rows.map((row) => ({ ...row, nic: 'e1000e' }));
    assert.deepEqual(superseded([run('old', 1), run('new', 2, elsewhere)]), []);
  });
});

describe('the boots of a matrix', () => {
  const shared = {
    scenarios: [scenario],
    packageFiles: [],
    modules: null,
    cpus: 2,
    append: '',
    seed: null,
    mishaps: [],
    conformance: null,
    keepConsole: false,
    out: '/nowhere',
    signal: new AbortController().signal,
  };
  const matrix = async (
    run: (options: LabOptions) => Promise<LabFacts>,
    seconds = 60,
    out = '/nowhere',
  ) => {
    const booted: string[] = [];
    const rows = await runMatrix({
      kernels: ['/a/one', '/b/two'],
      cards: ['tap', 'e1000e'],
      bugs: [false, true],
      seconds,
      shared: { ...shared, out },
      onStep: () => undefined,
      run: (options) => {
        booted.push(options.out);
        return run(options);
      },
    });
    return { booted, rows };
  };

  it('are all of kernels, cards and the bug, each with a folder; one that fails does not end them', async () => {
    const { booted, rows } = await matrix(() => Promise.reject(new Error('no boot\nmore')));
    assert.equal(new Set(booted).size, 8);
    assert.ok(booted.includes('/nowhere/2-e1000e-bug'));
    assert.equal(rows.length, 16);
    assert.ok(rows.every(({ verdict, why }) => verdict === 'not run' && why === 'no boot'));
  });

  it('are not made again where they came to their end in the same folder', async (t) => {
    const out = mkdtempSync(join(tmpdir(), 'splicebench-matrix-test-'));
    t.after(() => {
      rmSync(out, { recursive: true });
    });
    const facts = { kernel: '/a/one', nic: 'tap', append: '', bug: null, failure: null };
    const boots = {
      '1-tap-sound': facts,
      '1-tap-bug': { ...facts, bug: '2008', failure: 'it died' },
      '2-tap-sound': { ...facts, kernel: '/another' },
    };
    for (const [name, one] of Object.entries(boots)) {
      mkdirSync(join(out, name));
      writeFileSync(join(out, name, 'lab.json'), JSON.stringify(one));
    }
    const { booted } = await matrix(() => Promise.reject(new Error('no boot')), 60, out);
    assert.ok(!booted.includes(join(out, '1-tap-sound')));
    assert.equal(booted.length, 7);
    assert.ok(!existsSync(join(out, '1-tap-bug')), 'what did not come to its end is made anew');
  });

  it('end with the time that they have', async () => {
    const untilAborted = ({ signal }: LabOptions) =>
      new Promise<LabFacts>((_, reject) => {
        // As the guest would, it keeps the process alive.
        const timer = setInterval(() => undefined, 1000);
        signal.addEventListener('abort', () => {
          clearInterval(timer);
          reject(signal.reason as Error);
        });
      });
    const { booted, rows } = await matrix(untilAborted, 0.2);
    assert.equal(booted.length, 1);
    assert.ok(rows.every(({ why }) => why === 'the time for the matrix was over'));
  });
});
