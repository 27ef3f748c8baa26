/** Conditions that differ in one number only: figures along that number. */
import type { CellReport, Figure, AxisReport, AxisKind, AxisQuantity } from './report-types.js';
import { type Crossover, findCrossover } from '../../base/statistics/crossover.js';
import { formatSize } from '../../base/units/sizes.js';
import { checkText, ENDS_KINDS, endsOf, whereText } from '../../experiment/verdict/condition.js';
import {
  bytes,
  count,
  figure,
  isShown,
  ratio,
  ratioNumber,
  UNAVAILABLE,
} from '../../base/units/quantity.js';
import type { TableCell, TableColumn, Table } from './document-blocks.js';
import { EQUAL_WORK, equalWorkSentences } from './equal-work.js';
import { ratioSign } from './ratio-sign.js';
import { subjectOf } from './subject.js';
import { type StoredCell, storedCells } from './stored-scenarios.js';
import type { RunManifest } from '../../data/record/record.js';

/** Numbers of a workload that a matrix may vary. */
const KINDS: Readonly<Record<string, AxisKind>> = {
  message: { name: 'message size', quantity: 'bytes' },
  connections: { name: 'connections', quantity: 'count' },
  request: { name: 'request size', quantity: 'bytes' },
  response: { name: 'response size', quantity: 'bytes' },
  body: { name: 'body size', quantity: 'bytes' },
  pipelining: { name: 'requests under way per connection', quantity: 'count' },
  rate: { name: 'offered rate', quantity: 'bits' },
  reader: { name: 'rate of the reader', quantity: 'bits' },
  pipe: { name: 'pipe size', quantity: 'bytes' },
  buffer: { name: 'buffer size', quantity: 'bytes' },
};

/** Two points are a comparison, not a course. */
const FEWEST_POINTS = 3;

/** Every axis of a run with at least three values, real bytes first. */
export function axesOf(manifest: RunManifest, cells: readonly CellReport[]): AxisReport[] {
  const stored = new Map(storedCells(manifest).map((cell) => [cell.key, cell]));
  const found = ENDS_KINDS.flatMap((kind) =>
    axesAmong(
      stored,
      cells.filter((cell) => endsOf(cell) === kind),
    ),
  );
  return found.map((axis, index) => ({ ...axis, slug: `axis-${index + 1}` }));
}

type Stored = ReadonlyMap<string, StoredCell>;

function axesAmong(stored: Stored, cells: readonly CellReport[]): Omit<AxisReport, 'slug'>[] {
  const axes = Object.entries(KINDS).flatMap(([key, kind]) => {
    const groups = new Map<string, { x: number; cell: CellReport }[]>();
    for (const cell of cells) {
      const conditions = stored.get(cell.cell)?.conditions ?? {};
      const { [`workload.${key}`]: x, ...rest } = conditions;
      if (typeof x !== 'number' || x <= 0) continue;
      const others = JSON.stringify([cell.scenario, rest]);
      groups.set(others, [...(groups.get(others) ?? []), { x, cell }]);
    }
    return [...groups.values()].flatMap((points) => alongCells(stored, kind, points));
  });
  const options = cells.flatMap((cell) => alongOptions(stored.get(cell.cell), cell));
  return [...axes, ...options];
}

function alongCells(
  stored: Stored,
  kind: AxisKind,
  points: { x: number; cell: CellReport }[],
): Omit<AxisReport, 'slug'>[] {
  const sorted = points.toSorted((a, b) => a.x - b.x);
  const [first] = sorted;
  const baseline = first?.cell.baseline ?? null;
  if (first === undefined || baseline === null || sorted.length < FEWEST_POINTS) return [];
  const offered = kind === KINDS['rate'] && first.cell.workload === 'stream';
  const subject = offered ? EQUAL_WORK : subjectOf(first.cell.workload);
  const labels = [...new Set(sorted.flatMap(({ cell }) => cell.rows.map((row) => row.forwarder)))];
  const values = sorted.map(({ x }) => x);
  const series = labels.map((forwarder) => {
    const figures = sorted.map(
      ({ cell }) =>
        cell.rows.find((row) => row.forwarder === forwarder)?.figures[subject.metric] ?? null,
    );
    const isBaseline = forwarder === baseline;
    const none = isBaseline || !subject.moreIsBetter;
    const entries = stored.get(first.cell.cell)?.forwarders ?? [];
    const use = entries.find(({ label }) => label === forwarder)?.use ?? forwarder;
    return { forwarder, use, isBaseline, figures, crossover: crossoverOf(none, values, figures) };
  });
  const { scenario } = first.cell;
  const passed = labels.map((forwarder) => ({
    forwarder,
    gbps: sorted.map(({ cell }) => {
      const row = cell.rows.find((each) => each.forwarder === forwarder);
      return row?.figures.goodput.median ?? null;
    }),
  }));
  return [
    {
      ...{ ...kind, scenario, cell: first.cell, baseline, values, series, subject },
      passed: offered ? passed : null,
    },
  ];
}

/** Forwarders that differ in one numeric option, as `splice pipe=64KiB` and `splice pipe=1MiB` do. */
function alongOptions(
  stored: StoredCell | undefined,
  cell: CellReport,
): Omit<AxisReport, 'slug'>[] {
  const { baseline, scenario } = cell;
  if (baseline === null || stored === undefined) return [];
  const subject = subjectOf(cell.workload);
  const options = new Map(stored.forwarders.map((one) => [one.label, one]));
  return ['pipe', 'buffer'].flatMap((option) => {
    const groups = new Map<string, { x: number; use: string; figure: Figure }[]>();
    for (const row of cell.rows) {
      const entry = options.get(row.forwarder);
      const { [option]: x, ...rest } = entry?.options ?? {};
      if (entry === undefined || typeof x !== 'number') continue;
      const group =
        Object.keys(rest).length === 0 ? entry.use : `${entry.use} ${JSON.stringify(rest)}`;
      const point = { x, use: entry.use, figure: row.figures[subject.metric] };
      groups.set(group, [...(groups.get(group) ?? []), point]);
    }
    const kind = KINDS[option];
    const long = [...groups].filter(([, points]) => points.length >= FEWEST_POINTS);
    if (kind === undefined || long.length === 0) return [];
    const values = [...new Set(long.flatMap(([, points]) => points.map(({ x }) => x)))];
    values.sort((a, b) => a - b);
    const series = long.map(([forwarder, points]) => {
      const figures = values.map((x) => points.find((point) => point.x === x)?.figure ?? null);
      const crossover = crossoverOf(!subject.moreIsBetter, values, figures);
      const use = options.get(forwarder)?.use ?? points[0]?.use ?? forwarder;
      return { forwarder, use, isBaseline: false, figures, crossover };
    });
    return [{ ...kind, scenario, cell, baseline, values, series, subject, passed: null }];
  });
}

/** @param none where there is no gain to look for */
function crossoverOf(
  none: boolean,
  values: readonly number[],
  figures: readonly (Figure | null)[],
): Crossover | null {
  if (none) return null;
  return findCrossover(
    figures.flatMap((one, index) => {
      const x = values[index];
      if (one === null || x === undefined) return [];
      const { ratio: median, ratioLow: low, ratioHigh: high } = one;
      if (!isShown(median) || !isShown(low) || !isShown(high)) return [];
      return [{ x, ratio: median, low, high }];
    }),
  );
}

/** A value of the axis as people write it: 64 B, 8 KiB, 1,000, 1 Gbps. */
export function axisValue(value: number, quantity: AxisQuantity): string {
  switch (quantity) {
    case 'count':
      return Number.isInteger(value) ? count(value) : figure(value);
    case 'bits':
      return value >= 1e9 ? `${figure(value / 1e9)} Gbps` : `${figure(value / 1e6)} Mbps`;
    case 'bytes': {
      const exact = Number.isInteger(value) ? formatSize(value) : '';
      const [, number, unit] = /^(\d+)([KMGT]iB)$/.exec(exact) ?? [];
      if (number !== undefined && unit !== undefined) return `${number} ${unit}`;
      if (Number.isInteger(value)) return value < 1000 ? `${value} B` : bytes(value);
      return binary(value);
    }
  }
}

/** Sizes between measured powers of two, in the same units as those. */
function binary(value: number): string {
  const power = Math.min(3, Math.floor(Math.log2(value) / 10));
  const unit = ['B', 'KiB', 'MiB', 'GiB'][power] ?? 'B';
  return `${figure(value / 1024 ** power, 2)} ${unit}`;
}

/** What the axis answers. */
export function axisSentences(axis: AxisReport): string[] {
  const shown = (rate: number) => axisValue(rate, axis.quantity);
  return [...crossoverSentences(axis), ...equalWorkSentences(axis, shown)];
}

/** Where each forwarder begins to pay; `direct` and the baseline have no sentence. */
function crossoverSentences(axis: AxisReport): string[] {
  return axis.series.flatMap(({ forwarder, use, isBaseline, crossover }) => {
    if (isBaseline || use === 'direct' || crossover === null) return [];
    return [crossoverSentence(forwarder, crossover, axis)];
  });
}

function crossoverSentence(who: string, crossover: Crossover, axis: AxisReport): string {
  const { baseline, name, quantity, values } = axis;
  const [first, last] = [values[0] ?? 0, values.at(-1) ?? 0];
  const shown = (value: number) => axisValue(value, quantity);
  const place = whereText([axis.cell]);
  const range = `${shown(first)} to ${shown(last)}`;
  switch (crossover.kind) {
    case 'from': {
      const high = shown(crossover.high ?? crossover.from);
      const where =
        crossover.low === null ? `below ${high}` : `between ${shown(crossover.low)} and ${high}`;
      return (
        `${who} pays from ${shown(crossover.from)} ${place} (${name}; ` +
        `its ratio to ${baseline} crosses 1 ${where}, 95 %).`
      );
    }
    case 'always':
      return `${who} always pays ${place}: it is faster than ${baseline} at every ${name} from ${range}.`;
    case 'never':
      // No gain shown is not the same as none there.
      return crossover.slower
        ? `${who} never pays ${place}: it is slower than ${baseline} at every ${name} (${range}).`
        : `${who} is not shown to pay ${place}: even at the largest ${name}, ${shown(last)}, no gain over ${baseline} is shown.`;
    case 'not-monotone':
      return (
        `${who} has no single crossover ${place}, its ratio is not monotone: faster than ` +
        `${baseline} at ${shown(crossover.gain)}, slower at ${shown(crossover.loss)} (${name}).`
      );
    case 'unknown':
      return `It is not known from which ${name} on ${who} pays: too few values have an interval.`;
  }
}

/** "Ratio to copy along the message size (message-size, check: none)" */
export function axisTitle({ baseline, name, scenario, cell, ...axis }: AxisReport): string {
  const of = axis.passed === null ? '' : ' of CPU per GB';
  return `Ratio${of} to ${baseline} along the ${name} (${scenario}, ${checkText(cell)})`;
}

/** Ratios along the axis: a row per value, a column per forwarder but the baseline, then its Gbps. */
export function axisTable(axis: AxisReport): Table {
  const compared = axis.series.filter(({ isBaseline }) => !isBaseline);
  const baseline = axis.series.find(({ isBaseline }) => isBaseline);
  return {
    kind: 'table',
    caption: axisTitle(axis),
    columns: [
      { kind: 'label', title: axis.name, repeat: true },
      ...(baseline === undefined
        ? []
        : [figureColumn(`${axis.baseline}, ${axis.subject.unit}`, true)]),
      ...compared.map(({ forwarder }) => figureColumn(forwarder, false)),
    ],
    rows: axis.values.map((value, index) => ({
      cells: [
        { text: axisValue(value, axis.quantity) },
        ...(baseline === undefined
          ? []
          : [{ text: figure(baseline.figures[index]?.median ?? null) }]),
        ...compared.map(({ figures }) => ratioCell(figures[index] ?? null)),
      ],
    })),
    notes: [],
  };
}

function figureColumn(title: string, repeat: boolean): TableColumn {
  return { kind: 'figure', title, repeat };
}

function ratioCell(one: Figure | null): TableCell {
  if (one === null || !isShown(one.ratio)) return { text: UNAVAILABLE };
  const brief = `${ratioSign(one)}${ratio(one.ratio)}`;
  if (!isShown(one.ratioLow) || !isShown(one.ratioHigh)) return { text: brief };
  return { text: `${brief} ${ratioNumber(one.ratioLow)}–${ratioNumber(one.ratioHigh)}`, brief };
}
