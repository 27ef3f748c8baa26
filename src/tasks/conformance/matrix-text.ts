/** The matrix of cases and forwarders, for the terminal, as Markdown and as CSV. Pure. */
import { stringify } from 'csv-stringify/sync';
import { cellText, isChance, type MatrixCell, failureRateText } from './judge-case.js';
import type { Matrix } from './suite.js';

/** Rows are cases, columns forwarders; below it what every failed cell saw. */
export function matrixText(matrix: Matrix, stories: boolean): string {
  const labels = matrix.forwarders.map(({ label }) => label);
  const names = matrix.cases.map(({ name }) => name);
  const width = Math.max(4, ...names.map((name) => name.length));
  const rows = names.map((name) => {
    const cells = labels.map((label) => textAt(matrix, name, label).padEnd(columnWidth(label)));
    return `${name.padEnd(width)}  ${cells.join(' ')}`.trimEnd();
  });
  const head = `${'case'.padEnd(width)}  ${labels.map((label) => label.padEnd(columnWidth(label))).join(' ')}`;
  return [head.trimEnd(), ...rows, '', legendOf(matrix), '', ...reasonLines(matrix, stories)].join(
    '\n',
  );
}

/** What the words in the cells mean. */
function legendOf({ cells, times }: Matrix): string {
  const usual = 'pass; FAIL failed/conversations; ? inconclusive here; - not played';
  if (times === 1) return usual;
  const chance = cells.filter(isChance).length;
  const words = chance === 0 ? 'no cell differed' : `* ${chance} differed: a matter of chance`;
  return `${usual}\nplayed ${times} times: ${words}`;
}

function columnWidth(label: string): number {
  return Math.max(label.length, 'FAIL 10/10'.length);
}

function textAt(matrix: Matrix, name: string, label: string): string {
  const cell = matrix.cells.find((one) => one.case === name && one.forwarder === label);
  return cell === undefined ? '' : cellText(cell);
}

/** Why cells are not `pass`; cells with the same reason on one line. */
function reasonLines({ cells }: Matrix, stories: boolean): string[] {
  const told = cells.filter(({ verdict }) => verdict !== 'pass');
  const grouped = new Map<string, MatrixCell[]>();
  for (const cell of told) {
    const [first = ''] = cell.reasons;
    const key = `${cell.case}\n${cellText(cell)}\n${cell.verdict === 'fail' ? cell.forwarder : first}`;
    grouped.set(key, [...(grouped.get(key) ?? []), cell]);
  }
  return [...grouped.values()].flatMap((same) => {
    const [cell] = same;
    if (cell === undefined) return [];
    const who = same.map(({ forwarder }) => forwarder).join(', ');
    const rate = failureRateText(cell);
    const lines = [...(rate === null ? [] : [rate]), ...cell.reasons].map((line) => `    ${line}`);
    const story =
      stories && cell.verdict === 'fail' ? cell.story.map((line) => `      ${line}`) : [];
    return [`${cell.case}, ${who}: ${cellText(cell)}`, ...lines, ...story];
  });
}

/** A table to paste, with the versions, and a section for each failed cell. */
export function matrixMarkdown(matrix: Matrix): string {
  const labels = matrix.forwarders.map(({ label }) => label);
  const rows = matrix.cases.map(({ name }) => {
    const cells = labels.map((label) => textAt(matrix, name, label));
    return `| ${name} | ${cells.join(' | ')} |`;
  });
  const versions = matrix.forwarders.flatMap(({ label, version }) =>
    version === null ? [] : [`- ${label}: ${version}`],
  );
  const failed = matrix.cells.filter(({ verdict }) => verdict === 'fail');
  return [
    '# Conformance of TCP forwarders',
    '',
    `| case | ${labels.join(' | ')} |`,
    `|---|${labels.map(() => '---').join('|')}|`,
    ...rows,
    '',
    '`pass`; `FAIL` failed/conversations; `?` inconclusive on this host; `-` not played; `*` differed from one',
    `time to the next (the matrix was played ${matrix.times === 1 ? 'once' : `${matrix.times} times`}).`,
    '',
    ...versions,
    '',
    ...failed.flatMap((cell) => [
      `## ${cell.case}: ${cell.forwarder}`,
      '',
      ...[failureRateText(cell) ?? [], cell.reasons].flat().map((line) => `- ${line}`),
      '',
      ...(cell.story.length === 0 ? [] : ['```text', ...cell.story, '```', '']),
    ]),
  ].join('\n');
}

/** A row per cell. */
export function matrixCsv({ cells }: Matrix): string {
  const header = [
    ...['case', 'forwarder', 'verdict', 'violation', 'failed', 'conversations', 'reason'],
    ...['runs', 'rate_ci_low', 'rate_ci_high'],
  ];
  const rows = cells.map((cell) => [
    cell.case,
    cell.forwarder,
    cell.verdict,
    cell.violation ? 'true' : 'false',
    cell.failed,
    cell.conversations,
    cell.reasons.join('; '),
    cell.runs.join(' '),
    cell.rate?.low,
    cell.rate?.high,
  ]);
  return stringify([header, ...rows]);
}
