import { short } from '../../base/units/quantity.js';
import { frame, textWidth, tooltip, WIDTH } from './chart-layout.js';
import type { Json } from '../model/chart-runtime.js';
import type { Chart } from './chart.js';
import { isShown, listed } from '../../base/units/quantity.js';
import {
  countedText,
  fieldIntervalText,
  type MapField,
  fieldText,
  type RatioMap,
} from '../model/ratio-map.js';

const ROW = 76;
const TOP = 58;
const BOTTOM = 52;

/** From this distance to 1 on, as a logarithm to base 2, the colour is at its fullest. */
const FULL = 1.2;
/** From this share of FULL on a shade is so dark that text in the page's colour reads. */
const DARK_FROM = 0.6;

/** The ratio of every combination as a heat map: above 1 one colour, below 1 another. */
// eslint-disable-next-line max-lines-per-function -- one option object of a chart
export function mapChart(map: RatioMap, name: string): Chart {
  const { rows, columns, fields } = map;
  const data = fields.map((field): Json => {
    const value = shade(field);
    const lines = [fieldText(field), fieldIntervalText(field), countedText(field)];
    return {
      value: [columns.values.indexOf(field.column), rows.values.indexOf(field.row), value],
      label: {
        show: true,
        formatter: lines.filter((line) => line !== '').join('\n'),
        color: Math.abs(value) >= FULL * DARK_FROM ? '$paper' : '$ink',
      },
      tooltip: tooltip([`${rows.key}=${field.row}, ${columns.key}=${field.column}`, ...lines]),
    };
  });
  const title = `Goodput of ${map.forwarder} over ${map.baseline}`;
  const names = rows.values.map((value) => `${rows.key} ${value}`);
  const told = fields.map(
    (field) => `${rows.key} ${field.row}, ${columns.key} ${field.column}: ${fieldText(field)}`,
  );
  return {
    name,
    title,
    alt: `${title}: ${listed(told)}.`,
    width: WIDTH,
    height: TOP + BOTTOM + rows.values.length * ROW,
    option: {
      ...frame({ ...map.cell, title: map.scenario }, `${title}, median and 95 % interval`),
      grid: { left: textWidth(names), right: 8, top: TOP, bottom: BOTTOM, outerBoundsMode: 'none' },
      xAxis: {
        type: 'category',
        data: columns.values,
        name: columns.key,
        nameLocation: 'middle',
        nameGap: 30,
        nameTextStyle: { color: '$muted', fontSize: 12 },
        axisLabel: { color: '$ink', fontSize: 12, interval: 0 },
        axisTick: { show: false },
        axisLine: { show: false },
      },
      yAxis: {
        type: 'category',
        inverse: true,
        data: names,
        axisLabel: { color: '$ink', fontSize: 12, interval: 0 },
        axisTick: { show: false },
        axisLine: { show: false },
      },
      visualMap: {
        show: false,
        min: -FULL,
        max: FULL,
        dimension: 2,
        inRange: { color: ['$line1', '$heat0', '$bar'] },
      },
      series: [
        {
          type: 'heatmap',
          data,
          itemStyle: { borderColor: '$paper', borderWidth: 2 },
          label: { fontSize: 12, lineHeight: 16 },
        },
      ],
    },
  };
}

/** Twice as fast is as far from 1 as half as fast; what is not known or not shown is neither. */
function shade({ goodput }: MapField): number {
  if (!isShown(goodput.ratio) || goodput.ratio <= 0 || goodput.significant === false) return 0;
  return short(Math.max(-FULL, Math.min(FULL, Math.log2(goodput.ratio))));
}
