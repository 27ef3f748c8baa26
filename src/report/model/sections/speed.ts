import { bytes, plural, UNAVAILABLE } from '../../../base/units/quantity.js';
import {
  checkText,
  ENDS_KINDS,
  type EndsKind,
  sameEnds,
} from '../../../experiment/verdict/condition.js';
import { noiseSentence } from '../../../tasks/noise/noise-text.js';
import { cellTable } from '../cell-table.js';
import { type Block, paragraph, type Section, type Table, written } from '../document-blocks.js';
import { cellsOf, needsSentence } from '../model.js';
import {
  fieldIntervalText,
  type MapField,
  mapKey,
  mapTitle,
  fieldText,
  type RatioMap,
  ratioMaps,
} from '../ratio-map.js';
import type { CellReport, RunReport } from '../report-types.js';

/** Of a matrix, so many conditions of the page are open from the start. */
const OPEN_CELLS = 4;
/** With more conditions than this the terminal draws none over time. */
const MOST_TIME_LINES = 2;

/** The forwarders of every condition side by side; different kinds of ends are never in one section. */
export function speedSections(report: RunReport): Section[] {
  return ENDS_KINDS.flatMap((kind) =>
    sameEndsIn(cellsOf(report, kind)).flatMap((cells) => speedSection(report, kind, cells)),
  );
}

/** Conditions in groups of which the figures may be put beside each other. */
function sameEndsIn(cells: readonly CellReport[]): CellReport[][] {
  const groups: CellReport[][] = [];
  for (const cell of cells) {
    const group = groups.find(([first]) => first !== undefined && sameEnds(first, cell));
    if (group === undefined) groups.push([cell]);
    else group.push(cell);
  }
  return groups;
}

function speedSection(report: RunReport, kind: EndsKind, cells: readonly CellReport[]): Section[] {
  const [first] = cells;
  if (first === undefined) return [];
  const isFirst = first === report.cells[0];
  const maps = ratioMaps(report).filter((map) => sameEnds(map.cell, first));
  return [
    {
      kind: 'section',
      heading: `Speed (${checkText(first)})`,
      blocks: [
        written(paragraph(MEANINGS[kind] + (isFirst ? '' : NOT_COMPARED), 'aside')),
        ...(isFirst ? noiseBlocks(report) : []),
        ...maps.map(mapSection),
        ...cells.map((cell, index) =>
          cellSection(report, cell, index < OPEN_CELLS, isFirst && cells.length <= MOST_TIME_LINES),
        ),
      ],
    },
  ];
}

/** What the host can tell apart, where that was measured. */
function noiseBlocks({ manifest: { noise } }: RunReport): Block[] {
  return noise === undefined ? [] : [paragraph(noiseSentence(noise), 'aside')];
}

const MEANINGS: Readonly<Record<EndsKind, string>> = {
  copied:
    'Source and sink send from and receive into ordinary buffers and look at nothing: what forwarding real bytes costs.',
  prepared: 'The sink discards what it receives, to stay out of the way: the forwarder alone.',
  checked: 'The sink compares every byte.',
};
const NOT_COMPARED = ' Not to be compared with the tables above.';

function cellSection(
  report: RunReport,
  cell: CellReport,
  open: boolean,
  overTime: boolean,
): Section {
  const heading = `${cell.title}, ${plural(cell.blocks, 'block')}`;
  const sentence: Block[] =
    cell.speed === null || !needsSentence(report, cell)
      ? []
      : [written(paragraph(cell.speed.sentence))];
  const lines: Block[] =
    overTime && cell.workload === 'stream'
      ? [
          {
            kind: 'time-lines',
            title: 'Goodput over time, Gbps (median of trials)',
            lines: cell.rows,
          },
        ]
      : [];
  return {
    kind: 'section',
    heading,
    fold: open ? 'open' : 'closed',
    blocks: [
      ...sentence,
      cellTable(cell, `Medians per forwarder: ${heading}`),
      ...ownConditionBlocks(cell, heading),
      ...lines,
      { kind: 'charts', of: cell.cell },
    ],
  };
}

/** Forwarders with another check, payload or pages: a table of their own, whose ratios are of conditions. */
function ownConditionBlocks(cell: CellReport, heading: string): Block[] {
  if (cell.ownConditions.length === 0) return [];
  const own = { ...cell, rows: cell.ownConditions, unavailable: [], stopping: null };
  const baseline = cell.baseline ?? 'the baseline';
  return [
    paragraph(
      `Under conditions of their own, in turn with the others: each ratio to ${baseline} ` +
        `(${checkText(cell)}) is one of conditions.`,
      'aside',
    ),
    cellTable(own, `Conditions of their own: ${heading}`),
  ];
}

function mapSection(map: RatioMap): Section {
  return {
    kind: 'section',
    heading: mapTitle(map),
    blocks: [
      ...map.sentences.map((sentence) => paragraph(sentence)),
      mapTable(map),
      { kind: 'charts', of: mapKey(map) },
    ],
  };
}

/** The map as a table: a row per combination. */
function mapTable(map: RatioMap): Table {
  const { rows, columns, fields, forwarder, baseline } = map;
  const figures = ['ratio', '95 %', forwarder, baseline, 'per packet'];
  return {
    kind: 'table',
    caption: mapTitle(map),
    columns: [
      { kind: 'label', title: rows.key },
      { kind: 'label', title: columns.key },
      ...figures.map((title) => ({ kind: 'figure' as const, title })),
    ],
    rows: fields.map((field) => ({
      cells: [
        field.row,
        field.column,
        fieldText(field),
        fieldIntervalText(field),
        perCallText(field.moved.forwarder),
        perCallText(field.moved.baseline),
        bytes(field.packet),
      ].map((text) => ({ text })),
    })),
    notes: [],
  };
}

function perCallText(moved: MapField['moved']['forwarder']): string {
  return moved === null ? UNAVAILABLE : `${bytes(moved.bytes)} per ${moved.call}`;
}
