/** Conditions that differ in one number only: figures along that number. */
import { type Crossover, findCrossover } from '../statistics/crossover.js';
import { formatSize } from '../scenario/sizes.js';
import { placeOf } from './condition.js';
import type { CellReport, Figure } from './model.js';
import { bytes, count, figure, isShown, ratio, ratioNumber } from './quantity.js';
import { EQUAL_WORK, equalWorkSentences } from './equal-work.js';
import { type Subject, subjectOf } from './subject.js';
import { type StoredCell, storedCells } from './stored-scenarios.js';
import type { Check, RunManifest } from '../results/record.js';

/** What a number of the workload is: how its values are written. */
type Quantity = 'bytes' | 'count' | 'bits';

interface AxisKind {
  name: string;
  quantity: Quantity;
}

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

/** One forwarder along the axis. */
export interface AxisSeries {
  forwarder: string;
  isBaseline: boolean;
  /** One per value of the axis; null where it has no figure. */
  figures: (Figure | null)[];
  crossover: Crossover | null;
}

export interface AxisReport extends AxisKind {
  /** Unique in the run: letters, digits and dashes. */
  slug: string;
  scenario: string;
  check: Check;
  /** What the conditions have in common, for the title. */
  cell: CellReport;
  baseline: string;
  /** Ascending. */
  values: number[];
  series: AxisSeries[];
  /** The figure that the series are of. */
  subject: Subject;
  /** Of offered rates: Gbps that arrived at each; null for other axes. */
  passed: { forwarder: string; gbps: (number | null)[] }[] | null;
}

/** Every axis of a run with at least three values, those of `check: none` first. */
export function axesOf(manifest: RunManifest, cells: readonly CellReport[]): AxisReport[] {
  const stored = new Map(storedCells(manifest).map((cell) => [cell.key, cell]));
  const found = (['none', 'full'] as const).flatMap((check) =>
    axesAmong(
      stored,
      cells.filter((cell) => cell.check === check),
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
    return [...groups.values()].flatMap((points) => alongCells(kind, points));
  });
  const options = cells.flatMap((cell) => alongOptions(stored.get(cell.cell), cell));
  return [...axes, ...options];
}

function alongCells(
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
    return { forwarder, isBaseline, figures, crossover: crossoverOf(none, values, figures) };
  });
  const { scenario, check } = first.cell;
  const passed = labels.map((forwarder) => ({
    forwarder,
    gbps: sorted.map(({ cell }) => {
      const row = cell.rows.find((each) => each.forwarder === forwarder);
      return row?.figures.goodput.median ?? null;
    }),
  }));
  return [
    {
      ...{ ...kind, scenario, check, cell: first.cell, baseline, values, series, subject },
      passed: offered ? passed : null,
    },
  ];
}

/** Forwarders that differ in one numeric option, as `splice pipe=64KiB` and `splice pipe=1MiB` do. */
function alongOptions(
  stored: StoredCell | undefined,
  cell: CellReport,
): Omit<AxisReport, 'slug'>[] {
  const { baseline, scenario, check } = cell;
  if (baseline === null || stored === undefined) return [];
  const subject = subjectOf(cell.workload);
  const options = new Map(stored.forwarders.map((one) => [one.label, one]));
  return ['pipe', 'buffer'].flatMap((option) => {
    const groups = new Map<string, { x: number; figure: Figure }[]>();
    for (const row of cell.rows) {
      const entry = options.get(row.forwarder);
      const { [option]: x, ...rest } = entry?.options ?? {};
      if (entry === undefined || typeof x !== 'number') continue;
      const group =
        Object.keys(rest).length === 0 ? entry.use : `${entry.use} ${JSON.stringify(rest)}`;
      const point = { x, figure: row.figures[subject.metric] };
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
      return { forwarder, isBaseline: false, figures, crossover };
    });
    return [{ ...kind, scenario, check, cell, baseline, values, series, subject, passed: null }];
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
export function axisValue(value: number, quantity: Quantity): string {
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
  return axis.series.flatMap(({ forwarder, isBaseline, crossover }) => {
    if (isBaseline || forwarder === 'direct' || crossover === null) return [];
    return [crossoverSentence(forwarder, crossover, axis)];
  });
}

function crossoverSentence(who: string, crossover: Crossover, axis: AxisReport): string {
  const { baseline, name, quantity, values } = axis;
  const [first, last] = [values[0] ?? 0, values.at(-1) ?? 0];
  const shown = (value: number) => axisValue(value, quantity);
  const place = placeOf([axis.cell]);
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
        : `${who} is not shown to pay ${place}: no gain over ${baseline} at the largest ${name}, ${shown(last)}, can be told from chance.`;
    case 'not-monotone':
      return (
        `${who} has no one crossover ${place}, its course is not monotone: faster than ` +
        `${baseline} at ${shown(crossover.gain)}, slower at ${shown(crossover.loss)} (${name}).`
      );
    case 'unknown':
      return `From which ${name} on ${who} pays is not known: too few values have an interval.`;
  }
}

/** "Ratio to copy along the message size (message-size, check: none)" */
export function axisTitle({ baseline, name, scenario, check, ...axis }: AxisReport): string {
  const of = axis.passed === null ? '' : ' of CPU per GB';
  return `Ratio${of} to ${baseline} along the ${name} (${scenario}, check: ${check})`;
}

/** Ratios along the axis: a row per value, a column per forwarder but the baseline, then its Gbps. */
export function axisTable(
  axis: AxisReport,
  intervals: boolean,
): { head: string[]; rows: string[][] } {
  const compared = axis.series.filter(({ isBaseline }) => !isBaseline);
  const baseline = axis.series.find(({ isBaseline }) => isBaseline);
  const rows = axis.values.map((value, index) => [
    axisValue(value, axis.quantity),
    ...(baseline === undefined ? [] : [figure(baseline.figures[index]?.median ?? null)]),
    ...compared.map(({ figures }) => ratioCell(figures[index] ?? null, intervals)),
  ]);
  const head = [
    axis.name,
    ...(baseline === undefined ? [] : [`${axis.baseline}, ${axis.subject.unit}`]),
    ...compared.map(({ forwarder }) => forwarder),
  ];
  return { head, rows };
}

function ratioCell(one: Figure | null, intervals: boolean): string {
  if (one === null || !isShown(one.ratio)) return 'n/a';
  const sign = one.significant === false ? '~' : one.lowerBound ? '≥' : '';
  const known = intervals && isShown(one.ratioLow) && isShown(one.ratioHigh);
  const interval = known ? ` ${ratioNumber(one.ratioLow)}–${ratioNumber(one.ratioHigh)}` : '';
  return `${sign}${ratio(one.ratio)}${interval}`;
}
