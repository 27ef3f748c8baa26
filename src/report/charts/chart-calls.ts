import { movedHistogram, sizeClass } from '../model/calls.js';
import { rowLabel, frame, textWidth, tooltip, WIDTH } from './chart-layout.js';
import type { Json } from '../model/chart-runtime.js';
import type { NamelessChart } from './chart.js';
import type { CellReport, ForwarderRow } from '../model/report-types.js';
import { figure, listed } from '../../base/units/quantity.js';

const ROW = 34;
const TOP = 58;
const BOTTOM = 52;

/** The share of a forwarder's calls in one size class. */
interface Share {
  k: number;
  percent: number;
}

/**
 * How many bytes the forwarders' calls moved: per forwarder the share of its calls by powers of
 * two, as shades with the figure in them. null when nothing counted calls.
 */
// eslint-disable-next-line max-lines-per-function -- one option object of a chart
export function callSizeChart(cell: CellReport): NamelessChart | null {
  const rows = cell.rows
    .map((row) => ({ row, shares: sharesOf(row) }))
    .filter(({ shares }) => shares.length > 0);
  if (rows.length === 0) return null;
  const ks = rows.flatMap(({ shares }) => shares.map(({ k }) => k));
  const least = Math.min(...ks);
  const most = Math.max(...ks);
  const classes = Array.from({ length: most - least + 1 }, (_, index) => sizeClass(least + index));
  const names = rows.map(({ row }) => rowLabel(row.forwarder));
  const data = rows.flatMap(({ row, shares }, index) =>
    shares.map(({ k, percent }): Json => {
      const range = k === 0 ? '1 B' : `${sizeClass(k - 1)} to ${sizeClass(k)}`;
      return {
        value: [k - least, index, Number(percent.toFixed(2))],
        label: {
          show: true,
          formatter: percent < 0.5 ? '·' : percent.toFixed(0),
          color: percent >= DARK_FROM ? '$paper' : '$ink',
        },
        tooltip: tooltip([row.forwarder, `${range}: ${figure(percent)} % of the calls`]),
      };
    }),
  );
  return {
    title: 'Bytes per call',
    alt: `Bytes per call; most calls moved up to: ${listed(rows.map(({ row, shares }) => `${row.forwarder} ${mostFrequent(shares)}`))}.`,
    width: WIDTH,
    height: TOP + BOTTOM + rows.length * ROW,
    option: {
      ...frame(cell, 'Bytes per call that moved data, % of the calls'),
      grid: {
        left: textWidth(names),
        right: 8,
        top: TOP,
        bottom: BOTTOM,
        outerBoundsMode: 'none',
      },
      xAxis: {
        type: 'category',
        data: classes,
        name: 'moved up to',
        nameLocation: 'middle',
        nameGap: 30,
        nameTextStyle: { color: '$muted', fontSize: 12 },
        axisLabel: { color: '$muted', fontSize: 11, hideOverlap: true },
        axisTick: { show: false },
        axisLine: { show: false },
      },
      yAxis: {
        type: 'category',
        inverse: true,
        data: names,
        axisLabel: { color: '$ink', fontSize: 12, lineHeight: 14, interval: 0 },
        axisTick: { show: false },
        axisLine: { show: false },
      },
      visualMap: {
        show: false,
        min: 0,
        max: 100,
        dimension: 2,
        inRange: { color: ['$heat0', '$heat1', '$heat2', '$heat3', '$heat4'] },
      },
      series: [
        {
          type: 'heatmap',
          data,
          itemStyle: { borderColor: '$paper', borderWidth: 2 },
          label: { fontSize: 12 },
        },
      ],
    },
  };
}

/** From this share on a shade differs so much from the page that text in the page's colour reads. */
const DARK_FROM = 80;

function sharesOf(row: ForwarderRow): Share[] {
  const histogram = movedHistogram(row.calls);
  const all = histogram.reduce((sum, calls) => sum + calls, 0);
  return histogram.flatMap((calls, k) => (calls > 0 ? [{ k, percent: (calls / all) * 100 }] : []));
}

function mostFrequent(shares: readonly Share[]): string {
  const [first, ...others] = shares;
  if (first === undefined) return '';
  return sizeClass(others.reduce((a, b) => (b.percent > a.percent ? b : a), first).k);
}
