import { frame, short, textWidth, tooltip, WIDTH } from './chart-layout.js';
import type { Json } from './chart-runtime.js';
import type { Chart } from './charts.js';
import type { PlainTable } from './facts.js';
import { bytes, isShown, listed, UNAVAILABLE } from './quantity.js';
import { countedText, intervalText, type Place, placeText, type RatioMap } from './ratio-map.js';

const ROW = 76;
const TOP = 58;
const BOTTOM = 52;

/** From this distance to 1 on, as a logarithm to base 2, the colour is at its fullest. */
const FULL = 1.2;
/** From this share of FULL on a shade is so dark that text in the page's colour reads. */
const DARK_FROM = 0.6;

/** The ratio of every combination as a heat map: above 1 one colour, below 1 another. */
export function mapChart(map: RatioMap, name: string): Chart {
  const { rows, columns, places } = map;
  const data = places.map((place): Json => {
    const value = shade(place);
    const lines = [placeText(place), intervalText(place), countedText(place)];
    return {
      value: [columns.values.indexOf(place.column), rows.values.indexOf(place.row), value],
      label: {
        show: true,
        formatter: lines.filter((line) => line !== '').join('\n'),
        color: Math.abs(value) >= FULL * DARK_FROM ? '$paper' : '$ink',
      },
      tooltip: tooltip([`${rows.key}=${place.row}, ${columns.key}=${place.column}`, ...lines]),
    };
  });
  const title = `Goodput of ${map.forwarder} over ${map.baseline}`;
  const names = rows.values.map((value) => `${rows.key} ${value}`);
  const told = places.map(
    (place) => `${rows.key} ${place.row}, ${columns.key} ${place.column}: ${placeText(place)}`,
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
function shade({ goodput }: Place): number {
  if (!isShown(goodput.ratio) || goodput.ratio <= 0 || goodput.significant === false) return 0;
  return short(Math.max(-FULL, Math.min(FULL, Math.log2(goodput.ratio))));
}

/** The same as a table: a row per combination. */
export function mapTable({ rows, columns, places, forwarder, baseline }: RatioMap): PlainTable {
  return {
    head: [rows.key, columns.key, 'ratio', '95 %', forwarder, baseline, 'per packet'],
    numeric: 2,
    rows: places.map((place) => [
      place.row,
      place.column,
      placeText(place),
      intervalText(place),
      sizeText(place.moved.forwarder),
      sizeText(place.moved.baseline),
      bytes(place.packet),
    ]),
  };
}

function sizeText(moved: Place['moved']['forwarder']): string {
  return moved === null ? UNAVAILABLE : `${bytes(moved.bytes)} per ${moved.call}`;
}
