import { short } from '../../base/units/quantity.js';
import { chartLabel, frame, rowLabel, textWidth, WIDTH } from './chart-layout.js';
import { axisEnd, ceilingLines } from '../model/ceiling.js';
import type { Json, JsonObject } from '../model/chart-runtime.js';
import type { NamelessChart } from './chart.js';
import type { CellReport, ForwarderRow } from '../model/report-types.js';
import { figure, listed } from '../../base/units/quantity.js';
import { roundCeiling } from '../model/series.js';

/** With more, lines in one chart can no longer be told apart: each gets a panel of its own. */
const TOGETHER = 6;
const HEIGHT = 320;
const TOP = 58;
const BOTTOM = 46;
const LEFT = 46;

const PANEL_COLUMNS = 3;
const PANEL_HEIGHT = 120;
/** Room for a label above the first panels. */
const PANEL_TOP = 30;
/** Percent of the chart's width, so that a page may be wider or narrower than the file. */
const PANEL_LEFT = 5;
const PANEL_STEP = 32.5;
const PANEL_WIDTH = 28.5;
const PANEL_GAP_Y = 70;

/** Line styles that tell forwarders apart without colour. */
const DASHES: readonly Json[] = ['solid', 'solid', 'dashed', 'solid', 'dotted', 'dashed'];

/** Median goodput over time per forwarder; null when no series was stored. */
export function timeChart(cell: CellReport): NamelessChart | null {
  const rows = cell.rows.filter((row) => row.series.length > 1);
  if (rows.length === 0) return null;
  const common = {
    title: 'Goodput over time',
    alt: `Goodput over time, median of trials: ${listed(rows.map(rangeText))}.`,
    width: WIDTH,
  };
  return rows.length <= TOGETHER
    ? { ...common, height: HEIGHT, option: together(cell, rows) }
    : { ...common, height: panelsHeight(rows.length), option: panels(cell, rows) };
}

function together(cell: CellReport, rows: readonly ForwarderRow[]): JsonObject {
  const names = rows.map((row) => chartLabel(row.forwarder));
  return {
    ...frame(cell, TITLE),
    legend: {
      orient: 'vertical',
      right: 0,
      top: TOP,
      data: names,
      itemWidth: 28,
      itemStyle: { opacity: 0 },
      itemGap: 12,
      textStyle: { color: '$ink', fontSize: 12 },
    },
    tooltip: axisTooltip(cell),
    grid: {
      left: LEFT,
      right: textWidth(names) + 48,
      top: TOP,
      bottom: BOTTOM,
      outerBoundsMode: 'none',
    },
    xAxis: timeAxis(rows, { name: 'seconds' }),
    yAxis: gbpsAxis(axisEnd(cell.ceilings, most(rows))),
    series: rows.map((row, index) => ({
      ...line(row, names[index] ?? ''),
      ...(index === 0 ? ceiling(cell, true) : {}),
      itemStyle: { color: `$line${index}` },
      lineStyle: { color: `$line${index}`, width: 2, type: DASHES[index] ?? 'solid' },
    })),
  };
}

function panels(cell: CellReport, rows: readonly ForwarderRow[]): JsonObject {
  const peak = roundCeiling(Math.max(most(rows), cell.ceilings.link ?? 0));
  const places = rows.map((_, index) => ({
    left: `${PANEL_LEFT + (index % PANEL_COLUMNS) * PANEL_STEP}%`,
    top: TOP + PANEL_TOP + Math.floor(index / PANEL_COLUMNS) * (PANEL_HEIGHT + PANEL_GAP_Y),
  }));
  const subtitle = { color: '$ink', fontSize: 12, lineHeight: 14, fontWeight: 'normal' };
  const title = frame(cell, TITLE)['title'] ?? {};
  return {
    ...frame(cell, TITLE),
    title: [
      title,
      ...rows.map((row, index) => ({
        text: rowLabel(row.forwarder),
        left: `${PANEL_LEFT + (index % PANEL_COLUMNS) * PANEL_STEP - 0.6}%`,
        top: (places[index]?.top ?? 0) - 12 - 14 * rowLabel(row.forwarder).split('\n').length,
        textStyle: { ...subtitle },
      })),
    ],
    tooltip: axisTooltip(cell),
    grid: places.map((place) => ({
      ...place,
      width: `${PANEL_WIDTH}%`,
      height: PANEL_HEIGHT,
      outerBoundsMode: 'none',
    })),
    xAxis: rows.map((_, index) => timeAxis(rows, { gridIndex: index })),
    yAxis: rows.map((_, index) => ({ ...gbpsAxis(peak), gridIndex: index })),
    series: rows.map((row, index) => ({
      ...line(row, chartLabel(row.forwarder)),
      ...ceiling(cell, index === 0),
      xAxisIndex: index,
      yAxisIndex: index,
      itemStyle: { color: '$bar' },
      lineStyle: { color: '$bar', width: 2 },
    })),
  };
}

const TITLE = 'Goodput over time, Gbps, median of trials';

function panelsHeight(rows: number): number {
  const lines = Math.ceil(rows / PANEL_COLUMNS);
  return TOP + PANEL_TOP + lines * (PANEL_HEIGHT + PANEL_GAP_Y) - 30;
}

function line(row: ForwarderRow, name: string): JsonObject {
  return {
    type: 'line',
    name,
    symbol: 'none',
    data: row.series.map(({ t, gbps }) => [short(t), short(gbps)]),
  };
}

function most(rows: readonly ForwarderRow[]): number {
  return Math.max(...rows.flatMap((row) => row.series.map(({ gbps }) => gbps)));
}

/** @param named in one of several panels is enough */
function ceiling({ ceilings }: CellReport, named: boolean): JsonObject {
  const lines = ceilingLines(ceilings, 'yAxis', named);
  return lines === null ? {} : { markLine: lines };
}

function timeAxis(rows: readonly ForwarderRow[], more: JsonObject): JsonObject {
  const end = Math.max(...rows.map((row) => row.series.at(-1)?.t ?? 0));
  return {
    type: 'value',
    min: 0,
    max: short(end),
    nameLocation: 'middle',
    nameGap: 28,
    nameTextStyle: { color: '$muted', fontSize: 12 },
    axisLabel: { color: '$muted', fontSize: 12, hideOverlap: true },
    axisLine: { lineStyle: { color: '$muted' }, onZero: false },
    splitLine: { show: false },
    ...more,
  };
}

function gbpsAxis(max: number | null): JsonObject {
  return {
    type: 'value',
    min: 0,
    ...(max === null ? {} : { max, interval: max / 4 }),
    axisLabel: { color: '$muted', fontSize: 12 },
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: '$rule' } },
  };
}

function axisTooltip(cell: CellReport): JsonObject {
  const own = frame(cell, '')['tooltip'];
  return { ...(own as JsonObject), trigger: 'axis' };
}

function rangeText(row: ForwarderRow): string {
  const values = row.series.map(({ gbps }) => gbps);
  return `${row.forwarder} ${figure(Math.min(...values))} to ${figure(Math.max(...values))} Gbps`;
}
