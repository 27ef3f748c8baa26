import { errorBars, frame, rowAxes, rowsHeight, short, tooltip, WIDTH } from './chart-layout.js';
import type { Json, JsonObject } from './chart-runtime.js';
import { intervals, said, withInterval } from './chart-speed.js';
import type { NamelessChart } from './charts.js';
import type { CellReport } from './model.js';
import { figure, isShown } from './quantity.js';

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
  const own = cell.rows.map((row) => row.figures.forwarder_cpu_per_gb);
  const system = cell.rows.map((row) => row.figures.system_cpu_per_gb);
  if (![...own, ...system].some(({ median }) => isShown(median))) return null;
  const texts = cell.rows.map(
    (_, index) =>
      `${figure(own[index]?.median ?? null)} / ${figure(system[index]?.median ?? null)}`,
  );
  const bars = (name: string, color: string, metric: 'own' | 'system'): JsonObject => ({
    type: 'bar',
    name,
    barWidth: BAR,
    barGap: `${(GAP / BAR) * 100}%`,
    itemStyle: { color },
    data: cell.rows.map((row, index): Json => {
      const one = (metric === 'own' ? own : system)[index];
      return {
        value: one !== undefined && isShown(one.median) ? short(one.median) : null,
        tooltip: tooltip([
          row.forwarder,
          `${name}: ${one === undefined ? '' : withInterval(one, 's/GB')}`,
        ]),
      };
    }),
  });
  return {
    title: 'CPU per GB',
    alt: `CPU seconds per GB, of the forwarder and of the whole system: ${said(cell.rows, texts)}.`,
    width: WIDTH,
    height: rowsHeight(cell.rows.length, LEGEND),
    option: {
      ...frame(cell, 'CPU seconds per GB, median and 95 % interval'),
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
      ...rowAxes(
        cell.rows.map((row) => row.forwarder),
        texts,
        { type: 'value', name: 'CPU s/GB', min: 0 },
        LEGEND,
      ),
      series: [
        bars('forwarder', '$bar', 'own'),
        bars('whole system', '$barSecond', 'system'),
        errorBars([...intervals(own, -OFFSET), ...intervals(system, OFFSET)]),
      ],
    },
  };
}
