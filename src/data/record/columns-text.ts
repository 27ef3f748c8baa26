/** The tables of columns as docs/reading-results.md shows them. Pure. */
import type { Column } from './column.js';
import { METRICS } from './metrics.js';
import { SUMMARY_TABLE } from './summary-columns.js';
import { TRIAL_TABLE } from './trial-columns.js';

/** Markdown sections by the name that their markers have. */
export function columnSections(): Map<string, string> {
  return new Map([
    ['trials.csv', columnTable(TRIAL_TABLE)],
    ['summary.csv', columnTable(SUMMARY_TABLE)],
    ['metrics', metricTable()],
  ]);
}

function columnTable(columns: Readonly<Record<string, Column<unknown>>>): string {
  const rows = Object.entries(columns).map(
    ([name, { unit, meaning }]) => `| \`${name}\` | ${unit} | ${meaning} |`,
  );
  return ['| column | unit | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

function metricTable(): string {
  const rows = METRICS.map(
    ({ name, unit, moreIsBetter, anyOutcome }) =>
      `| \`${name}\` | ${unit} | ${moreIsBetter ? 'more' : 'less'} | ${anyOutcome ? 'all that have it' : 'those with a speed'} |`,
  );
  return ['| metric | unit | better | trials |', '| --- | --- | --- | --- |', ...rows].join('\n');
}
