/** Kinds of prepared pages: from the scenario's key to the endpoints, the records and the report. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';
import { native } from '../../src/data/native/native.js';
import type { PlannedTrial, StreamWorkload } from '../../src/data/record/plan.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import { PAGES } from '../../src/data/record/words.js';
import { endModes } from '../../src/experiment/measure/endpoints.js';
import { preparedPagesOf } from '../../src/experiment/measure/prepared-pages.js';
import type { Scenario } from '../../src/experiment/scenario/expand.js';
import { unavailableIn } from '../../src/experiment/trial/availability.js';
import { planBlock } from '../../src/experiment/trial/order.js';
import { sameEnds } from '../../src/experiment/verdict/condition.js';
import { compareSides } from '../../src/experiment/verdict/comparison.js';
import { summarise } from '../../src/experiment/verdict/summary.js';
import { buildReport } from '../../src/report/model/model.js';
import { terminalReport } from '../../src/report/render/terminal.js';
import { fakeRecord } from '../support/fake-executor.js';
import { messageOf, scenarioOf } from './scenario-fixtures.js';
import { manifest } from './store-fixtures.js';

function pagesIn(rest: string): (string | null)[] {
  const { cells } = scenarioOf(`name: t\nforwarders: [copy]\n${rest}`);
  return cells.map(({ workload }) => (workload as StreamWorkload).pages);
}

describe('the key pages', () => {
  it('is of streams from prepared pages, and of the others it says nothing', () => {
    assert.deepEqual(pagesIn('workload: { check: none }'), [null]);
    assert.deepEqual(pagesIn('workload: { check: none, pages: 4KiB }'), ['4KiB']);
    assert.deepEqual(pagesIn('workload: { check: none, payload: prepared, pages: contiguous }'), [
      'contiguous',
    ]);
    const matrix = 'matrix: { workload.check: [none, full], workload.pages: [4KiB, contiguous] }';
    assert.deepEqual(pagesIn(matrix), ['4KiB', 'contiguous', null]);
  });

  for (const [workload, message] of [
    ['{ pages: 4KiB }', /workload.pages: '4KiB' is for bytes that nobody compares, expected check/],
    ['{ check: none, pages: huge }', /workload.pages: expected one of 4KiB, contiguous/],
    ['{ check: none, payload: copied, pages: 4KiB }', /expected payload: prepared, got 'copied'/],
    ['{ check: none, pages: 4KiB, content: { file: x } }', /expected content: .* got 'file'/],
    ['{ check: none, pages: 4KiB, message: 64 }', /expected no message/],
    ['{ kind: churn, check: none, pages: 4KiB }', /pages belongs to kind: stream/],
  ] as const) {
    it(`refuses ${workload}`, () => {
      const text = `name: t\nforwarders: [copy]\nworkload: ${workload}\n`;
      assert.match(
        messageOf(() => scenarioOf(text)),
        message,
      );
    });
  }
});

const KINDS = scenarioOf(`name: kinds
workload: { check: none, pages: 4KiB }
forwarders:
  - copy
  - { use: copy, name: copied, payload: copied }
  - { use: copy, name: checked, check: full }
  - { use: copy, name: huge, pages: contiguous }
`);

function planOf({ cells, forwarders }: Scenario, block = 1): PlannedTrial[] {
  return planBlock({ run_id: 'run', seed: '1', cells, forwarders }, block);
}

describe('an entry with pages of its own', () => {
  it('has them at the end that sends, and what sends no prepared pages has none', () => {
    const modes = planOf(KINDS).map(({ forwarder, cell: { workload } }) => {
      assert.ok(workload.kind === 'stream');
      assert.equal(endModes('downstream', workload).pages, undefined);
      return [forwarder.label, endModes('upstream', workload).pages ?? null];
    });
    const found = { copy: '4KiB', copied: null, checked: null, huge: 'contiguous' };
    assert.deepEqual(Object.fromEntries(modes), found);
  });

  it('is refused where it sends none, and where it is another word', () => {
    const complaint = (entry: string) =>
      messageOf(() =>
        scenarioOf(`name: t\nworkload: { check: none }\nforwarders:\n  - copy\n  - ${entry}\n`),
      );
    assert.equal(complaint('{ use: splice, pages: 4KiB }'), '(no error)');
    for (const beside of ['payload: copied', 'check: full']) {
      assert.equal(
        complaint(`{ use: splice, ${beside}, pages: 4KiB }`),
        "my.yaml:5: forwarders[1].pages: '4KiB' is for pages sent by reference, expected check: none and payload: prepared beside it",
      );
    }
    assert.match(
      complaint('{ use: splice, pages: huge }'),
      /\[1\].pages: expected '4KiB' or 'contiguous', got 'huge'/,
    );
  });
});

describe('pages that a host does not give', () => {
  it('leave out who would send them, and nobody else', async () => {
    const asked: string[] = [];
    const lacking = (kind: string) => {
      asked.push(kind);
      return kind === 'contiguous' ? 'no huge page' : null;
    };
    const found = await unavailableIn(KINDS, forwarderKinds, null, null, undefined, lacking);
    const reason = 'pages: contiguous: no huge page';
    assert.deepEqual(found, [{ scenario: 'kinds', forwarder: 'huge', cell: 'kinds', reason }]);
    assert.deepEqual(asked, ['4KiB', 'contiguous']);
  });

  it('are found by trying, with a reason in words', () => {
    for (const kind of PAGES) assert.notEqual(native().unavailablePages(kind), '');
  });
});

describe('what the kernel says of pages', () => {
  it('is kept of each source that sent some', () => {
    const none = { connections: [], incidents: [], totals: {} };
    const end = (pages?: object) => ({ sender: { ...none, ...(pages ? { pages } : {}) } }) as never;
    assert.deepEqual(preparedPagesOf([end(), end({ pages: 256, runs: 1, hugeBytes: 2_097_152 })]), [
      { pages: 256, runs: 1, huge_bytes: 2_097_152 },
    ]);
  });
});

describe('figures from pages of two kinds', () => {
  const goodput: Record<string, number> = { copy: 20, huge: 30, copied: 18, checked: 15 };
  const trials = [1, 2, 3, 4, 5, 6].flatMap((block) =>
    planOf(KINDS, block).map((trial): TrialRecord => {
      return fakeRecord(trial, (goodput[trial.forwarder.label] ?? 0) * (1 + block / 8));
    }),
  );
  const labels = KINDS.forwarders.map(({ label }) => label);
  const summary = summarise(trials, KINDS.cells, labels);
  const run = { ...manifest, scenarios: [KINDS], unavailable: [] };

  it('are of two conditions', () => {
    const ends = { check: 'none', payload: 'prepared' } as const;
    assert.ok(sameEnds(ends, { ...ends, pages: null }));
    assert.ok(!sameEnds(ends, { ...ends, pages: '4KiB' }));
    assert.ok(!sameEnds({ ...ends, pages: 'contiguous' }, { ...ends, pages: '4KiB' }));
    const rows = summary.filter(({ metric }) => metric === 'goodput');
    assert.deepEqual(
      rows.map(({ forwarder, pages, compares }) => [forwarder, pages, compares]),
      [
        ['copy', '4KiB', 'forwarders'],
        ['copied', null, 'conditions'],
        ['checked', null, 'conditions'],
        ['huge', 'contiguous', 'conditions'],
      ],
    );
  });

  it('are compared as conditions by the verdict and by `compare`', () => {
    const { notes } = buildReport({ manifest: run, trials, incidents: [], summary }).verdict;
    assert.ok(
      notes.includes(
        "Conditions: copy with the ends out of the way, from contiguous pages (huge) has 1.50 (1.50 to 1.50) of copy's goodput with the ends out of the way, from 4KiB pages.",
      ),
      notes.join('\n'),
    );
    const side = (forwarder: string) => ({ name: 'a', manifest: run, trials, forwarder });
    assert.deepEqual(compareSides(side('copy'), side('huge')).notes, [
      'under kinds conditions are compared, not forwarders alone: copy has check: none, payload: prepared, pages: 4KiB, huge check: none, payload: prepared, pages: contiguous',
    ]);
  });

  it('stand in sections of their own where a matrix has both', () => {
    const both = scenarioOf(
      'name: both\nworkload: { check: none }\nforwarders: [copy, splice]\nmatrix: { workload.pages: [null, contiguous] }\n',
    );
    const found = [1, 2, 3, 4, 5, 6].flatMap((block) =>
      planOf(both, block).map((trial) => fakeRecord(trial, 20 + block)),
    );
    const rows = summarise(found, both.cells, ['copy', 'splice']);
    const stored = { ...run, scenarios: [both] };
    const report = buildReport({ manifest: stored, trials: found, incidents: [], summary: rows });
    const text = terminalReport(report, { columns: 120, color: false });
    assert.match(
      text,
      /Speed \(check: none, payload: prepared\): .*pages as the kernel gives them/,
    );
    assert.match(text, /Speed \(check: none, payload: prepared, pages: contiguous\): /);
  });
});
