import { type AxisReport, type AxisSeries } from '../model/report-types.js';
import { checkText } from '../../experiment/verdict/condition.js';
import { axisValue, axisSentences } from '../model/axis.js';
import { axisEnd, type Ceilings, ceilingLines, DIRECT_CEILING } from '../model/ceiling.js';
import { short } from '../../base/units/quantity.js';
import { chartLabel, frame, textWidth, tooltip, WIDTH } from './chart-layout.js';
import type { Json, JsonObject } from '../model/chart-runtime.js';
import type { Chart } from './chart.js';
import type { Figure } from '../model/report-types.js';
import { figure, isShown, ratio } from '../../base/units/quantity.js';

const HEIGHT = 340;
const TOP = 58;
const BOTTOM = 54;
const LEFT = 62;
/** Colours that there are for lines; further lines repeat them dashed. */
const COLORS = 6;
/** Ratios further apart than this get a logarithmic axis. */
const WIDE = 6;

/** Which of a figure's numbers a chart draws. */
interface Drawn {
  value: (one: Figure) => number | null;
  low: (one: Figure) => number | null;
  high: (one: Figure) => number | null;
  text: (value: number | null) => string;
}

/** The figure itself, in its own unit. */
function medians({ subject }: AxisReport): Drawn {
  const { unit } = subject;
  return {
    value: ({ median }) => median,
    low: ({ low }) => low,
    high: ({ high }) => high,
    text: (value) => `${figure(value)} ${unit}`,
  };
}
const RATIO: Drawn = {
  value: (one) => one.ratio,
  low: ({ ratioLow }) => ratioLow,
  high: ({ ratioHigh }) => ratioHigh,
  text: ratio,
};

/** The two charts of an axis: goodput, and the ratio to the baseline with the line at 1. */
export function axisCharts(axis: AxisReport): Chart[] {
  const compared = axis.series.filter(({ isBaseline }) => !isBaseline);
  return [
    ...(has(axis.series, medians(axis)) ? [goodputChart(axis)] : []),
    ...(has(compared, RATIO) ? [ratioChart(axis, compared)] : []),
  ];
}

function has(series: readonly AxisSeries[], drawn: Drawn): boolean {
  return series.some(({ figures }) =>
    figures.some((one) => one !== null && isShown(drawn.value(one))),
  );
}

function goodputChart(axis: AxisReport): Chart {
  const { heading, unit } = axis.subject;
  const title = `${heading} along the ${axis.name}`;
  const [first, ...others] = lines(axis, axis.series, medians(axis));
  const ceilings = ceilingsAcross(axis);
  const ceiling = ceilingLines(ceilings, 'yAxis');
  const end = axisEnd(
    ceilings,
    Math.max(
      ...axis.series.flatMap(({ figures }) =>
        figures.flatMap((one) => [one?.median ?? null, one?.high ?? null].filter(isShown)),
      ),
    ),
  );
  return {
    name: `${axis.slug}-goodput`,
    title,
    alt: `${title}, median: ${inWords(axis, axis.series, medians(axis))}.`,
    width: WIDTH,
    height: HEIGHT,
    option: {
      ...layout(axis, axis.series, `${title}, median and 95 % interval`),
      yAxis: {
        ...valueAxis(unit),
        type: 'log',
        logBase: 10,
        ...(end === null ? {} : { max: end }),
      },
      series: [{ ...first, ...(ceiling === null ? {} : { markLine: ceiling }) }, ...others],
    },
  };
}

/** Those that are the same along the whole axis: `direct` is a series where it was measured along it. */
function ceilingsAcross({ subject, cell, series }: AxisReport): Ceilings {
  if (subject.metric !== 'goodput') return { link: null, direct: null };
  const along = series.some(({ forwarder }) => forwarder === DIRECT);
  return { link: cell.ceilings.link, direct: along ? null : cell.ceilings.direct };
}

/** As it is called where it bounds the others. */
function seriesName({ subject }: AxisReport, forwarder: string): string {
  const bounds = forwarder === DIRECT && subject.metric === 'goodput';
  return bounds ? DIRECT_CEILING : chartLabel(forwarder);
}

const DIRECT = 'direct';

function ratioChart(axis: AxisReport, compared: readonly AxisSeries[]): Chart {
  const title = `Ratio to ${axis.baseline} along the ${axis.name}`;
  const [first, ...others] = lines(axis, compared, RATIO);
  const one: JsonObject = {
    silent: true,
    symbol: 'none',
    label: { show: false },
    lineStyle: { color: '$ink', type: 'solid', width: 1 },
    data: [{ yAxis: 1 }],
  };
  const ends = compared.flatMap(({ figures }) =>
    figures.flatMap((each) =>
      each === null ? [] : [each.ratio, each.ratioLow, each.ratioHigh].filter(isShown),
    ),
  );
  return {
    name: `${axis.slug}-ratio`,
    title,
    alt: `${title}: ${inWords(axis, compared, RATIO)}. ${axisSentences(axis).join(' ')}`.trim(),
    width: WIDTH,
    height: HEIGHT,
    option: {
      ...layout(axis, compared, `${title}, paired by block, 95 % interval`),
      yAxis: { ...valueAxis(`ratio to ${axis.baseline}`), ...ratioScale(ends) },
      series: [{ ...first, markLine: one }, ...others],
    },
  };
}

function ratioScale(ends: readonly number[]): JsonObject {
  const low = Math.min(1, ...ends);
  const high = Math.max(1, ...ends);
  if (low > 0 && high / low > WIDE) {
    const [min, max] = [2 ** Math.floor(Math.log2(low)), 2 ** Math.ceil(Math.log2(high))];
    return { type: 'log', logBase: 2, min, max };
  }
  const min = Math.max(0, Math.floor((low - 0.02) * 10) / 10);
  return {
    type: 'value',
    min: Number(min.toFixed(1)),
    max: Number((Math.ceil((high + 0.02) * 10) / 10).toFixed(1)),
  };
}

function layout(axis: AxisReport, series: readonly AxisSeries[], title: string): JsonObject {
  const names = series.map(({ forwarder }) => seriesName(axis, forwarder));
  return {
    ...frame(axis.cell, title, axisSubtitle(axis)),
    legend: {
      orient: 'vertical',
      right: 0,
      top: TOP,
      data: names,
      itemWidth: 28,
      itemGap: 10,
      selectedMode: false,
      textStyle: { color: '$ink', fontSize: 12 },
    },
    grid: {
      left: LEFT,
      right: textWidth(names) + 48,
      top: TOP,
      bottom: BOTTOM,
      outerBoundsMode: 'none',
    },
    xAxis: {
      type: 'log',
      logBase: axis.quantity === 'bytes' ? 2 : 10,
      min: axis.values[0] ?? 1,
      max: axis.values.at(-1) ?? 1,
      name: `${axis.name}, logarithmic`,
      nameLocation: 'middle',
      nameGap: 32,
      nameTextStyle: { color: '$muted', fontSize: 12 },
      axisLabel: {
        color: '$muted',
        fontSize: 12,
        hideOverlap: true,
        formatter: axis.quantity === 'bytes' ? '$sizeLabel' : '$countLabel',
        customValues: [...axis.values],
      },
      axisTick: { show: true, customValues: [...axis.values] },
      axisLine: { lineStyle: { color: '$muted' } },
      splitLine: { show: false },
    },
  };
}

/** What the conditions of the axis have in common. */
function axisSubtitle({ scenario, cell }: AxisReport): string {
  const place = scenario === cell.topology ? scenario : `${scenario} on ${cell.topology}`;
  return `${place}, ${cell.direction}, ${checkText(cell)}`;
}

function valueAxis(name: string): JsonObject {
  return {
    name,
    nameLocation: 'middle',
    nameGap: 38,
    nameTextStyle: { color: '$muted', fontSize: 12 },
    axisLabel: { color: '$muted', fontSize: 12, hideOverlap: true },
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: '$rule' } },
  };
}

/** A line per forwarder, and its intervals as vertical strokes. */
function lines(axis: AxisReport, series: readonly AxisSeries[], drawn: Drawn): JsonObject[] {
  // The same colour in both charts, of which one has no line for the baseline.
  const compared = axis.series.filter(({ isBaseline }) => !isBaseline);
  return series.flatMap((own): JsonObject[] => {
    const { forwarder, isBaseline, figures } = own;
    const index = compared.indexOf(own);
    const color = isBaseline ? '$barBaseline' : `$line${index % COLORS}`;
    const name = seriesName(axis, forwarder);
    const type = index >= COLORS || name === DIRECT_CEILING ? 'dashed' : 'solid';
    const data = figures.map((one, at): Json => {
      const value = one === null ? null : drawn.value(one);
      const x = axis.values[at] ?? null;
      const where = x === null ? '' : axisValue(x, axis.quantity);
      return {
        value: [x, isShown(value) ? short(value) : null],
        tooltip: tooltip([forwarder, `${where}: ${drawn.text(value)}`]),
      };
    });
    const strokes = figures.flatMap((one, at): Json[] => {
      const [low, high] = one === null ? [null, null] : [drawn.low(one), drawn.high(one)];
      const x = axis.values[at];
      if (!isShown(low) || !isShown(high) || x === undefined) return [];
      return [
        [x, short(low)],
        [x, short(high)],
        [x, null],
      ];
    });
    const style = { color, width: 2, type };
    return [
      {
        type: 'line',
        name,
        data,
        symbol: 'circle',
        symbolSize: 6,
        lineStyle: style,
        itemStyle: { color },
      },
      {
        type: 'line',
        data: strokes,
        symbol: 'none',
        silent: true,
        lineStyle: { color, width: 1.5, opacity: 0.7 },
        tooltip: { show: false },
      },
    ];
  });
}

function inWords(axis: AxisReport, series: readonly AxisSeries[], drawn: Drawn): string {
  return series
    .map(({ forwarder, figures }) => {
      const said = figures.map((one, at) => {
        const x = axis.values[at] ?? 0;
        return `${axisValue(x, axis.quantity)} ${drawn.text(one === null ? null : drawn.value(one))}`;
      });
      return `${forwarder}: ${said.join(', ')}`;
    })
    .join('; ');
}
