import { short } from '../../base/units/quantity.js';
import { errorBars, frame, rowAxes, rowsHeight, tooltip, WIDTH } from './chart-layout.js';
import { axisEnd, ceilingLines, ceilingRoom, ceilingTexts } from '../model/ceiling.js';
import type { Json, JsonObject } from '../model/chart-runtime.js';
import type { NamelessChart } from './chart.js';
import type { CellReport, Figure, ForwarderRow } from '../model/report-types.js';
import {
  UNAVAILABLE,
  figure,
  isShown,
  listed,
  ratio,
  ratioNumber,
} from '../../base/units/quantity.js';
import { ratioSign } from '../model/ratio-sign.js';
import { subjectOf } from '../model/subject.js';

const BAR = 16;

/** What the cell is about, per forwarder as bars, with intervals; null when there is no figure. */
export function subjectBars(cell: CellReport): NamelessChart | null {
  const { metric, heading, unit } = subjectOf(cell.workload);
  const figures = cell.rows.map((row) => row.figures[metric]);
  if (!figures.some(({ median }) => isShown(median))) return null;
  const texts = figures.map((one) => withInterval(one, unit));
  const data = cell.rows.map((row, index): Json => {
    const { median } = row.figures[metric];
    return {
      value: isShown(median) ? short(median) : null,
      itemStyle: { color: row.isBaseline ? '$barBaseline' : '$bar' },
      tooltip: tooltip([row.forwarder, texts[index] ?? '']),
    };
  });
  const { ceilings } = cell;
  const lines = ceilingLines(ceilings, 'xAxis');
  const room = ceilingRoom(ceilings);
  const end = axisEnd(
    ceilings,
    Math.max(...figures.flatMap((one) => [one.median, one.high].filter(isShown))),
  );
  const scale = { type: 'value', name: unit, min: 0, ...(end === null ? {} : { max: end }) };
  const bars = { type: 'bar', barWidth: BAR, data, ...(lines === null ? {} : { markLine: lines }) };
  const known = ceilingTexts(ceilings);
  return {
    title: heading,
    alt: `${heading}, median: ${said(cell.rows, texts)}.${known.length === 0 ? '' : ` Ceilings: ${listed(known)}.`}`,
    width: WIDTH,
    height: rowsHeight(cell.rows.length, room),
    option: {
      ...frame(cell, `${heading}, median and 95 % interval`),
      ...rowAxes(labels(cell), texts, scale, room),
      series: [bars, errorBars(intervals(figures))],
    },
  };
}

/** Ratio to the baseline as points with intervals, and the line at 1; null without a ratio. */
export function ratioChart(cell: CellReport): NamelessChart | null {
  const { metric, heading } = subjectOf(cell.workload);
  const rows = cell.rows.filter((row) => isShown(row.figures[metric].ratio) && !row.isBaseline);
  if (rows.length === 0 || cell.baseline === null) return null;
  const figures = rows.map((row) => row.figures[metric]);
  const texts = figures.map(ratioText);
  const data = rows.map((row, index): Json => {
    const one = row.figures[metric];
    const color = one.significant === true ? '$bar' : '$barBaseline';
    return {
      value: [short(one.ratio ?? 1), index],
      itemStyle: { color, opacity: 1 },
      tooltip: tooltip([row.forwarder, texts[index] ?? '']),
    };
  });
  const ends = figures.flatMap((one) => [one.ratio, one.ratioLow, one.ratioHigh].filter(isShown));
  return {
    title: `${heading} as a ratio to ${cell.baseline}`,
    alt: `Ratio of ${inSentence(heading)} to ${cell.baseline}: ${said(rows, texts)}.`,
    width: WIDTH,
    height: rowsHeight(rows.length),
    option: {
      ...frame(cell, `${heading} as a ratio to the baseline, paired by block, 95 % interval`),
      ...rowAxes(
        rows.map((row) => row.forwarder),
        texts,
        { name: `ratio to ${cell.baseline}`, ...ratioScale(ends) },
      ),
      series: [
        {
          type: 'scatter',
          symbolSize: 10,
          data,
          z: 6,
          markLine: {
            silent: true,
            symbol: 'none',
            label: { show: false },
            lineStyle: { color: '$ink', type: 'solid', width: 1 },
            data: [{ xAxis: 1 }],
          },
        },
        errorBars(
          figures.flatMap((one, index) =>
            isShown(one.ratioLow) && isShown(one.ratioHigh)
              ? [[index, short(one.ratioLow), short(one.ratioHigh), 0] as const]
              : [],
          ),
        ),
      ],
    },
  };
}

/** Ratios multiply, so a wide range gets a logarithmic axis; a narrow one is clearer without. */
function ratioScale(ends: readonly number[]): JsonObject {
  const low = Math.min(1, ...ends);
  const high = Math.max(1, ...ends);
  if (low > 0 && high / low > WIDE) {
    return {
      type: 'log',
      logBase: 2,
      min: 2 ** Math.floor(Math.log2(low)),
      max: 2 ** Math.ceil(Math.log2(high)),
    };
  }
  const margin = Math.max((high - low) * 0.05, 0.01);
  const unit = [0.02, 0.1, 0.5].find((step) => (high - low) / step < 10) ?? 1;
  return {
    type: 'value',
    min: Math.max(0, outward(low - margin, unit, -1)),
    max: outward(high + margin, unit, 1),
  };
}

const WIDE = 6;

function inSentence(heading: string): string {
  return heading.charAt(0).toLowerCase() + heading.slice(1);
}

/** To the next multiple of `unit`, so that the axis ends at round numbers. */
function outward(value: number, unit: number, direction: 1 | -1): number {
  const steps = value / unit;
  const whole = direction > 0 ? Math.ceil(steps - 1e-9) : Math.floor(steps + 1e-9);
  return Number((whole * unit).toFixed(2));
}

function ratioText(one: Figure): string {
  const sign = ratioSign(one);
  const interval =
    isShown(one.ratioLow) && isShown(one.ratioHigh)
      ? ` (${ratioNumber(one.ratioLow)}–${ratioNumber(one.ratioHigh)})`
      : '';
  return `${sign}${sign === '' ? '' : ' '}${ratio(one.ratio)}${interval}`;
}

/** "36.9 (35.1–38.2)", or n/a; the unit stands at the axis. */
export function withInterval(one: Figure, unit = ''): string {
  if (!isShown(one.median)) return UNAVAILABLE;
  const value = figure(one.median);
  const known = isShown(one.low) && isShown(one.high);
  const interval = known ? ` (${figure(one.low)}–${figure(one.high)})` : '';
  return `${value}${interval}${unit === '' ? '' : ` ${unit}`}`;
}

/** Intervals of medians as data of `errorBars`. */
export function intervals(
  figures: readonly Figure[],
  offset = 0,
): (readonly [number, number, number, number])[] {
  return figures.flatMap((one, index) =>
    isShown(one.low) && isShown(one.high)
      ? [[index, short(one.low), short(one.high), offset] as const]
      : [],
  );
}

function labels(cell: CellReport): string[] {
  return cell.rows.map((row) => row.forwarder);
}

/** "splice 36.9 (35.1–38.2) Gbps, copy …" for those who cannot see the chart. */
function said(rows: readonly ForwarderRow[], texts: readonly string[]): string {
  return listed(rows.map((row, index) => `${row.forwarder} ${texts[index] ?? UNAVAILABLE}`));
}
