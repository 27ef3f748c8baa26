import { incidentText } from '../../data/integrity/incident-text.js';
import { escapeMarkdown } from '../../base/text/escape.js';
import { printable } from '../../base/text/layout.js';
import { type Chart } from '../charts/chart.js';
import { chartsOf } from '../charts/charts.js';
import {
  type Block,
  type TableColumn,
  type IncidentBytes,
  type Section,
  shownIn,
  type Table,
} from '../model/document-blocks.js';
import { flatTable } from '../model/flat-table.js';
import { documentOf } from '../model/report-document.js';
import { type Exporter } from '../model/report-types.js';

type ChartMap = ReadonlyMap<string, readonly Chart[]>;

/** report.md */
export const markdownReport: Exporter = {
  file: 'report.md',
  write: (report) => {
    const charts = chartsOf(report);
    const { title, verdict, sections } = documentOf(report);
    const parts = [
      `# ${escapeMarkdown(title)}`,
      ...blocksText(verdict.blocks, 2, charts),
      ...blocksText(sections, 2, charts),
    ];
    return `${parts.join('\n\n')}\n`;
  },
};

function blocksText(blocks: readonly Block[], level: number, charts: ChartMap): string[] {
  return shownIn('markdown', blocks).flatMap((block) => blockText(block, level, charts));
}

function blockText(block: Block, level: number, charts: ChartMap): string[] {
  switch (block.kind) {
    case 'section':
      return sectionText(block, level, charts);
    case 'paragraph': {
      const text = escapeMarkdown(block.text);
      return [block.role === 'answer' ? `**${text}**` : text];
    }
    case 'list': {
      const mark = (index: number) => (block.numbered === true ? `${index + 1}.` : '-');
      return [
        block.items.map((item, index) => `${mark(index)} ${escapeMarkdown(item)}`).join('\n'),
      ];
    }
    case 'table':
      return tableText(block);
    case 'facts':
      return [pipes(['what', 'value'], FACT_COLUMNS, block.facts)];
    case 'charts':
      return (charts.get(block.of) ?? []).map(
        ({ name, title, alt }) => `![${escapeMarkdown(`${title}. ${alt}`)}](charts/${name}.svg)`,
      );
    case 'time-lines':
      return [];
    case 'incident':
      return [bytesText(block)];
    case 'links':
      return [
        block.links
          .map(({ file, text }) => `- [${escapeMarkdown(file)}](${file}): ${escapeMarkdown(text)}`)
          .join('\n'),
      ];
  }
}

function sectionText({ heading, blocks }: Section, level: number, charts: ChartMap): string[] {
  return [
    `${'#'.repeat(level)} ${escapeMarkdown(heading)}`,
    ...blocksText(blocks, level + 1, charts),
  ];
}

function tableText(table: Table): string[] {
  const { columns, rows, notes } = flatTable(table, 'markdown');
  return [
    pipes(
      columns.map(({ title }) => title),
      columns.map(({ kind }) => kind),
      rows.map(({ texts }) => texts),
    ),
    ...(notes.length === 0 ? [] : [notes.map(escapeMarkdown).join('  \n')]),
  ];
}

const FACT_COLUMNS: readonly TableColumn['kind'][] = ['label', 'word'];

function pipes(
  head: readonly string[],
  kinds: readonly TableColumn['kind'][],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(head.map(escapeMarkdown)),
    line(kinds.map((kind) => (kind === 'figure' ? '---:' : '---'))),
    ...rows.map((row) => line(row.map(escapeMarkdown))),
  ].join('\n');
}

/** The sentence that the text begins with is a paragraph of its own. */
function bytesText({ incident }: IncidentBytes): string {
  const [, ...dump] = incidentText(incident, { bytesPerRow: 16, rows: 20, mark: null }).split('\n');
  return ['```text', ...dump.map(printableLine), '```'].join('\n');
}

/** Call names come from a file; inside a code block only the fence could end it. */
function printableLine(line: string): string {
  const indent = /^ */.exec(line)?.[0] ?? '';
  return indent + printable(line).replaceAll('```', "'''");
}
