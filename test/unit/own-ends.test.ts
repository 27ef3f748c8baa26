/** Forwarders whose entries have a check or a payload of their own, from the file to the verdict. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import type { PlannedTrial, Workload } from '../../src/data/record/plan.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import { endModes } from '../../src/experiment/measure/endpoints.js';
import { until } from '../../src/experiment/scenario/adjust.js';
import type { Scenario } from '../../src/experiment/scenario/expand.js';
import { unavailableIn } from '../../src/experiment/trial/availability.js';
import { fakeRecord } from '../support/fake-executor.js';
import { planBlock } from '../../src/experiment/trial/order.js';
import { soloReason } from '../../src/experiment/trial/solo.js';
import { compareSides } from '../../src/experiment/verdict/comparison.js';
import { summarise } from '../../src/experiment/verdict/summary.js';
import { evaluateThresholds, parseThreshold } from '../../src/experiment/verdict/thresholds.js';
import { buildReport } from '../../src/report/model/model.js';
import { summaryCsv } from '../../src/report/render/csv.js';
import { terminalReport } from '../../src/report/render/terminal.js';
import { messageOf, scenarioOf } from './scenario-fixtures.js';
import { manifest } from './store-fixtures.js';

const UNCHECKED = `name: own
workload: { check: none }
forwarders:
  - copy
  - splice
  - { use: copy, name: copy-checked, check: full }
  - { use: splice, payload: copied }
`;

const scenario = scenarioOf(UNCHECKED);

function planOf({ cells, forwarders }: Scenario, block = 1): PlannedTrial[] {
  return planBlock({ run_id: 'run', seed: '1', cells, forwarders }, block);
}

/** What each forwarder's bytes are. */
function endsOf(trials: readonly PlannedTrial[]): Record<string, unknown> {
  const told = trials.map(({ forwarder, cell: { workload } }) => {
    assert.ok(workload.kind === 'stream');
    return [forwarder.label, [workload.check, workload.payload]];
  });
  return Object.fromEntries(told) as Record<string, unknown>;
}

describe('an entry with a check or payload of its own', () => {
  it('is named by it, and takes part with it under the key of its cell', () => {
    const trials = planOf(scenario);
    assert.deepEqual(endsOf(trials), {
      copy: ['none', 'prepared'],
      splice: ['none', 'prepared'],
      'copy-checked': ['full', null],
      'splice(payload=copied)': ['none', 'copied'],
    });
    assert.deepEqual([...new Set(trials.map(({ cell }) => cell.key))], ['own']);
  });

  it('is as the workload where it says the same, and may look away where others check', () => {
    const { cells, forwarders } = scenarioOf(`name: own
forwarders: [copy, { use: copy, name: same, check: full }, { use: copy, name: not, check: none }]
`);
    assert.deepEqual(endsOf(planBlock({ run_id: 'r', seed: '1', cells, forwarders }, 1)), {
      copy: ['full', null],
      same: ['full', null],
      not: ['none', 'prepared'],
    });
  });

  it('takes its turn with the others, and keeps its own where it runs alone', () => {
    for (const { cell, forwarder } of planOf(scenario)) {
      assert.equal(soloReason(cell, forwarder), null);
    }
    const alone = scenarioOf(UNCHECKED.replace('none }', 'none, mode: solo }'));
    assert.deepEqual(endsOf(planOf(alone)), endsOf(planOf(scenario)));
    for (const { cell, forwarder } of planOf(alone)) {
      assert.equal(soloReason(cell, forwarder), 'mode: solo');
    }
  });

  it('has its bytes made and taken in its own way at both ends', () => {
    const modes = planOf(scenario).map(({ forwarder, cell: { workload } }) => {
      assert.ok(workload.kind === 'stream');
      const { send } = endModes('upstream', workload);
      assert.equal(endModes('upstream', workload).receive, 'none');
      return [forwarder.label, `${send}, ${endModes('downstream', workload).receive}`];
    });
    assert.deepEqual(Object.fromEntries(modes), {
      copy: 'prepared, discard',
      splice: 'prepared, discard',
      'copy-checked': 'content, check',
      'splice(payload=copied)': 'buffer, buffer',
    });
  });

  it('is asked with its own workload what it can take part in', async () => {
    const runner = { kind: 'builtin', mechanism: 'copy', settings: z.strictObject({}) } as const;
    const refuses = ({ check }: Pick<Workload, 'check'>) => (check === 'full' ? 'not that' : null);
    const kind = { unavailable: () => Promise.resolve(null), refuses, runner };
    const kinds = new Map(['copy', 'splice'].map((use) => [use, kind]));
    const found = await unavailableIn(scenario, kinds, null);
    assert.deepEqual(
      found.map(({ forwarder, cell }) => [forwarder, cell]),
      [['copy-checked', 'own']],
    );
  });

  it('keeps its cell in a run until a bound, where it is the one that is checked', () => {
    assert.deepEqual(until(scenario, ['corruption < 1/GB']).scenario.cells, scenario.cells);
    const none = scenarioOf('name: own\nworkload: { check: none }\nforwarders: [copy]\n');
    assert.match(
      messageOf(() => until(none, ['corruption < 1/GB'])),
      /no condition .* checks/,
    );
  });
});

describe('what an entry may not state', () => {
  const complaint = (entry: string, rest = 'workload: { check: none }\n') =>
    messageOf(() => scenarioOf(`name: own\n${rest}forwarders:\n  - copy\n  - ${entry}\n`));

  it('is another word', () => {
    assert.equal(
      complaint('{ use: splice, check: some }'),
      "my.yaml:5: forwarders[1].check: expected 'full' or 'none', got 'some'",
    );
    assert.match(
      complaint('{ use: splice, payload: null }'),
      /\[1\].payload: expected 'prepared' or 'copied', got nothing/,
    );
  });

  it('is a payload of bytes that are compared', () => {
    assert.equal(
      complaint('{ use: splice, check: full, payload: copied }'),
      "my.yaml:5: forwarders[1].payload: 'copied' is for bytes that nobody compares, expected check: none beside it",
    );
    assert.match(
      complaint('{ use: splice, payload: copied }', ''),
      /expected check: none beside it \(the workload has check: full\)$/,
    );
    assert.equal(complaint('{ use: splice, check: none, payload: copied }', ''), '(no error)');
  });

  it('is what its workload has no room for', () => {
    assert.match(
      complaint('{ use: splice, check: full }', 'workload: { kind: churn, check: none }\n'),
      /\[1\].check: only forwarders of streams have their own, kind: churn checks all alike/,
    );
    assert.match(
      complaint(
        '{ use: splice, check: full }',
        'workload: { check: none, content: zero, connections: 2 }\n',
      ),
      /\[1\].check: workload.content: 'zero' does not say which connection/,
    );
  });

  it('is any of them at the baseline, of which the key of the cell tells', () => {
    assert.match(
      complaint('{ use: splice, check: full }', 'workload: { check: none }\nbaseline: splice\n'),
      /\[1\].check: 'splice' is the baseline, .* set workload.check, or choose another baseline/,
    );
  });

  it('is told once, whatever the matrix', () => {
    const matrix = 'matrix: { workload.connections: [1, 2, 3] }\n';
    const said = complaint('{ use: splice, payload: copied }', matrix);
    assert.equal(said.split('\n').length, 1);
  });
});

const GBPS: Readonly<Record<string, number>> = {
  copy: 20,
  splice: 40,
  'copy-checked': 17.4,
  'splice(payload=copied)': 30,
};

function trialsOf(given: Scenario, blocks = 8): TrialRecord[] {
  const numbers = Array.from({ length: blocks }, (_, index) => index + 1);
  return numbers.flatMap((block) =>
    planOf(given, block).map((trial) => {
      const goodput = (GBPS[trial.forwarder.label] ?? 0) * (1 + block / 8);
      return { ...fakeRecord(trial, goodput), forwarder_cpu_seconds_per_gb: 0.5 };
    }),
  );
}

function sourceOf(given: Scenario, trials = trialsOf(given)) {
  const labels = given.forwarders.map(({ label }) => label);
  const summary = summarise(trials, given.cells, labels);
  const run = { ...manifest, scenarios: [given], unavailable: [] };
  return { manifest: run, trials, incidents: [], summary };
}

describe('the results of forwarders under conditions of their own', () => {
  const source = sourceOf(scenario);
  const report = buildReport(source);

  it('have their own check and payload in both tables, and their ratio says what it compares', () => {
    const found = source.trials.slice(0, 4).map((one) => [one.forwarder, one.check, one.payload]);
    assert.deepEqual(
      found.toSorted(([a], [b]) => String(a).localeCompare(String(b))),
      [
        ['copy', 'none', 'prepared'],
        ['copy-checked', 'full', null],
        ['splice', 'none', 'prepared'],
        ['splice(payload=copied)', 'none', 'copied'],
      ],
    );
    const rows = source.summary.filter(({ metric }) => metric === 'goodput');
    assert.deepEqual(
      rows.map(({ forwarder, check, payload, compares, ratio }) => [
        ...[forwarder, check, payload, compares],
        ratio === null ? null : Number(ratio.toFixed(3)),
      ]),
      [
        ['copy', 'none', 'prepared', 'forwarders', null],
        ['splice', 'none', 'prepared', 'forwarders', 2],
        ['copy-checked', 'full', null, 'conditions', 0.87],
        ['splice(payload=copied)', 'none', 'copied', 'conditions', 1.5],
      ],
    );
    const csv = summaryCsv.write(report);
    assert.ok(typeof csv === 'string');
    const [head] = csv.split('\n');
    assert.match(head ?? '', /,compares,pages,payload$/);
  });

  it('are named by the verdict as conditions, and never as faster or slower', () => {
    const { speed, notes } = report.verdict;
    assert.match(speed.sentence, /^Faster: splice forwards 2\.00x/);
    assert.doesNotMatch(speed.sentence, /checked|1\.50|0\.87/);
    const own = notes.filter((note) => note.startsWith('Conditions: '));
    assert.deepEqual(own, [
      "Conditions: copy with every byte checked (copy-checked) keeps 0.87 (0.87 to 0.87) of copy's goodput with the ends out of the way.",
      "Conditions: splice with real bytes (splice(payload=copied)) has 1.50 (1.50 to 1.50) of copy's goodput with the ends out of the way; both the forwarder and its condition differ there.",
    ]);
  });

  it('stand in a table of their own', () => {
    const [cell] = report.cells;
    assert.ok(cell !== undefined);
    assert.deepEqual(
      cell.rows.map(({ forwarder }) => forwarder),
      ['copy', 'splice'],
    );
    assert.deepEqual(
      cell.ownConditions.map(({ forwarder }) => forwarder),
      ['copy-checked (check: full)', 'splice(payload=copied) (check: none, payload: copied)'],
    );
    const text = terminalReport(report, { columns: 120, color: false });
    assert.match(
      text,
      /Under conditions of their own, .* each ratio to copy .* is one of\s+conditions/,
    );
    assert.equal(text.split('Speed (check:').length, 2);
  });

  it('leave the condition of the cell what it is, also where the baseline is missing', () => {
    const left = source.trials.filter(({ forwarder }) => forwarder === 'copy-checked');
    const alone = buildReport(sourceOf(scenario, left));
    assert.deepEqual(
      alone.cells.map(({ check, payload, rows }) => [check, payload, rows.length]),
      [['none', 'prepared', 0]],
    );
    assert.equal(alone.verdict.speed.answer, 'not-measured');
  });

  it('are not called faster where nobody else is measured beside the baseline', () => {
    const two = source.trials.filter(({ forwarder }) => forwarder.startsWith('copy'));
    const { verdict } = buildReport(sourceOf(scenario, two));
    assert.match(verdict.speed.sentence, /^Not measured: no forwarder but the baseline copy has/);
    assert.match(verdict.notes.join(), /copy with every byte checked .* keeps 0\.87/);
  });

  it('of a matrix are one sentence, from the least to the most', () => {
    const matrix = scenarioOf(`${UNCHECKED}matrix: { workload.connections: [1, 8] }\n`);
    const { verdict } = buildReport(sourceOf(matrix));
    const [first] = verdict.notes.filter((note) => note.includes('copy-checked'));
    assert.match(first ?? '', /keeps 0\.87 to 0\.87 \(2 conditions\) of copy's goodput/);
  });

  it('count for safety where they were checked, and of the others it is said', () => {
    const { safety } = report.verdict;
    assert.equal(safety.answer, 'intact');
    assert.match(safety.sentence, /that 8 trials checked is intact/);
    assert.match(
      safety.sentence,
      /Of .*copy.* no byte was compared beside them \(check: none\)\.$/,
    );
    assert.doesNotMatch(safety.sentence.split('Of ')[1] ?? '', /copy-checked/);
    const tally = (label: string) => report.tallies.find(({ forwarder }) => forwarder === label);
    assert.equal(tally('copy')?.checkedTrials, 0);
    assert.equal(tally('copy')?.outcomes.unchecked, 8);
    assert.equal(tally('copy-checked')?.outcomes.intact, 8);
  });

  it('are held against thresholds with a word about it', () => {
    const labels = scenario.forwarders.map(({ label }) => label);
    const wish = parseThreshold('copy-checked.ratio.goodput >= 0.85', labels, 'copy');
    assert.ok(typeof wish !== 'string');
    const [result] = evaluateThresholds([wish], source.summary, source.trials);
    assert.ok(result !== undefined);
    assert.equal(result.verdict, 'met');
    assert.match(result.detail, /0\.87 in own; a comparison of conditions/);
  });

  it('are compared by `compare` with a word about it, and with their like without', () => {
    const side = (name: string, forwarder: string | null) => {
      return { name, manifest: source.manifest, trials: source.trials, forwarder };
    };
    assert.deepEqual(compareSides(side('a', 'copy'), side('b', 'copy-checked')).notes, [
      'under own conditions are compared, not forwarders alone: copy has check: none, payload: prepared, copy-checked check: full',
    ]);
    assert.deepEqual(compareSides(side('a', 'copy'), side('b', 'splice')).notes, []);
    assert.deepEqual(compareSides(side('a', null), side('b', null)).notes, []);
  });
});
