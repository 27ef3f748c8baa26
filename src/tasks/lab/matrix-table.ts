/** The lab's matrix for the terminal, as Markdown and as CSV. Pure. */
import { stringify } from 'csv-stringify/sync';
import { count, figure } from '../../base/units/quantity.js';
import type { MatrixRow } from './matrix-rows.js';

const HEAD = [
  'kernel',
  'card',
  'bug',
  'forwarder',
  'direction',
  'result',
  'incidents per MB (95 %)',
  'reuse',
  'first offset',
  'slab heads',
  'classes',
] as const;

/** A table in columns, and below it why rows are not results. */
export function matrixTerminal(rows: readonly MatrixRow[]): string {
  const cells = [[...HEAD], ...rows.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [...lines, '', ...LEGEND, ...reasons(rows)].join('\n');
}

/** The same with a title, to paste. */
export function matrixMarkdownTable(rows: readonly MatrixRow[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(HEAD),
    `|${HEAD.map(() => '---').join('|')}|`,
    ...rows.map((row) => line(cellsOf(row))),
    '',
    ...LEGEND,
    ...reasons(rows).flatMap((reason) => ['', `- ${reason}`]),
  ].join('\n');
}

/** Every field of every row, under its name. */
export function matrixTableCsv(rows: readonly MatrixRow[]): string {
  return stringify([...rows], { header: true });
}

const LEGEND = [
  'reuse: incidents that are memory used again, of those that were described; the rest are pointers of the',
  'allocator. slab heads: packets that the bug could spoil; where a splicing trial met none, it tested nothing.',
];

function cellsOf(row: MatrixRow): string[] {
  return [
    row.kernel,
    row.nic,
    row.bug ?? 'no',
    row.forwarder,
    row.direction,
    row.verdict,
    rateText(row),
    row.described === 0 ? '–' : `${count(row.reuse)} of ${count(row.described)}`,
    row.first_offset === null ? '–' : count(row.first_offset),
    row.slab_heads === null ? '–' : count(row.slab_heads),
    row.classes === '' ? '–' : row.classes,
  ];
}

function rateText({ incidents, incidents_per_mb: rate, per_mb_low, per_mb_high }: MatrixRow) {
  if (rate === null || per_mb_low === null || per_mb_high === null) return '–';
  if (incidents === 0) return `none: below ${figure(per_mb_high, 2)}`;
  return `${figure(rate, 3)} (${figure(per_mb_low, 3)} to ${figure(per_mb_high, 3)})`;
}

function reasons(rows: readonly MatrixRow[]): string[] {
  return rows.flatMap(({ kernel, nic, bug, forwarder, verdict, why }) =>
    why === null ? [] : [`${kernel}, ${nic}, bug ${bug ?? 'no'}, ${forwarder}: ${verdict}: ${why}`],
  );
}
