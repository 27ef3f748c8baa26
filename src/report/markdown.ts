import { connectionSentence } from '../integrity/bounds.js';
import { violatedConnections } from '../integrity/fates.js';
import { incidentText } from '../integrity/incident-text.js';
import { integrityLine } from '../integrity/tally-text.js';
import { storedText } from '../integrity/stored-limits.js';
import { detectorSentence } from '../lab/proof-text.js';
import { axisTable, axisTitle, axisSentences } from './axis.js';
import { cellTable, tableNotes } from './cell-table.js';
import { axisCharts } from './chart-axis.js';
import { mapTable } from './chart-map.js';
import { type Chart, chartsOf, mapKey } from './charts.js';
import { checkText } from './condition.js';
import { escapeMarkdown } from './escape.js';
import {
  type Fact,
  forwarderFacts,
  hostFacts,
  limitations,
  missing,
  type PlainTable,
  runFacts,
  whose,
} from './facts.js';
import { integrityTable, stressorTable, TRANSFERS } from './integrity-table.js';
import { printable } from './layout.js';
import { type CellReport, type Exporter, type RunReport, cellsOf, needsSentence } from './model.js';
import { count, plural } from './quantity.js';
import { mapTitle, type RatioMap, ratioMaps } from './ratio-map.js';

/** report.md: the verdict first, then what it rests on. */
export const markdownReport: Exporter = {
  file: 'report.md',
  write: (report) => {
    const sections = [
      headSection(report),
      axisSection(report),
      speedSection(report, 'none'),
      speedSection(report, 'full'),
      integritySection(report),
      incidentSection(report),
      howSection(report),
      limitSection(report),
      missingSection(report),
    ];
    return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
  },
};

/** Incidents shown in hex; incidents.jsonl has all that are stored. */
const SHOWN_INCIDENTS = 5;

function headSection(report: RunReport): string {
  const { verdict } = report;
  return [
    `# splicebench: run ${escapeMarkdown(report.manifest.run_id)}`,
    `**${escapeMarkdown(verdict.speed.sentence)}**`,
    `**${escapeMarkdown(verdict.safety.sentence)}**`,
    ...(verdict.notes.length === 0 ? [] : [bullets(verdict.notes.map(escapeMarkdown))]),
  ].join('\n\n');
}

function axisSection(report: RunReport): string {
  if (report.axes.length === 0) return '';
  const axes = report.axes.map((axis) => {
    const { head, rows } = axisTable(axis, true);
    const sentences = axisSentences(axis).map(escapeMarkdown);
    return [
      `### ${escapeMarkdown(axisTitle(axis))}`,
      ...(sentences.length === 0 ? [] : [bullets(sentences)]),
      markdownTable({ head, rows, numeric: 1 }),
      ...axisCharts(axis).map(
        ({ name, title, alt }) => `![${escapeMarkdown(`${title}. ${alt}`)}](charts/${name}.svg)`,
      ),
    ].join('\n\n');
  });
  return ['## Along an axis', ...axes].join('\n\n');
}

function speedSection(report: RunReport, check: 'none' | 'full'): string {
  const cells = cellsOf(report, check);
  if (cells.length === 0) return '';
  const charts = chartsOf(report);
  const [heading, meaning] =
    check === 'none'
      ? ['Speed', 'The sink discards what it receives (`check: none`), to stay out of the way.']
      : [
          'Speed while every byte is checked',
          'The sink compares every byte (`check: full`). Not to be compared with the tables above.',
        ];
  return [
    `## ${heading}`,
    meaning,
    ...ratioMaps(report)
      .filter((map) => map.check === check)
      .map((map) => mapSection(map, charts.get(mapKey(map)) ?? [])),
    ...cells.map((cell) => cellSection(report, cell, charts.get(cell.cell) ?? [])),
  ].join('\n\n');
}

function mapSection(map: RatioMap, charts: readonly Chart[]): string {
  return [
    `### ${escapeMarkdown(mapTitle(map))}`,
    map.sentences.map(escapeMarkdown).join('  \n'),
    markdownTable(mapTable(map)),
    ...charts.map(chartLine),
  ].join('\n\n');
}

function chartLine({ name, title, alt }: Chart): string {
  return `![${escapeMarkdown(`${title}. ${alt}`)}](charts/${name}.svg)`;
}

function cellSection(report: RunReport, cell: CellReport, charts: readonly Chart[]): string {
  const plain = cellTable(cell, 'wide');
  const table: PlainTable = {
    head: plain.head.map(({ title }) => title),
    rows: plain.rows,
    numeric: 1,
  };
  const notes = tableNotes(cell, plain);
  return [
    `### ${escapeMarkdown(capitalisedTitle(cell))}`,
    ...(cell.speed === null || !needsSentence(report, cell)
      ? []
      : [escapeMarkdown(cell.speed.sentence)]),
    markdownTable(table),
    ...(notes.length === 0 ? [] : [notes.map(escapeMarkdown).join('  \n')]),
    ...charts.map(chartLine),
  ].join('\n\n');
}

function capitalisedTitle(cell: CellReport): string {
  return `${cell.title}, ${plural(cell.blocks, 'block')}, ${checkText(cell)}`;
}

function integritySection(report: RunReport): string {
  const { total } = report;
  const stressors = stressorTable(report);
  const perConnection =
    total.perConnection !== null
      ? [
          `Corruption comes in bursts, so per connection too: ${connectionSentence(violatedConnections(total.fates), total.checkedConnections)}.`,
        ]
      : [];
  return [
    '## Integrity',
    `Corrupted stretches in the bytes compared: ${integrityLine(total)}.`,
    ...perConnection,
    escapeMarkdown(detectorSentence(report.manifest.detectors)),
    markdownTable(integrityTable(report)),
    escapeMarkdown(TRANSFERS),
    ...(stressors.rows.length === 0 ? [] : ['### By condition', markdownTable(stressors)]),
  ].join('\n\n');
}

function incidentSection(report: RunReport): string {
  const { incidents } = report;
  if (incidents.length === 0) return '';
  const shown = incidents.slice(0, SHOWN_INCIDENTS);
  const more = incidents.length - shown.length;
  return [
    '## Incidents',
    'Expected and received bytes side by side; `*` marks a byte that differs.',
    ...shown.map((incident) => {
      const text = incidentText(incident, { bytesPerRow: 16, rows: 20, mark: null });
      const [sentence = '', ...dump] = text.split('\n');
      return [
        `### ${escapeMarkdown(`${incident.forwarder}, trial ${incident.trial_id}`)}`,
        escapeMarkdown(sentence),
        ['```text', ...dump.map((line) => printableLine(line)), '```'].join('\n'),
      ].join('\n\n');
    }),
    ...(more > 0
      ? [
          `${count(more)} more in incidents.jsonl: ${storedText(incidents.length, report.total.incidents)}.`,
        ]
      : []),
  ].join('\n\n');
}

/** Call names come from a file; inside a code block only the fence could end it. */
function printableLine(line: string): string {
  const indent = /^ */.exec(line)?.[0] ?? '';
  return indent + printable(line).replaceAll('```', "'''");
}

function howSection(report: RunReport): string {
  const forwarders = forwarderFacts(report);
  return [
    '## How it was measured',
    facts(runFacts(report)),
    ...report.manifest.environment.map((host) =>
      [`### Host ${escapeMarkdown(host.host)}`, facts(hostFacts(report, host))].join('\n\n'),
    ),
    ...(forwarders.length === 0 ? [] : ['### Forwarders', facts(forwarders)]),
  ].join('\n\n');
}

function limitSection(report: RunReport): string {
  const limits = limitations(report);
  return limits.length === 0
    ? ''
    : ['## What this cannot say', bullets(limits.map(escapeMarkdown))].join('\n\n');
}

function missingSection(report: RunReport): string {
  const items = missing(report);
  if (items.length === 0) return '';
  const lines = items.map((item) =>
    escapeMarkdown(`${item.what} of ${whose(item, report)}: ${item.reason}`),
  );
  return ['## Unavailable', bullets(lines)].join('\n\n');
}

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join('\n');
}

function facts(list: readonly Fact[]): string {
  return markdownTable({
    head: ['what', 'value'],
    rows: list.map((fact) => [...fact]),
    numeric: 9,
  });
}

function markdownTable(table: PlainTable): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(table.head.map(escapeMarkdown)),
    line(table.head.map((_, column) => (column < table.numeric ? '---' : '---:'))),
    ...table.rows.map((row) => line(row.map(escapeMarkdown))),
  ].join('\n');
}
