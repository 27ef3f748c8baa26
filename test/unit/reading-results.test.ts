/** docs/reading-results.md names whatever the files hold. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { packageRoot } from '../../src/native.js';
import { SUMMARY_COLUMNS, TRIAL_COLUMNS } from '../../src/report/csv.js';
import { BOTTLENECKS, OUTCOMES } from '../../src/results/record.js';
import { METRIC_NAMES } from '../../src/statistics/metrics.js';

const text = readFileSync(join(packageRoot(), 'docs', 'reading-results.md'), 'utf8');

/** The lines from one heading to the next of the same level. */
function section(title: string): string {
  const [, after] = text.split(`\n## ${title}\n`);
  assert.ok(after !== undefined, title);
  return after.split('\n## ')[0] ?? '';
}

/** Those that stand in the first cell of no row. */
function withoutRow(names: readonly string[], rows: string): string[] {
  const first = rows.split('\n').map((line) => line.split('|')[1] ?? '');
  return names.filter((name) => !first.some((cell) => cell.includes(`\`${name}\``)));
}

describe('docs/reading-results.md', () => {
  it('has every column of trials.csv', () => {
    assert.deepEqual(withoutRow(TRIAL_COLUMNS, section('trials.csv')), []);
  });

  it('has every column and every metric of summary.csv', () => {
    const rows = section('summary.csv');
    assert.deepEqual(withoutRow(SUMMARY_COLUMNS, rows), []);
    const [metrics = ''] = rows.split('\n').filter((line) => line.startsWith('| `metric`'));
    assert.deepEqual(
      METRIC_NAMES.filter((name) => !metrics.includes(`\`${name}\``)),
      [],
    );
  });

  it('has every outcome and every bottleneck', () => {
    const rows = section('trials.csv');
    assert.deepEqual(withoutRow(OUTCOMES, rows), []);
    const [bottleneck = ''] = rows.split('\n').filter((line) => line.startsWith('| `bottleneck`'));
    assert.deepEqual(
      BOTTLENECKS.filter((name) => !bottleneck.includes(`\`${name}\``)),
      [],
    );
  });
});
