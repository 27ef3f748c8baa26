import picocolors from 'picocolors';
import { type IncidentStyle, incidentText } from '../../data/integrity/incident-text.js';
import { printable, wrapped } from '../../base/text/layout.js';
import { tableLines, type TextTable, tableWidth } from '../../base/text/table.js';
import {
  type Block,
  type IncidentBytes,
  type Paragraph,
  type Section,
  shownIn,
  type Table,
  type TimeLines,
} from '../model/document-blocks.js';
import { type FlatTable, flatTable } from '../model/flat-table.js';
import { documentOf } from '../model/report-document.js';
import { type RunReport } from '../model/report-types.js';
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

/** A run as `make bench` prints it. The verdict comes last, where it is still seen. */
export function terminalReport(report: RunReport, style: TerminalStyle): string {
  const { verdict, sections } = documentOf(report);
  const terminal = new Terminal(style);
  return [...sections, verdict].flatMap((section) => terminal.section(section)).join('\n\n');
}

/** Text of the tree's parts for one terminal. */
class Terminal {
  private readonly style: TerminalStyle;
  private readonly colors: Colors;

  constructor(style: TerminalStyle) {
    this.style = style;
    this.colors = picocolors.createColors(style.color);
  }

  /**
   * A text per section that has something to show here, those inside it after it. A terminal has one
   * size of headings, so a heading begins with those it stands under.
   */
  section(section: Section, above: readonly string[] = []): string[] {
    const [shown] = shownIn('terminal', [section]);
    if (shown === undefined) return [];
    const path = [...above, section.heading];
    const blocks = shownIn('terminal', section.blocks);
    const lines = blocks.flatMap((block) => this.block(block));
    const heading = this.wrapped(path.join(': '), '  ').map(this.colors.bold);
    return [
      ...(lines.length === 0 ? [] : [[...heading, ...lines].join('\n')]),
      ...blocks.flatMap((block) => (block.kind === 'section' ? this.section(block, path) : [])),
    ];
  }

  private block(block: Block): string[] {
    switch (block.kind) {
      case 'paragraph':
        return this.paragraph(block);
      case 'list':
        return block.items.flatMap((item, index) =>
          block.numbered === true
            ? this.wrapped(`${index + 1}. ${item}`, '   ')
            : this.wrapped(item, '  '),
        );
      case 'table':
        return this.table(block);
      case 'facts':
        return block.facts.flatMap(([name, value]) => this.wrapped(`${name}: ${value}`, '  '));
      case 'time-lines':
        return this.timeLines(block);
      case 'incident':
        return this.incident(block);
      case 'links':
        return block.links.flatMap(({ file, text }) => this.wrapped(`${file}: ${text}`, '  '));
      case 'section':
      case 'charts':
        return [];
    }
  }

  private wrapped(text: string, indent = ''): string[] {
    return wrapped(printable(text), this.style.columns, indent);
  }

  private paragraph({ text, role, tone }: Paragraph): string[] {
    const lines = this.wrapped(text);
    if (tone === 'bad') return lines.map(this.colors.red);
    return role === 'aside' ? lines.map(this.colors.dim) : lines;
  }

  private table(table: Table): string[] {
    const flat = flatTable(table, 'terminal');
    const full = textTable(flat, 'full');
    const shown = tableWidth(full) > this.style.columns ? textTable(flat, 'brief') : full;
    const lines = tableLines(shown, {
      columns: this.style.columns,
      paintHead: this.colors.dim,
      paintCell: (text, row, column) => {
        const { tones, mark } = flat.rows[row] ?? { tones: [], mark: undefined };
        const tone = mark === 'bad' ? mark : tones[column];
        return tone === undefined ? text : this.colors[tone === 'good' ? 'green' : 'red'](text);
      },
    });
    const notes = flat.notes.flatMap((note) => this.wrapped(note, '  '));
    return [...lines, ...notes.map((line) => this.colors.dim(line))];
  }

  private timeLines({ title, lines }: TimeLines): string[] {
    const drawn = goodputChart(lines, this.style);
    return drawn === '' ? [] : ['', this.colors.bold(title), drawn];
  }

  /** The sentence that the text begins with is a paragraph of its own. */
  private incident({ incident }: IncidentBytes): string[] {
    const excerpt: IncidentStyle = {
      bytesPerRow: this.style.columns >= 116 ? 16 : 8,
      rows: EXCERPT_ROWS,
      mark: this.style.color ? this.colors.red : null,
    };
    return incidentText(incident, excerpt).split('\n').slice(1);
  }
}

const EXCERPT_ROWS = 8;

function textTable({ columns, rows }: FlatTable, width: 'full' | 'brief'): TextTable {
  const heads = columns.map(({ title, brief }) =>
    width === 'full' || brief === undefined ? ['', title] : brief,
  );
  const lines = [0, 1].map((line) => heads.map((head) => printable(head[line] ?? '')));
  return {
    head: lines.filter((line) => line.some((text) => text !== '')),
    rows: rows.map(({ texts, briefs }) => (width === 'full' ? texts : briefs).map(printable)),
    right: columns.map(({ kind }) => kind === 'figure'),
    fixed: Math.max(1, columns.filter(({ repeat }) => repeat === true).length),
  };
}
