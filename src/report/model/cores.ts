/** CPU cores that a rate takes, of every forwarder of a condition: what a user plans with. */
import { coresFor } from '../../base/units/cores.js';
import { sameEnds } from '../../experiment/verdict/condition.js';
import { figure, isShown, UNAVAILABLE } from '../../base/units/quantity.js';
import type { TableCell, Table } from './document-blocks.js';
import type { CellReport, Figure, ForwarderRow, RunReport } from './report-types.js';

/** Gbps of 10^9 bit/s: what servers carried in 2008, and what their cards carry today. */
const RATES = [3, 10, 25, 100] as const;

/** With more forwarders than this the chart has the baseline and the one that takes least. */
const MOST_DRAWN = 4;

/** What one forwarder takes at one rate, cores. */
interface CoresAt {
  forwarder: string;
  gbps: number;
  own: Figure;
  system: Figure;
}

/** The conditions of which cores are told: streams with costs, where one stands for its kind of ends. */
export function coresCells(report: RunReport): CellReport[] {
  return report.cells.filter(
    (cell) =>
      cell.workload === 'stream' &&
      forwardersOf(cell).length > 1 &&
      !report.cells.some((other) => other !== cell && sameEnds(other, cell)),
  );
}

/** The key of a condition's chart of cores; no cell is called like it. */
export function coresKey({ cell }: CellReport): string {
  return `${cell} cores`;
}

/** Those whose cost is known; without a forwarder there is nothing to plan. */
function forwardersOf(cell: CellReport): ForwarderRow[] {
  return cell.rows.filter(({ figures }) => isShown(figures.forwarder_cpu_per_gb.median));
}

/** What the chart draws, by rate. */
export function coresDrawn(cell: CellReport): CoresAt[] {
  const rows = forwardersOf(cell);
  const cost = ({ figures }: ForwarderRow) => figures.system_cpu_per_gb.median ?? Infinity;
  const [least] = rows
    .filter(({ isBaseline }) => !isBaseline)
    .toSorted((a, b) => cost(a) - cost(b));
  const drawn =
    rows.length <= MOST_DRAWN ? rows : rows.filter((row) => row.isBaseline || row === least);
  return RATES.flatMap((gbps) => drawn.map((row) => coresAt(row, gbps)));
}

function coresAt({ forwarder, figures }: ForwarderRow, gbps: number): CoresAt {
  return {
    forwarder,
    gbps,
    own: scaled(figures.forwarder_cpu_per_gb, gbps),
    system: scaled(figures.system_cpu_per_gb, gbps),
  };
}

function scaled(perGb: Figure, gbps: number): Figure {
  const cores = (value: number | null) => (value === null ? null : coresFor(gbps, value));
  return { ...perGb, median: cores(perGb.median), low: cores(perGb.low), high: cores(perGb.high) };
}

/** A row per forwarder, two columns per rate. */
export function coresTable(cell: CellReport): Table {
  return {
    kind: 'table',
    caption: `Cores for a rate: ${cell.title}`,
    columns: [
      { kind: 'label', title: 'forwarder' },
      ...RATES.flatMap((gbps) =>
        [`${gbps} Gbps, whole system`, 'the forwarder'].map((title) => ({
          kind: 'figure' as const,
          title,
        })),
      ),
    ],
    rows: forwardersOf(cell).map((row) => ({
      cells: [
        { text: row.forwarder },
        ...RATES.map((gbps) => coresAt(row, gbps)).flatMap(({ own, system }) => [
          coresCell(system),
          coresCell(own),
        ]),
      ],
    })),
    notes: [],
  };
}

function coresCell({ median, low, high }: Figure): TableCell {
  if (!isShown(median)) return { text: UNAVAILABLE };
  const interval = isShown(low) && isShown(high) ? ` (${figure(low, 2)}–${figure(high, 2)})` : '';
  return { text: `${figure(median, 2)}${interval}` };
}
