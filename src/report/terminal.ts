import Table from 'cli-table3';
import picocolors from 'picocolors';
import { groupIncidents } from '../integrity/groups.js';
import { type IncidentStyle, incidentText } from '../integrity/incident-text.js';
import { relationOf } from '../integrity/relation.js';
import { integrityLine, remarksOf } from '../integrity/tally-text.js';
import { storedText } from '../integrity/stored-limits.js';
import { detectorSentence } from '../lab/proof-text.js';
import { verdictLines } from '../results/verdict.js';
import { type AxisReport, axisTable, axisTitle, axisSentences } from './axis.js';
import { type CellTable, cellTable, tableNotes } from './cell-table.js';
import { checkText } from './condition.js';
import { groupText } from './incident-groups.js';
import { integrityRows, NARROW_HEAD, narrowRow } from './integrity-table.js';
import { broken, displayWidth, padded, printable, wrapped } from './layout.js';
import { type CellReport, type RunReport, cellsOf } from './model.js';
import { plural } from './quantity.js';
import { subjectOf } from './subject.js';
import { mapTable } from './chart-map.js';
import { mapTitle, type RatioMap, ratioMaps } from './ratio-map.js';
import { goodputChart } from './terminal-chart.js';

/** The terminal written to. */
export interface TerminalStyle {
  columns: number;
  color: boolean;
}

type Colors = ReturnType<typeof picocolors.createColors>;

const NARROWEST = 80;
/** Wider lines are harder to read, not easier. */
const WIDEST = 120;
/** With more conditions than this the charts are left to the written report. */
const MOST_CHARTS = 2;

/** Colour only where a person looks at it; NO_COLOR (any value but empty) always turns it off. */
export function terminalStyle(
  stream: { isTTY?: boolean | undefined; columns?: number | undefined },
  environment: Readonly<Record<string, string | undefined>>,
): TerminalStyle {
  const asked = Number(environment['COLUMNS']);
  const columns = stream.columns ?? (asked > 0 ? asked : NARROWEST);
  const off = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
  return {
    columns: Math.min(Math.max(columns, NARROWEST), WIDEST),
    color: stream.isTTY === true && !off,
  };
}

/** A run as `make bench` prints it: tables, charts, integrity, and the verdict last. */
export function terminalReport(report: RunReport, style: TerminalStyle): string {
  const colors = picocolors.createColors(style.color);
  const unchecked = cellsOf(report, 'none');
  const charted = unchecked.length > 0 ? unchecked : cellsOf(report, 'full');
  const sections = report.cells.map((cell) =>
    cellSection(cell, charted.includes(cell) && charted.length <= MOST_CHARTS, style, colors),
  );
  return [
    ...sections,
    ...report.axes.map((axis) => axisSection(axis, style, colors)),
    ...ratioMaps(report).map((map) => mapSection(map, style, colors)),
    integritySection(report, style, colors),
    ...incidentSection(report, style, colors),
    verdictSection(report, style, colors),
  ].join('\n\n');
}

function axisSection(axis: AxisReport, style: TerminalStyle, colors: Colors): string {
  const heading = wrapped(printable(axisTitle(axis)), style.columns, '  ').map(colors.bold);
  const sentences = axisSentences(axis).flatMap((sentence) =>
    wrapped(printable(sentence), style.columns, '  '),
  );
  return [...heading, ...axisLines(axis, style), ...sentences].join('\n');
}

/** With intervals where they fit, and in several tables where even without them they do not. */
function axisLines(axis: AxisReport, { columns }: TerminalStyle): string[] {
  const whole = axisTable(axis, true);
  const table =
    widthsOf(whole).reduce((a, b) => a + b + 2, -2) > columns ? axisTable(axis, false) : whole;
  const widths = widthsOf(table);
  const fixed = axis.series.some(({ isBaseline }) => isBaseline) ? 2 : 1;
  const lines: string[] = [];
  let next = fixed;
  do {
    const shown = Array.from({ length: fixed }, (_, column) => column);
    const used = () => shown.reduce((sum, column) => sum + (widths[column] ?? 0) + 2, -2);
    while (
      next < widths.length &&
      (shown.length === fixed || used() + (widths[next] ?? 0) + 2 <= columns)
    ) {
      shown.push(next);
      next += 1;
    }
    for (const row of [table.head, ...table.rows]) {
      const cells = shown.map((column) => {
        const text = printable(row[column] ?? '');
        const space = ' '.repeat(Math.max(0, (widths[column] ?? 0) - displayWidth(text)));
        return column === 0 ? text + space : space + text;
      });
      lines.push(cells.join('  ').trimEnd());
    }
  } while (next < widths.length);
  return lines;
}

function widthsOf({ head, rows }: { head: string[]; rows: string[][] }): number[] {
  return head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => displayWidth(printable(row[column] ?? '')))),
  );
}

function cellSection(
  cell: CellReport,
  chart: boolean,
  style: TerminalStyle,
  colors: Colors,
): string {
  const table = cellTable(cell, 'narrow');
  const facts = `${cell.title}, ${plural(cell.blocks, 'block')}`;
  const heading = wrapped(printable(`Speed (${checkText(cell)}): ${facts}`), style.columns, '  ');
  const notes = tableNotes(cell, table).flatMap((note) =>
    wrapped(printable(note), style.columns, '  '),
  );
  const drawn = chart && cell.workload === 'stream' ? goodputChart(cell.rows, style) : '';
  return [
    heading.map((line) => colors.bold(line)).join('\n'),
    tableText(cell, table, style, colors),
    ...(notes.length === 0 ? [] : [notes.map((line) => colors.dim(line)).join('\n')]),
    ...(drawn === '' ? [] : ['', colors.bold('Goodput over time, Gbps (median of trials)'), drawn]),
  ].join('\n');
}

function mapSection(map: RatioMap, style: TerminalStyle, colors: Colors): string {
  const { head, rows } = mapTable(map);
  const lines = [head, ...rows].map((row) => row.map(printable));
  const widths = head.map((_, column) =>
    Math.max(...lines.map((row) => displayWidth(row[column] ?? ''))),
  );
  const drawn = lines.map((row) =>
    row
      .map((text, column) => padded(text, widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [
    colors.bold(printable(mapTitle(map))),
    colors.dim(drawn[0] ?? ''),
    ...drawn.slice(1),
    ...map.sentences.flatMap((sentence) => wrapped(printable(sentence), style.columns)),
  ].join('\n');
}

function tableText(
  cell: CellReport,
  table: CellTable,
  style: TerminalStyle,
  colors: Colors,
): string {
  const rows = table.rows.map((row) => row.map(printable));
  const natural = table.head.map((head, column) =>
    Math.max(...[...head.lines, ...rows.map((row) => row[column] ?? '')].map(displayWidth)),
  );
  const { gap, label } = fit(natural, style.columns);
  const labels = rows.map(([name = '']) => broken(name, label));
  const longest = Math.max(...[...labels.flat(), table.head[0]?.lines[0] ?? ''].map(displayWidth));
  const widths = [longest, ...natural.slice(1)];
  const drawn = new Table({
    chars: { ...NO_LINES, middle: ' '.repeat(gap) },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colWidths: widths,
    colAligns: table.head.map((_, column) =>
      column === 0 || column === widths.length - 1 ? 'left' : 'right',
    ),
  });
  const head = (line: 0 | 1) => table.head.map(({ lines }) => colors.dim(lines[line]));
  drawn.push(head(0), head(1));
  rows.forEach((row, index) => {
    const paint = ratioColor(cell, index, colors);
    const [, ...figures] = row;
    const painted = figures.map((text, column) => (column === 1 ? paint(text) : text));
    drawn.push([(labels[index] ?? []).join('\n'), ...painted]);
  });
  return drawn.toString().replaceAll(/ +$/gm, '');
}

const COMFORTABLE_LABEL = 18;
const NARROWEST_LABEL = 8;

/** What is left for the labels; long ones wrap inside their column rather than break the table. */
function fit(natural: readonly number[], columns: number): { gap: number; label: number } {
  const [label = 0, ...others] = natural;
  const rest = others.reduce((sum, width) => sum + width, 0);
  const roomy = columns - rest - 2 * others.length;
  if (label <= roomy || roomy >= COMFORTABLE_LABEL)
    return { gap: 2, label: Math.min(label, roomy) };
  const tight = columns - rest - others.length;
  return { gap: 1, label: Math.min(label, Math.max(tight, NARROWEST_LABEL)) };
}

function ratioColor(cell: CellReport, index: number, colors: Colors): (text: string) => string {
  const { metric, moreIsBetter } = subjectOf(cell.workload);
  const found = cell.rows[index]?.figures[metric];
  if (found?.significant !== true) return (text) => text;
  return (found.ratio ?? 1) > 1 === moreIsBetter ? colors.green : colors.red;
}

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
};

function integritySection(report: RunReport, style: TerminalStyle, colors: Colors): string {
  const heading = colors.bold('Integrity: corrupted stretches in the bytes compared (check: full)');
  if (!report.trials.some((trial) => trial.check === 'full')) {
    return `${heading}\n${integrityLine(report.total)}`;
  }
  const proof = wrapped(printable(detectorSentence(report.manifest.detectors)), style.columns);
  const rows = integrityRows(report);
  const bad = new Set(rows.filter(({ sum }) => sum.violatedTrials > 0).map(({ sum }) => sum));
  const table = figureTable(NARROW_HEAD, rows.map(narrowRow), style, {
    head: colors.dim,
    row: (index) => {
      const sum = rows[index]?.sum;
      return sum !== undefined && bad.has(sum) ? colors.red : plain;
    },
  });
  const notes = [
    ...rows.flatMap(({ forwarder, sum, unavailable }) => {
      const name = forwarder ?? 'all';
      if (unavailable !== null) return [`${name}: not checked, ${unavailable}`];
      const remarks = remarksOf(sum);
      return forwarder === null || remarks === '' ? [] : [`${name}: ${remarks}`];
    }),
    `${rows.length > 1 ? 'all: ' : ''}${integrityLine(report.total)}`,
  ];
  const lines = notes.flatMap((note) => wrapped(printable(note), style.columns, '  '));
  return [heading, table, ...lines, ...proof.map((line) => colors.dim(line))].join('\n');
}

function plain(text: string): string {
  return text;
}

/** A table of figures whose first column, the labels, gives way where the terminal is narrow. */
function figureTable(
  head: readonly [string, string][],
  rows: readonly string[][],
  { columns }: TerminalStyle,
  paint: { head: (text: string) => string; row: (index: number) => (text: string) => string },
): string {
  const shown = rows.map((row) => row.map(printable));
  const natural = head.map((lines, column) =>
    Math.max(...[...lines, ...shown.map((row) => row[column] ?? '')].map(displayWidth)),
  );
  const { gap, label } = fit(natural, columns);
  const line = ([first = '', ...figures]: readonly string[]) =>
    [
      padded(first, label),
      ...figures.map((text, index) => {
        const width = natural[index + 1] ?? 0;
        return ' '.repeat(Math.max(0, width - displayWidth(text))) + text;
      }),
    ]
      .join(' '.repeat(gap))
      .trimEnd();
  const body = shown.flatMap(([name = '', ...figures], index) =>
    broken(name, label).map((part, k) =>
      paint.row(index)(line([part, ...(k === 0 ? figures : [])])),
    ),
  );
  const heads = ([0, 1] as const).map((at) => paint.head(line(head.map((lines) => lines[at]))));
  return [...heads, ...body].join('\n');
}

const EXCERPT_ROWS = 8;
/** Groups of incidents listed. */
const SHOWN_GROUPS = 5;

function incidentSection(report: RunReport, style: TerminalStyle, colors: Colors): string[] {
  const [first] = report.incidents;
  if (first === undefined) return [];
  const excerpt: IncidentStyle = {
    bytesPerRow: style.columns >= 116 ? 16 : 8,
    rows: EXCERPT_ROWS,
    mark: style.color ? colors.red : null,
  };
  const heading = `First incident, of ${storedText(report.incidents.length, report.total.incidents)} (${printable(first.forwarder)}, trial ${printable(first.trial_id)})`;
  const lines = incidentText(first, excerpt).split('\n');
  const [sentence = '', ...rest] = lines;
  const groups = groupIncidents(report.incidents);
  const further = groups.length - SHOWN_GROUPS;
  return [
    [
      ...wrapped('Incidents, by class and by how they lie to the calls', style.columns).map(
        (line) => colors.bold(line),
      ),
      ...groups
        .slice(0, SHOWN_GROUPS)
        .flatMap((group, index) => wrapped(groupText(group, index), style.columns, '   ')),
      ...(further > 0 ? [`${plural(further, 'further group')}: splicebench explain.`] : []),
    ].join('\n'),
    [
      ...wrapped(heading, style.columns).map((line) => colors.bold(line)),
      ...wrapped(sentence, style.columns),
      ...rest,
      ...wrapped(relationOf(first).sentences.join(' '), style.columns),
    ].join('\n'),
  ];
}

function verdictSection(report: RunReport, style: TerminalStyle, colors: Colors): string {
  const { safety } = report.verdict;
  const lines = verdictLines(report.verdict).flatMap((sentence) => {
    const own = wrapped(printable(sentence), style.columns);
    return sentence === safety.sentence && safety.answer === 'violated'
      ? own.map((line) => colors.red(line))
      : own;
  });
  return [colors.bold('Verdict'), ...lines].join('\n');
}
