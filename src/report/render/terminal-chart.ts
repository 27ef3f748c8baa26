import asciichart from 'asciichart';
import type { TimeLines } from '../model/document-blocks.js';
import { clipped, displayWidth, padded, printable } from '../../base/text/layout.js';
import { resample, roundCeiling } from '../model/series.js';
import { duration } from '../../base/units/quantity.js';

/** How to draw: columns to fill, and whether lines may be told apart by colour. */
export interface ChartStyle {
  columns: number;
  color: boolean;
}

/** ANSI colours that stay readable on dark and on light terminals, in order of use. */
const COLORS = ['\u001b[36m', '\u001b[33m', '\u001b[32m', '\u001b[35m', '\u001b[34m', '\u001b[31m'];
const RESET = '\u001b[0m';

/** Rows above the axis row: of the common chart, and of each small one. */
const HEIGHT = 8;
const SMALL_HEIGHT = 4;
/** Columns of the axis with its labels: " 99.9┤". */
const LABEL = 5;
const AXIS = LABEL + 1;
const SMALL_WIDTH = 36;
const GAP = 3;

/**
 * Goodput over time per forwarder: one chart with a legend where colours tell up to six lines
 * apart, else a small chart for each on the same scale. Ends without a newline; empty when there
 * is nothing to draw.
 */
export function goodputChart(rows: TimeLines['lines'], style: ChartStyle): string {
  const drawn = rows.filter((row) => row.series.length > 1);
  if (drawn.length === 0) return '';
  const peak = Math.max(...drawn.flatMap((row) => row.series.map(({ gbps }) => gbps)));
  const max = roundCeiling(peak);
  const seconds = Math.max(...drawn.map((row) => row.series.at(-1)?.t ?? 0));
  const common = style.color && drawn.length <= COLORS.length;
  return common ? overlaid(drawn, max, seconds, style) : sideBySide(drawn, max, seconds, style);
}

function overlaid(
  rows: TimeLines['lines'],
  max: number,
  seconds: number,
  { columns }: ChartStyle,
): string {
  const width = columns - AXIS;
  const chart = asciichart.plot(
    rows.map((row) => resample(row.series, width)),
    { height: HEIGHT, min: 0, max, colors: COLORS.slice(0, rows.length), offset: 2, format },
  );
  const entries = rows.map((row, index) => {
    const label = clipped(printable(row.forwarder), columns - 4);
    return { text: `── ${label}`, color: COLORS[index] ?? '' };
  });
  const legend: string[] = [];
  let used = 0;
  for (const { text, color } of entries) {
    const width = displayWidth(text);
    const fits = legend.length > 0 && used + GAP + width <= columns;
    const drawn = `${color}──${RESET}${text.slice(2)}`;
    if (fits) legend.push(`${legend.pop() ?? ''}${' '.repeat(GAP)}${drawn}`);
    else legend.push(drawn);
    used = fits ? used + GAP + width : width;
  }
  return [joined(chart), timeAxis(columns, seconds), ...legend].map(trimmed).join('\n');
}

function sideBySide(
  rows: TimeLines['lines'],
  max: number,
  seconds: number,
  { columns }: ChartStyle,
): string {
  const perLine = Math.max(1, Math.floor((columns + GAP) / (SMALL_WIDTH + GAP)));
  const width = Math.floor((columns + GAP) / perLine) - GAP;
  const blocks = rows.map((row) => smallChart(row, max, seconds, width));
  const lines: string[] = [];
  for (let start = 0; start < blocks.length; start += perLine) {
    const line = blocks.slice(start, start + perLine);
    const height = Math.max(...line.map((block) => block.length));
    for (let row = 0; row < height; row++) {
      lines.push(line.map((block) => padded(block[row] ?? '', width)).join(' '.repeat(GAP)));
    }
    lines.push('');
  }
  return lines.slice(0, -1).map(trimmed).join('\n');
}

function smallChart(
  row: TimeLines['lines'][number],
  max: number,
  seconds: number,
  width: number,
): string[] {
  const chart = asciichart.plot([resample(row.series, width - AXIS)], {
    height: SMALL_HEIGHT,
    min: 0,
    max,
    offset: 2,
    format,
  });
  const title = clipped(printable(row.forwarder), width);
  return [title, ...chart.split('\n'), timeAxis(width, seconds)];
}

/** "0 s" below the axis, the end of the window at the right. */
function timeAxis(columns: number, seconds: number): string {
  const end = duration(seconds);
  const start = `${' '.repeat(AXIS)}0 s`;
  return `${padded(start, columns - end.length)}${end}`;
}

function format(value: number): string {
  return value.toFixed(value >= 99.95 ? 0 : 1).padStart(LABEL);
}

/** asciichart colours every character by itself; runs of one colour need one pair of codes. */
function joined(chart: string): string {
  let text = '';
  let open = '';
  for (const part of chart.split(RESET)) {
    const start = part.indexOf('\u001b');
    const color = start < 0 ? '' : part.slice(start, start + ESCAPE_LENGTH);
    if (start === 0 && color === open) text += part.slice(ESCAPE_LENGTH);
    else text += open === '' ? part : RESET + part;
    open = color;
  }
  return text;
}

const ESCAPE_LENGTH = '\u001b[36m'.length;

function trimmed(text: string): string {
  return text.replaceAll(/ +$/gm, '');
}
