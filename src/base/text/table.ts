/** Tables of plain text, in columns that fit a terminal. */
import { broken, displayWidth, padded } from './layout.js';

export interface TextTable {
  /** One or two lines, each with a text per column. */
  head: readonly (readonly string[])[];
  rows: readonly (readonly string[])[];
  /** True for columns set right. */
  right: readonly boolean[];
  /** Leading columns that every part of a split table repeats; 1 unless there are more. */
  fixed?: number;
}

/** How to draw it. Painting may add nothing that takes columns. */
export interface TextTableStyle {
  /** Width to stay within; absent = as wide as it gets. */
  columns?: number;
  paintHead?: (text: string) => string;
  paintCell?: (text: string, row: number, column: number) => string;
}

const GAP = 2;
/** A first column with less room than this is not worth wide gaps. */
const COMFORTABLE_LABEL = 18;
const NARROWEST_LABEL = 8;

/** Columns that a table takes when nothing in it is wrapped. */
export function tableWidth(table: TextTable): number {
  return total(naturalWidths(table), GAP);
}

/**
 * The lines of a table. Where it is too wide, first the texts of its first column are wrapped, then
 * it is split into parts below each other. All texts must be printable.
 */
export function tableLines(table: TextTable, style: TextTableStyle = {}): string[] {
  const { columns = Infinity } = style;
  const natural = naturalWidths(table);
  const fitted = fit(natural, columns);
  if (fitted !== null) {
    const [, ...others] = natural;
    const label = longestPart(table, fitted.label);
    return drawn(table, [label, ...others], fitted.gap, every(natural), style);
  }
  return parts(natural, table.fixed ?? 1, columns).flatMap((shown) =>
    drawn(table, natural, GAP, shown, style),
  );
}

function naturalWidths({ head, rows }: TextTable): number[] {
  const count = head[0]?.length ?? 0;
  return Array.from({ length: count }, (_, column) =>
    Math.max(...[...head, ...rows].map((row) => displayWidth(row[column] ?? ''))),
  );
}

function total(widths: readonly number[], gap: number): number {
  return widths.reduce((sum, width) => sum + width + gap, -gap);
}

function every(widths: readonly number[]): number[] {
  return widths.map((_, column) => column);
}

/** Width of the first column and the gap between all; null where even that is too wide. */
function fit(natural: readonly number[], columns: number): { gap: number; label: number } | null {
  const [label = 0, ...others] = natural;
  const rest = others.reduce((sum, width) => sum + width, 0);
  const roomy = columns - rest - GAP * others.length;
  if (label <= roomy) return { gap: GAP, label };
  if (roomy >= COMFORTABLE_LABEL) return { gap: GAP, label: roomy };
  const tight = columns - rest - others.length;
  return tight < Math.min(label, NARROWEST_LABEL)
    ? null
    : { gap: 1, label: Math.min(label, tight) };
}

/** What the first column takes when its texts are wrapped to at most so many columns. */
function longestPart({ head, rows }: TextTable, most: number): number {
  const parts = rows.flatMap(([label = '']) => broken(label, most));
  return Math.max(...[...head.map(([title = '']) => title), ...parts].map(displayWidth));
}

/** Columns of each part: the fixed ones, and as many others as go beside them, one at least. */
function parts(widths: readonly number[], fixed: number, columns: number): number[][] {
  const found: number[][] = [];
  const lead = every(widths).slice(0, fixed);
  let part = [...lead];
  for (const column of every(widths).slice(fixed)) {
    const longer = [...part, column];
    const width = total(
      longer.map((index) => widths[index] ?? 0),
      GAP,
    );
    if (width <= columns || part.length === fixed) {
      part = longer;
    } else {
      found.push(part);
      part = [...lead, column];
    }
  }
  return [...found, part];
}

function drawn(
  table: TextTable,
  widths: readonly number[],
  gap: number,
  shown: readonly number[],
  { paintHead = plain, paintCell = plain }: TextTableStyle,
): string[] {
  const line = (texts: readonly string[], paint: (text: string, column: number) => string) =>
    shown
      .map((column) => {
        const text = texts[column] ?? '';
        const space = padded('', (widths[column] ?? 0) - displayWidth(text));
        const painted = text === '' ? '' : paint(text, column);
        return table.right[column] === true ? space + painted : painted + space;
      })
      .join(' '.repeat(gap))
      .trimEnd();
  const body = table.rows.flatMap((row, index) => {
    const [label = '', ...others] = row;
    return broken(label, widths[0] ?? 0).map((part, at) =>
      line([part, ...(at === 0 ? others : [])], (text, column) => paintCell(text, index, column)),
    );
  });
  return [...table.head.map((texts) => line(texts, (text) => paintHead(text))), ...body];
}

function plain(text: string): string {
  return text;
}
