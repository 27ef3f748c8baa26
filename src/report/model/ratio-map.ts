/**
 * Two conditions against each other: where a scenario varies two things, the ratio of every
 * combination at a glance, with where it crosses 1 and what was counted there. Pure.
 */
import { isUsable } from '../../experiment/verdict/summary.js';
import { endsOf, variedBesides } from '../../experiment/verdict/condition.js';
import type { CellReport, Figure, ForwarderRow, RunReport } from './report-types.js';
import { bytes, isShown, listed, ratio, ratioNumber } from '../../base/units/quantity.js';
import { ratioSign } from './ratio-sign.js';
import { registryUse } from './stored-scenarios.js';

/** One of the two things that vary. */
export interface Axis {
  /** As in the matrix, without its section: "mtu". */
  key: string;
  /** Numbers by size, words by letter. */
  values: string[];
}

/** One combination. */
export interface MapField {
  row: string;
  column: string;
  goodput: Figure;
  /** Bytes that a call of each forwarder moved, and bytes of a packet on its way to it. */
  moved: { forwarder: PerCall | null; baseline: PerCall | null };
  packet: number | null;
}

/** "41 kB per splice" */
interface PerCall {
  call: string;
  bytes: number;
}

export interface RatioMap {
  scenario: string;
  /** Whose ratio it is, and to whom. */
  forwarder: string;
  baseline: string;
  rows: Axis;
  columns: Axis;
  fields: MapField[];
  /** What the map says, in words. */
  sentences: string[];
  /** The first of its cells, for what they have in common. */
  cell: CellReport;
}

/** The maps of a run: one per scenario and kind of ends that varies exactly two things. */
export function ratioMaps(report: RunReport): RatioMap[] {
  const groups = new Map<string, CellReport[]>();
  for (const cell of report.cells) {
    const key = JSON.stringify([cell.scenario, endsOf(cell)]);
    groups.set(key, [...(groups.get(key) ?? []), cell]);
  }
  return [...groups.values()].flatMap((cells) => {
    const map = mapOf(report, cells);
    return map === null ? [] : [map];
  });
}

/** "offloads: splice over copy, by offloads and mtu" */
export function mapTitle({ scenario, forwarder, baseline, rows, columns }: RatioMap): string {
  return `${scenario}: ${forwarder} over ${baseline}, by ${rows.key} and ${columns.key}`;
}

/** The key of a map among the charts; no cell is called like it. */
export function mapKey({ scenario, cell }: RatioMap): string {
  return `${scenario} map ${endsOf(cell) === 'copied' ? 'copied' : cell.check}`;
}

/** A ratio as it stands in a field: "2.10x", "† 2.10x", "~ 1.01x", "n/a". */
export function fieldText({ goodput }: MapField): string {
  if (!isShown(goodput.ratio)) return ratio(null);
  const sign = ratioSign(goodput);
  return `${sign}${sign === '' ? '' : ' '}${ratio(goodput.ratio)}`;
}

/** Its interval, "2.02 to 2.18"; empty where there is none. */
export function fieldIntervalText({ goodput }: MapField): string {
  if (!isShown(goodput.ratioLow) || !isShown(goodput.ratioHigh)) return '';
  return `${ratioNumber(goodput.ratioLow)} to ${ratioNumber(goodput.ratioHigh)}`;
}

/** What was counted: "41 kB per splice, 41 kB per packet"; empty where nothing was. */
export function countedText({ moved, packet }: MapField): string {
  return [
    ...(moved.forwarder === null ? [] : [perCallText(moved.forwarder)]),
    ...(packet === null ? [] : [`${bytes(packet)} per packet`]),
  ].join(', ');
}

function perCallText({ call, bytes: size }: PerCall): string {
  return `${bytes(size)} per ${call}`;
}

function mapOf(report: RunReport, cells: readonly CellReport[]): RatioMap | null {
  const keys = cells.map((cell) => new Map(variedBesides(cell)));
  const names = [...new Set(keys.flatMap((map) => [...map.keys()]))];
  const axes = names.map((key): Axis => ({
    key,
    values: [...new Set(keys.map((map) => map.get(key) ?? ''))].sort((a, b) =>
      a.localeCompare(b, 'en', { numeric: true }),
    ),
  }));
  const [rows, columns, ...more] = axes.filter(({ values }) => values.length > 1);
  const [cell] = cells;
  if (rows === undefined || columns === undefined || cell === undefined) return null;
  if (more.length > 0 || cells.length !== rows.values.length * columns.values.length) return null;
  const forwarder = subjectOf(report, cells);
  const baseline = cell.baseline;
  if (forwarder === null || baseline === null) return null;
  const fields = cells.map((one, index): MapField => {
    const at = (key: string) => keys[index]?.get(key) ?? '';
    return fieldOf(report, one, forwarder, baseline, at(rows.key), at(columns.key));
  });
  const { scenario } = cell;
  const map = { scenario, forwarder, baseline, rows, columns, fields, cell };
  return { ...map, sentences: sentencesOf(map) };
}

/** Splicing is what the question is about; without it the first that is compared. */
function subjectOf(report: RunReport, cells: readonly CellReport[]): string | null {
  const useOf = registryUse(report.manifest);
  const labels = report.forwarders.filter((label) =>
    cells.every((cell) =>
      cell.rows.some((row) => row.forwarder === label && row.forwarder !== cell.baseline),
    ),
  );
  const scenario = cells[0]?.scenario ?? '';
  const by = (wanted: (use: string) => boolean) =>
    labels.find((label) => wanted(useOf(scenario, label)));
  return by((use) => use === 'splice') ?? by((use) => use !== 'direct') ?? null;
}

function fieldOf(
  report: RunReport,
  cell: CellReport,
  forwarder: string,
  baseline: string,
  row: string,
  column: string,
): MapField {
  const own = cell.rows.find((one) => one.forwarder === forwarder);
  const other = cell.rows.find((one) => one.forwarder === baseline);
  const packets = report.trials
    .filter((trial) => trial.cell === cell.cell && trial.forwarder === forwarder)
    .filter(isUsable)
    .flatMap((trial) => (isShown(trial.bytes_per_packet) ? [trial.bytes_per_packet] : []));
  return {
    row,
    column,
    goodput: own?.figures.goodput ?? NONE,
    moved: { forwarder: perCall(own), baseline: perCall(other) },
    packet: packets.length === 0 ? null : middle(packets),
  };
}

const NONE: Figure = {
  median: null,
  low: null,
  high: null,
  ratio: null,
  ratioLow: null,
  ratioHigh: null,
  significant: null,
  lowerBound: false,
  coLimited: false,
  n: 0,
  reason: 'not measured',
  noInterval: null,
};

/** Of the call that moved most; calls that moved nothing do not count. */
function perCall(row: ForwarderRow | undefined): PerCall | null {
  const [most] = [...(row?.calls ?? [])].sort((a, b) => b.bytes - a.bytes);
  if (most === undefined) return null;
  const moving = most.histogram.reduce((sum, calls) => sum + calls, 0);
  return moving === 0 ? null : { call: most.name, bytes: most.bytes / moving };
}

function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

type Unsaid = Omit<RatioMap, 'sentences'>;

function sentencesOf(map: Unsaid): string[] {
  const known = map.fields.filter(({ goodput }) => isShown(goodput.ratio));
  const sorted = [...known].sort((a, b) => (b.goodput.ratio ?? 0) - (a.goodput.ratio ?? 0));
  const [best, worst] = [sorted[0], sorted.at(-1)];
  if (best === undefined || worst === undefined) return ['No combination gave a ratio.'];
  const told = (field: MapField) => {
    const counted = countedText(field);
    return `${fieldText(field)} with ${nameOf(map, field)}${counted === '' ? '' : ` (${counted})`}`;
  };
  return [
    `${map.forwarder} over ${map.baseline}: ${told(best)}; ${told(worst)}.`,
    crossover(map, known),
  ];
}

function nameOf({ rows, columns }: Unsaid, field: MapField): string {
  return `${rows.key}=${field.row}, ${columns.key}=${field.column}`;
}

/**
 * Where the ratio crosses 1, by what a call moves if that tells the two sides apart, else by name.
 * Only ratios whose interval leaves 1 out count as either side.
 */
function crossover(map: Unsaid, fields: readonly MapField[]): string {
  const proven = fields.filter(({ goodput }) => goodput.significant === true);
  if (proven.length === 0) {
    return 'Crossover: undecided, every interval holds 1.';
  }
  const pays = proven.filter(({ goodput }) => (goodput.ratio ?? 0) > 1);
  const not = fields.filter((field) => !pays.includes(field));
  if (not.length === 0) return `Crossover: none, ${map.forwarder} pays in every combination.`;
  if (pays.length === 0) {
    return `Crossover: none, ${map.forwarder} is not shown to pay in any combination.`;
  }
  const least = smallest(pays);
  const most = largest(not);
  const by = listed(pays.map((field) => nameOf(map, field)).map((name) => `(${name})`));
  if (least === null || most === null || least.bytes <= most.bytes) {
    return `Crossover: ${map.forwarder} pays with ${by} and is not shown to pay elsewhere; the bytes per call do not explain it.`;
  }
  return `Crossover: ${map.forwarder} pays where a call moves ${bytes(least.bytes)} or more, ${by}, and is not shown to pay where a call moves ${bytes(most.bytes)} or less.`;
}

function sizes(fields: readonly MapField[]): PerCall[] {
  return fields.flatMap(({ moved }) => (moved.forwarder === null ? [] : [moved.forwarder]));
}

function smallest(fields: readonly MapField[]): PerCall | null {
  return sizes(fields).sort((a, b) => a.bytes - b.bytes)[0] ?? null;
}

function largest(fields: readonly MapField[]): PerCall | null {
  return sizes(fields).sort((a, b) => b.bytes - a.bytes)[0] ?? null;
}
