/** What `make slices` says of slices of several lengths. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { replaceSection } from '../../bench/readme/section.js';
import { publishedSlices, SLICES_SECTION, slicesTable } from '../../bench/slices.js';
import { packageRoot } from '../../src/base/process/package-root.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import { seriesOfSlices } from '../../src/experiment/measure/slices.js';
import { fakeRecord } from '../support/fake-executor.js';
import { planBlock } from '../../src/experiment/trial/order.js';
import { scenarioOf } from './scenario-fixtures.js';
import { slice } from './slice-fixtures.js';

const scenario = scenarioOf(`name: slices
workload: { measure: 80ms, settle: 15ms, check: none }
forwarders: [copy, { use: copy, name: copy-again }, splice]
blocks: { min: 8, max: 8 }
`);

/** Sets that took a second, a half of it for eight rounds; splice twice as fast. */
function sets(): TrialRecord[] {
  return [1, 2, 3, 4, 5, 6, 7, 8].flatMap((block) =>
    planBlock({ run_id: 'r', seed: '1', ...scenario }, block).map((trial) => {
      const speed = trial.forwarder.label === 'splice' ? 2e9 : 1e9;
      const uneven = (round: number) => speed * (1 + ((round * 7 + block * 3) % 5) / 100);
      const slices = [1, 2, 3, 4, 5, 6, 7, 8].map((round) => slice(round, uneven(round)));
      const ofSet = { set: `s${block}`, settle: 0.015, took: 0.5, rounds_run: 8 };
      const set = { id: `s${block}`, arms: 3, seconds: 1 };
      return { ...fakeRecord(trial, 8), set, slices: seriesOfSlices(ofSet, slices) };
    }),
  );
}

describe('the table of slices', () => {
  it('says for each length what a minute would show, and what the figures are', () => {
    const [, row = ''] = slicesTable(scenario.cells, sets(), 2)
      .split('\n')
      .filter((line) => line.trim() !== '');
    assert.match(row, /^ *80 +15 +63 +[0-9.]+ % +unavailable +8\.0 +2\.000 +2\.000 to 2\.000$/);
  });

  it('stands in docs/measuring.md as the published run has it (make docs)', async () => {
    const page = readFileSync(join(packageRoot(), 'docs', 'measuring.md'), 'utf8');
    const shown = await publishedSlices();
    assert.equal(replaceSection(page, SLICES_SECTION, shown), page);
    const other = shown.replace(/1\.8\d\d/, '1.799');
    assert.notEqual(replaceSection(page, SLICES_SECTION, other), page);
  });

  it('refuses trials of another scenario', () => {
    const others = sets().filter(({ forwarder }) => forwarder !== 'copy-again');
    assert.throws(
      () => slicesTable(scenario.cells, others, 2),
      /expected sets of copy and copy-again/,
    );
  });
});
