import { short } from '../../base/units/quantity.js';
import { errorBars, frame, rowAxes, rowsHeight, tooltip, WIDTH } from './chart-layout.js';
import type { Json, JsonObject } from '../model/chart-runtime.js';
import { intervals, withInterval } from './chart-speed.js';
import type { NamelessChart } from './chart.js';
import type { CellReport, Figure } from '../model/report-types.js';
import { figure, isShown, listed } from '../../base/units/quantity.js';

const BAR = 10;
const GAP = 2;
/** Pixels from the middle of a row to the middle of either bar. */
const OFFSET = (BAR + GAP) / 2;
const LEGEND = 26;

/**
 * CPU seconds per GB: the forwarder's own beside the whole system's, since zero copy moves cost
 * into the kernel's other work. null when neither is known.
 */
export function costChart(cell: CellReport): NamelessChart | null {
  const rows = cell.rows.map(({ forwarder, figures }) => ({
    label: forwarder,
    own: figures.forwarder_cpu_per_gb,
    system: figures.system_cpu_per_gb,
  }));
  return pairedBars(cell, rows, COST);
}

/** What a chart of two bars a row is about. */
interface PairedBars {
  title: string;
  /** Over the chart. */
  heading: string;
  /** For those who cannot see it. */
  told: string;
  unit: string;
  axis: string;
}

const COST: PairedBars = {
  title: 'CPU per GB',
  heading: 'CPU seconds per GB, median and 95 % interval',
  told: 'CPU seconds per GB, of the forwarder and of the whole system',
  unit: 's/GB',
  axis: 'CPU s/GB',
};

/** The forwarder's part beside the whole system's, row by row; null when neither is known. */
export function pairedBars(
  cell: CellReport,
  rows: readonly { label: string; own: Figure; system: Figure }[],
  { title, heading, told, unit, axis }: PairedBars,
): NamelessChart | null {
  const own = rows.map((row) => row.own);
  const system = rows.map((row) => row.system);
  if (![...own, ...system].some(({ median }) => isShown(median))) return null;
  const texts = rows.map((row) => `${figure(row.own.median)} / ${figure(row.system.median)}`);
  const bars = (name: string, color: string, metric: 'own' | 'system'): JsonObject => ({
    type: 'bar',
    name,
    barWidth: BAR,
    barGap: `${(GAP / BAR) * 100}%`,
    itemStyle: { color },
    data: rows.map((row): Json => {
      const one = row[metric];
      return {
        value: isShown(one.median) ? short(one.median) : null,
        tooltip: tooltip([row.label, `${name}: ${withInterval(one, unit)}`]),
      };
    }),
  });
  const labels = rows.map(({ label }) => label);
  return {
    title,
    alt: `${told}: ${listed(labels.map((label, index) => `${label} ${texts[index] ?? ''}`))}.`,
    width: WIDTH,
    height: rowsHeight(rows.length, LEGEND),
    option: {
      ...frame(cell, heading),
      legend: {
        data: ['forwarder', 'whole system'],
        left: 0,
        top: 48,
        icon: 'rect',
        itemWidth: 14,
        itemHeight: 10,
        selectedMode: false,
        textStyle: { color: '$ink', fontSize: 12 },
      },
      ...rowAxes(labels, texts, { type: 'value', name: axis, min: 0 }, LEGEND),
      series: [
        bars('forwarder', '$bar', 'own'),
        bars('whole system', '$barSecond', 'system'),
        errorBars([...intervals(own, -OFFSET), ...intervals(system, OFFSET)]),
      ],
    },
  };
}
