import { zeroCopyShare } from '../results/zero-copy.js';
import { heldText } from './backlog.js';
import { ceilingTexts } from './ceiling.js';
import { printable } from './layout.js';
import type { WorkloadKind } from '../results/record.js';
import type { CellReport, Figure, ForwarderRow, Limit } from './model.js';
import {
  UNAVAILABLE,
  bytes,
  figure,
  isShown,
  listed,
  ratio,
  ratioNumber,
  shortCount,
} from './quantity.js';
import { type FigureColumn, type Subject, subjectOf } from './subject.js';

/** A table of one cell as plain text, ready for any format: the terminal, Markdown, HTML. */
export interface CellTable {
  head: ColumnHead[];
  /** One row per forwarder, one text per column. */
  rows: string[][];
  /** Footnotes in order of their marks. */
  footnotes: Footnote[];
}

export interface ColumnHead {
  /** Where width is scarce: name and unit. */
  lines: [string, string];
  title: string;
}

export interface Footnote {
  /** Superscript number, as in the table. */
  mark: string;
  text: string;
}

/** Why a forwarder with a figure has no ratio. */
const NO_PAIR = 'no block in which the baseline has a figure too';

/** Said below every table in which it occurs. */
const LEGEND_NO_DIFFERENCE = '~ no difference shown: the interval holds 1';
const LEGEND_LOWER_BOUND =
  '≥ lower bound: source, sink or link, not the forwarders alone, limited the comparison';
const LEGEND_COMMON = {
  link: 'link: it was full, so that no forwarder gets more through it; compare the CPU per GB',
  pacing: 'pacing: the data came at a rate that was set or chosen; compare the CPU per GB',
} as const;

const BYTE_COLUMNS: readonly FigureColumn[] = [
  {
    metric: 'forwarder_cpu_per_gb',
    name: 'CPU',
    unit: 's/GB',
    title: 'forwarder CPU, s/GB',
    format: figure,
  },
  {
    metric: 'system_cpu_per_gb',
    name: 'system',
    unit: 's/GB',
    title: 'system CPU, s/GB',
    format: figure,
  },
  {
    metric: 'syscalls_per_gb',
    name: 'syscalls',
    unit: 'per GB',
    title: 'syscalls per GB',
    format: shortCount,
  },
  {
    metric: 'bytes_per_syscall',
    name: 'bytes',
    unit: '/call',
    title: 'bytes per syscall',
    format: bytes,
  },
];

const P50: FigureColumn = {
  metric: 'latency_p50',
  name: 'p50',
  unit: 'µs',
  title: 'latency p50, µs',
  format: figure,
};
const P99: FigureColumn = {
  metric: 'latency_p99',
  name: 'p99',
  unit: 'µs',
  title: 'latency p99, µs',
  format: figure,
};
const P999: FigureColumn = {
  metric: 'latency_p999',
  name: 'p99.9',
  unit: 'µs',
  title: 'latency p99.9, µs',
  format: figure,
};
const REQUESTS: FigureColumn = {
  metric: 'requests_per_second',
  name: 'requests',
  unit: '/s',
  title: 'requests per second',
  format: shortCount,
};
const GOODPUT: FigureColumn = {
  metric: 'goodput',
  name: '',
  unit: 'Gbps',
  title: 'goodput, Gbps',
  format: figure,
};

/** Beside what the cell is about, by the kind of its workload. */
const COLUMNS: Readonly<Record<WorkloadKind, readonly FigureColumn[]>> = {
  stream: BYTE_COLUMNS,
  exchange: [P50, P999, REQUESTS],
  churn: [P50, P99, GOODPUT],
  http: [P50, P99, GOODPUT, ...BYTE_COLUMNS.slice(0, 1)],
};

/** Where there is room, and only when some forwarder has the figure. */
const FURTHER_COLUMNS: readonly FigureColumn[] = [
  P50,
  P99,
  P999,
  REQUESTS,
  ...BYTE_COLUMNS,
  {
    metric: 'kernel_memory_peak',
    name: 'kernel',
    unit: 'memory',
    title: 'kernel memory, peak',
    format: bytes,
  },
];

/**
 * What one cell's forwarders did, figure by figure, with a reason for each that is missing.
 * @param room `narrow` has the columns that `make bench` prints, `wide` all there are figures for
 */
export function cellTable(cell: CellReport, room: 'narrow' | 'wide'): CellTable {
  const notes = new FootnoteList();
  const subject = subjectOf(cell.workload);
  const usual = COLUMNS[cell.workload];
  const shown = [subject, ...usual].map(({ metric }) => metric);
  const further = FURTHER_COLUMNS.filter(
    ({ metric }) =>
      room === 'wide' &&
      !shown.includes(metric) &&
      cell.rows.some((row) => isShown(row.figures[metric].median)),
  );
  const columns = [...usual, ...further];
  const rows = cell.rows.map((row) => [
    row.forwarder,
    value(row.figures[subject.metric], subject.format, notes),
    ratioText(row, subject, notes),
    ...columns.map(({ metric, format }) => value(row.figures[metric], format, notes)),
    limitText(row.limit, notes),
  ]);
  const baseline = isShortBaseline(cell) ? printable(cell.baseline ?? '') : 'baseline';
  return {
    head: [
      head('forwarder', '', 'forwarder'),
      head(subject.name, subject.unit, subject.title),
      head('ratio, 95 %', `to ${baseline}`, `ratio to ${baseline}, 95 %`),
      ...columns.map(({ name, unit, title }) => head(name, unit, title)),
      head('limited', 'by', 'limited by'),
    ],
    rows,
    footnotes: notes.all,
  };
}

/** The lines below a table: footnotes, the signs that occur in it, and why the cell stopped. */
export function tableNotes(cell: CellReport, table: CellTable): string[] {
  const uses = (sign: string) => table.rows.some((row) => row[2]?.startsWith(sign) ?? false);
  return [
    ...table.footnotes.map(({ mark, text }) => `${mark} ${text}`),
    ...(cell.baseline !== null && !isShortBaseline(cell) ? [`baseline: ${cell.baseline}`] : []),
    ...cell.unavailable.map(
      ({ forwarder, reason }) =>
        `${forwarder}${forwarder === cell.baseline ? ', the baseline,' : ''} unavailable: ${reason}`,
    ),
    ...(uses('~') ? [LEGEND_NO_DIFFERENCE] : []),
    ...(uses('≥') ? [LEGEND_LOWER_BOUND] : []),
    ...(['link', 'pacing'] as const)
      .filter((limit) => cell.rows.some((row) => row.limit.bottleneck === limit))
      .map((limit) => LEGEND_COMMON[limit]),
    ...zeroCopyNotes(cell),
    ...cell.rows.flatMap(({ forwarder, held }) =>
      held === null ? [] : [heldText(forwarder, held)],
    ),
    ...(cell.ceilings.link === null
      ? []
      : [`ceilings of goodput: ${listed(ceilingTexts(cell.ceilings))}`]),
    ...(cell.stopping === null ? [] : [`Stopped: ${cell.stopping}.`]),
  ];
}

/** Whether the sends that asked for zero copy got it, by what the kernel said. */
function zeroCopyNotes({ rows }: CellReport): string[] {
  return rows.flatMap(({ forwarder, detail }) => {
    const share = zeroCopyShare(detail);
    if (share === null) return [];
    const percent = (share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0);
    return [`${forwarder}: the kernel sent ${percent} % of its zero-copy sends without copying`];
  });
}

/** A long name would widen the column. */
function isShortBaseline({ baseline }: CellReport): boolean {
  return baseline !== null && baseline.length <= 10;
}

function head(name: string, unit: string, title: string): ColumnHead {
  return { lines: [name, unit], title };
}

/** "2.31x 2.25–2.40", with "~" before when the interval holds 1, "≥" when it is a lower bound. */
function ratioText(row: ForwarderRow, { metric }: Subject, notes: FootnoteList): string {
  if (row.isBaseline) return '1';
  const {
    ratio: value,
    ratioLow,
    ratioHigh,
    significant,
    lowerBound,
    noInterval,
  } = row.figures[metric];
  if (!isShown(value)) {
    return UNAVAILABLE + notes.mark(row.figures[metric].reason ?? NO_PAIR);
  }
  if (!isShown(ratioLow) || !isShown(ratioHigh)) {
    return ratio(value) + notes.mark(noInterval ?? 'no interval');
  }
  const sign = significant !== true ? '~' : lowerBound ? '≥' : '';
  return `${sign}${ratio(value)} ${ratioNumber(ratioLow)}–${ratioNumber(ratioHigh)}`;
}

function value(
  shown: Figure,
  format: (value: number | null) => string,
  notes: FootnoteList,
): string {
  return isShown(shown.median)
    ? format(shown.median)
    : UNAVAILABLE + notes.mark(shown.reason ?? 'not measured');
}

function limitText(limit: Limit, notes: FootnoteList): string {
  if (limit.bottleneck === null) return '–';
  const often =
    limit.trials < limit.of ? notes.mark(`in ${limit.trials} of ${limit.of} trials`) : '';
  return limit.bottleneck + often;
}

/** Footnotes of one table; the same reason gets the same mark. */
class FootnoteList {
  readonly all: Footnote[] = [];

  mark(text: string): string {
    const known = this.all.find((note) => note.text === text);
    if (known !== undefined) return known.mark;
    const mark = superscript(this.all.length + 1);
    this.all.push({ mark, text });
    return mark;
  }
}

function superscript(number: number): string {
  return String(number).replaceAll(/\d/g, (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'.charAt(Number(digit)));
}
