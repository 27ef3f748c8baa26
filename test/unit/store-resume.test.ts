import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RunManifest } from '../../src/data/record/record.js';
import {
  assertSameRun,
  planDifferences,
  storedScenarios,
} from '../../src/experiment/trial/resume.js';
import type { Scenario } from '../../src/experiment/scenario/expand.js';
import { scenarioOf } from './scenario-fixtures.js';

const TEXT = `name: s
description: first
forwarders: [direct, splice, copy]
matrix: { workload.check: [none, full] }
thresholds: ["incidents == 0"]
`;

function manifestOf(...scenarios: Scenario[]): RunManifest {
  return JSON.parse(
    JSON.stringify({
      version: 1,
      run_id: 'run-1',
      splicebench: '0.1.0',
      started: '2026-11-23T12:00:00.000Z',
      finished: null,
      interrupted: true,
      seed: '42',
      scenarios,
      environment: [],
      stopping: {},
    }),
  ) as RunManifest;
}

const manifest = manifestOf(scenarioOf(TEXT));

describe('a stored scenario', () => {
  it('comes back as it was expanded', () => {
    assert.deepEqual(storedScenarios(manifest), [scenarioOf(TEXT)]);
  });

  it('is refused when it is something else', () => {
    const damaged = { ...manifest, scenarios: [{ name: 's' }] };
    assert.throws(() => storedScenarios(damaged), /run\.json: scenarios\[0\] is damaged: cells: /);
  });
});

describe('resuming', () => {
  it('needs nothing to be given again, and accepts the same', () => {
    assert.deepEqual(planDifferences(manifest, null, null), []);
    assert.deepEqual(planDifferences(manifest, [scenarioOf(TEXT)], '42'), []);
    const renamed = TEXT.replace('first', 'another description');
    assert.deepEqual(planDifferences(manifest, [scenarioOf(renamed)], null), []);
  });

  const changed: [what: string, text: string, ...lines: string[]][] = [
    [
      'a workload',
      TEXT.replace('matrix', 'workload: { seconds: 3s }\nmatrix'),
      "scenario 's' cells s/check=none workload seconds: was 2, is now 3",
      "scenario 's' cells s/check=full workload seconds: was 2, is now 3",
    ],
    ['a cell less', TEXT.replace('[none, full]', '[none]'), "scenario 's' cells s/check=full: was"],
    [
      'an option',
      TEXT.replace('splice,', '{ use: splice, pipe: 64KiB },'),
      "scenario 's' forwarders splice options pipe: was nothing, is now 65536",
    ],
    [
      'the stopping rule',
      `${TEXT}blocks: { max: 30 }\n`,
      "scenario 's' blocks max: was 20, is now 30",
    ],
  ];
  for (const [what, text, ...lines] of changed) {
    it(`tells what differs: ${what}`, () => {
      const found = planDifferences(manifest, [scenarioOf(text)], '42');
      assert.equal(found.length, lines.length, found.join('\n'));
      for (const [index, line] of lines.entries()) {
        assert.ok(found[index]?.startsWith(line), found[index]);
      }
    });
  }

  it('tells another seed, and scenarios added or left out', () => {
    const other = scenarioOf(TEXT.replace('name: s', 'name: t'));
    assert.throws(
      () => {
        assertSameRun(manifest, [other], '43');
      },
      {
        name: 'UsageError',
        message:
          'run run-1 cannot be resumed, since it would not be the same run:\n' +
          '  seed: was 42, is now 43\n' +
          "  scenario 't': was not part of the run\n" +
          "  scenario 's': is no longer part of the run",
      },
    );
    assert.doesNotThrow(() => {
      assertSameRun(manifest, null, '42');
    });
  });
});
