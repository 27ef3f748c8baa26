import type { JsonObject } from '../model/chart-runtime.js';
import { checkText } from '../../experiment/verdict/condition.js';
import { broken, clipped, displayWidth, printable } from '../../base/text/layout.js';
import type { CellReport } from '../model/report-types.js';

/** Width of every chart, pixels: fits a page of text and a printed one. */
export const WIDTH = 860;

/** Without quotes: they would end the attribute that echarts writes it into. */
const FONT = 'Helvetica, Arial, sans-serif';
/** Average width of a character at 12 px, pixels; generous, since fonts differ. */
const CHARACTER = 6.9;
/** Longer labels end in "…"; tables have them whole. */
const LONGEST_LABEL = 34;
/** Labels of rows may take two lines, so that those of one program with other options differ. */
const ROW_LABEL = 26;
const ROW = 34;
const TOP = 58;
const BOTTOM = 46;

/** A label as charts show it. */
export function chartLabel(text: string): string {
  return clipped(printable(text), LONGEST_LABEL);
}

/** A label in at most two lines, beside its row. */
export function rowLabel(text: string): string {
  const [first = '', second, third] = broken(printable(text), ROW_LABEL);
  if (second === undefined) return first;
  const rest = third === undefined ? second : clipped(`${second}…`, ROW_LABEL);
  return `${first}\n${rest}`;
}

/** Pixels that the longest of some texts needs. */
export function textWidth(texts: readonly string[]): number {
  return (
    Math.ceil(
      Math.max(0, ...texts.flatMap((text) => text.split('\n').map(displayWidth))) * CHARACTER,
    ) + 12
  );
}

/** What all charts share: font, title with the condition below it, no animation. */
export function frame(
  cell: CellReport,
  title: string,
  subtitle = `${cell.title}, ${checkText(cell)}`,
): JsonObject {
  return {
    animation: false,
    backgroundColor: '$paper',
    textStyle: { fontFamily: FONT, color: '$ink', fontSize: 12 },
    title: {
      text: title,
      subtext: printable(subtitle),
      left: 0,
      top: 0,
      itemGap: 4,
      textStyle: { color: '$ink', fontSize: 14, fontWeight: 'bold', lineHeight: 18 },
      subtextStyle: { color: '$muted', fontSize: 12, lineHeight: 16 },
    },
    tooltip: {
      confine: true,
      backgroundColor: '$paper',
      borderColor: '$rule',
      textStyle: { color: '$ink', fontSize: 12 },
    },
  };
}

/** Height of a chart with one row per forwarder, pixels. */
export function rowsHeight(rows: number, extra = 0): number {
  return TOP + BOTTOM + extra + rows * ROW;
}

/**
 * Grid and axes of a chart with one row per forwarder: labels at the left, figures in words at the
 * right, values along the bottom.
 * @param figures one text per row, shown at the right
 */
export function rowAxes(
  labels: readonly string[],
  figures: readonly string[],
  value: JsonObject,
  extraTop = 0,
): JsonObject {
  const names = labels.map(rowLabel);
  const category = {
    type: 'category',
    inverse: true,
    axisTick: { show: false },
    splitLine: { show: false },
  };
  const label = { color: '$ink', fontSize: 12, lineHeight: 14, interval: 0 };
  return {
    grid: {
      left: textWidth(names),
      right: textWidth(figures),
      top: TOP + extraTop,
      bottom: BOTTOM,
      outerBoundsMode: 'none',
    },
    xAxis: {
      nameLocation: 'middle',
      nameGap: 28,
      nameTextStyle: { color: '$muted', fontSize: 12 },
      axisLabel: { color: '$muted', fontSize: 12, hideOverlap: true },
      axisLine: { show: false },
      axisTick: { show: false },
      splitLine: { lineStyle: { color: '$rule' } },
      ...value,
    },
    yAxis: [
      {
        ...category,
        data: [...names],
        axisLabel: { ...label },
        axisLine: { lineStyle: { color: '$muted' } },
      },
      {
        ...category,
        data: [...figures],
        position: 'right',
        axisLabel: { ...label, color: '$muted' },
        axisLine: { show: false },
      },
    ],
  };
}

/** Intervals over rows as a custom series: [row, low, high, offset in pixels]. */
export function errorBars(
  data: readonly (readonly [number, number, number, number])[],
): JsonObject {
  return {
    type: 'custom',
    name: '95 % interval',
    renderItem: '$errorBar',
    itemStyle: { color: '$error' },
    encode: { x: [1, 2], y: 0 },
    data: data.map((item) => [...item]),
    silent: true,
    z: 5,
    tooltip: { show: false },
  };
}

/**
 * A tooltip's text for one item. Tooltips are HTML and have a template language of their own, and
 * labels come from users, so both are escaped.
 */
export function tooltip(lines: readonly string[]): JsonObject {
  return { formatter: lines.map((line) => escapeTooltip(printable(line))).join('<br>') };
}

function escapeTooltip(text: string): string {
  return text.replaceAll(/[&<>"'{}]/g, (character) => `&#${character.charCodeAt(0)};`);
}
