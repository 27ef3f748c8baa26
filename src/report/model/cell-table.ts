import { zeroCopyShare } from '../../data/record/zero-copy.js';
import { type TableCell, type TableColumn, type Table, WRITTEN } from './document-blocks.js';
import { heldText } from './held-in-kernel.js';
import { ceilingTexts } from './ceiling.js';
import { printable } from '../../base/text/layout.js';
import type { WorkloadKind } from '../../data/record/words.js';
import type { CellReport, Figure, ForwarderRow, Limit } from './report-types.js';
import {
  bytes,
  figure,
  isShown,
  listed,
  percent,
  ratio,
  ratioNumber,
  shortCount,
  UNAVAILABLE,
} from '../../base/units/quantity.js';
import { type FigureColumn, type Subject } from './report-types.js';
import { ratioSign } from './ratio-sign.js';
import { subjectOf } from './subject.js';

/** Why a forwarder with a figure has no ratio. */
const NO_PAIR = 'no block in which the baseline has a figure too';

/** Said below every table in which it occurs. */
const LEGEND_NO_DIFFERENCE = '~ no difference shown: the interval holds 1';
const LEGEND_EQUIVALENT =
  "= equivalent: the whole interval is within the scenario's margin (blocks.equivalent)";
const LEGEND_LOWER_BOUND =
  '≥ lower bound: the link, or source and sink on hosts of their own, limited the comparison';
const LEGEND_CO_LIMITED =
  '† co-limited: source or sink was busy on the host that it shares with the forwarder, which decides what they pay: no bound; CPU per GB decides, that of the whole system first';
const LEGEND_COMMON = {
  link: 'link: it was full, so no forwarder could go faster; compare the CPU per GB',
  pacing: 'pacing: the data came at a set rate; compare the CPU per GB',
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
  script: [],
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
 * What one cell's forwarders did, figure by figure, with a reason for each that is missing. The
 * terminal has room for the usual columns only, files have all there are figures for.
 */
export function cellTable(cell: CellReport, caption: string): Table {
  const subject = subjectOf(cell.workload);
  const usual = COLUMNS[cell.workload];
  const shown = [subject, ...usual].map(({ metric }) => metric);
  const further = FURTHER_COLUMNS.filter(
    ({ metric }) =>
      !shown.includes(metric) && cell.rows.some((row) => isShown(row.figures[metric].median)),
  );
  const baseline = isShortBaseline(cell) ? printable(cell.baseline ?? '') : 'baseline';
  return {
    kind: 'table',
    caption,
    columns: [
      { kind: 'label', title: 'forwarder', brief: ['forwarder', ''] },
      figureColumn(subject),
      {
        kind: 'figure',
        title: `ratio to ${baseline}, 95 %`,
        brief: ['ratio, 95 %', `to ${baseline}`],
      },
      ...usual.map(figureColumn),
      ...further.map((column): TableColumn => ({ ...figureColumn(column), in: WRITTEN })),
      { kind: 'word', title: 'limited by', brief: ['limited', 'by'] },
    ],
    rows: cell.rows.map((row) => ({
      cells: [
        { text: row.forwarder },
        figureCell(row.figures[subject.metric], subject.format),
        ratioCell(row, subject),
        ...[...usual, ...further].map(({ metric, format }) =>
          figureCell(row.figures[metric], format),
        ),
        limitCell(row.limit),
      ],
    })),
    notes: tableNotes(cell).map((text) => ({ text })),
  };
}

function figureColumn({ name, unit, title }: FigureColumn): TableColumn {
  return { kind: 'figure', title, brief: [name, unit] };
}

/** The signs that occur in the table, what lies behind it, and why the cell stopped. */
function tableNotes(cell: CellReport): string[] {
  const subject = subjectOf(cell.workload);
  const signs = cell.rows.map((row) =>
    row.isBaseline ? '' : intervalSign(row.figures[subject.metric]),
  );
  return [
    ...(cell.baseline !== null && !isShortBaseline(cell) ? [`baseline: ${cell.baseline}`] : []),
    ...cell.unavailable.map(
      ({ forwarder, reason }) =>
        `${forwarder}${forwarder === cell.baseline ? ', the baseline,' : ''} unavailable: ${reason}`,
    ),
    ...(signs.includes('~') ? [LEGEND_NO_DIFFERENCE] : []),
    ...(signs.includes('=') ? [LEGEND_EQUIVALENT] : []),
    ...(signs.includes('≥') ? [LEGEND_LOWER_BOUND] : []),
    ...(signs.includes('†') ? [LEGEND_CO_LIMITED] : []),
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
    return [
      `${forwarder}: the kernel sent ${percent(share)} of its zero-copy sends without copying`,
    ];
  });
}

/** A long name would widen the column. */
function isShortBaseline({ baseline }: CellReport): boolean {
  return baseline !== null && baseline.length <= 10;
}

/** Only a ratio with an interval has a sign; that two are equivalent goes before what limited them. */
function intervalSign(shown: Figure): string {
  const { ratio, ratioLow, ratioHigh, equivalent } = shown;
  if (!isShown(ratio) || !isShown(ratioLow) || !isShown(ratioHigh)) return '';
  return equivalent === true ? '=' : ratioSign(shown);
}

/** "2.31x 2.25–2.40", with its sign before. */
function ratioCell(row: ForwarderRow, { metric, moreIsBetter }: Subject): TableCell {
  if (row.isBaseline) return { text: '1' };
  const found = row.figures[metric];
  const { ratio: value, ratioLow, ratioHigh, significant, noInterval, equivalent } = found;
  if (!isShown(value)) return { text: UNAVAILABLE, note: found.reason ?? NO_PAIR };
  if (!isShown(ratioLow) || !isShown(ratioHigh)) {
    return { text: ratio(value), note: noInterval ?? 'no interval' };
  }
  const text = `${intervalSign(found)}${ratio(value)} ${ratioNumber(ratioLow)}–${ratioNumber(ratioHigh)}`;
  if (significant !== true || equivalent === true) return { text };
  return { text, tone: value > 1 === moreIsBetter ? 'good' : 'bad' };
}

function figureCell(shown: Figure, format: (value: number | null) => string): TableCell {
  return isShown(shown.median)
    ? { text: format(shown.median) }
    : { text: UNAVAILABLE, note: shown.reason ?? 'not measured' };
}

function limitCell({ bottleneck, trials, of }: Limit): TableCell {
  if (bottleneck === null) return { text: '–' };
  return trials < of
    ? { text: bottleneck, note: `in ${trials} of ${of} trials` }
    : { text: bottleneck };
}
