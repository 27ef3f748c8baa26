/**
 * What charts need at drawing time, in the SVG exporter and in a browser alike. An option is plain
 * JSON; strings that begin with "$" stand for colours of the theme and for the functions below.
 *
 * The page gets `resolveOption` and the functions as source text, so they may use nothing but their
 * arguments and the language.
 */

/** Plain data, as JSON has it. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = Record<string, Json>;

/** What the "$" names stand for: colours, sizes, and functions. */
export type Vocabulary = Readonly<Record<string, unknown>>;

/** The parts of echarts' custom series interface that `errorBar` uses. */
interface DrawingApi {
  value(dimension: number): number;
  coord(point: [number, number]): number[];
  visual(name: 'color'): unknown;
}

/** Colours of a theme by name, without the "$". */
export type Theme = Readonly<
  Record<
    'ink' | 'muted' | 'rule' | 'paper' | 'bar' | 'barBaseline' | 'barSecond' | 'error',
    string
  > &
    Record<`line${0 | 1 | 2 | 3 | 4 | 5}`, string> &
    Record<`heat${0 | 1 | 2 | 3 | 4}`, string>
>;

/** Colours on white; lines differ in lightness too, so that they survive a grey print. */
export const LIGHT: Theme = {
  ink: '#1c1e21',
  muted: '#5b6168',
  rule: '#dfe2e6',
  paper: '#ffffff',
  bar: '#2f6db3',
  barBaseline: '#8b949e',
  barSecond: '#9dc3e6',
  error: '#1c1e21',
  line0: '#0b5394',
  line1: '#d9730d',
  line2: '#2a9d76',
  line3: '#b5307a',
  line4: '#6aa8dc',
  line5: '#7a5c00',
  heat0: '#f3f6fa',
  heat1: '#cfe0f1',
  heat2: '#94bce0',
  heat3: '#4a86c0',
  heat4: '#174f8a',
};

/** Colours on a dark page. */
export const DARK: Theme = {
  ink: '#e6e8ea',
  muted: '#a3abb3',
  rule: '#363c43',
  paper: '#16191d',
  bar: '#5b9bdc',
  barBaseline: '#79828c',
  barSecond: '#2d5680',
  error: '#f2f4f5',
  line0: '#6fb1f2',
  line1: '#f2a24e',
  line2: '#4fcaa0',
  line3: '#ec7fb8',
  line4: '#b9d9f5',
  line5: '#d8b93c',
  heat0: '#1d2228',
  heat1: '#1f3a56',
  heat2: '#2a5a8c',
  heat3: '#4a8acb',
  heat4: '#9cc9f3',
};

/** Replaces every "$name" in an option by what the vocabulary has for it; other strings stay. */
export function resolveOption(option: Json, vocabulary: Vocabulary): unknown {
  if (typeof option === 'string') {
    return option.startsWith('$') && option.slice(1) in vocabulary
      ? vocabulary[option.slice(1)]
      : option;
  }
  if (Array.isArray(option)) return option.map((item) => resolveOption(item, vocabulary));
  if (option === null || typeof option !== 'object') return option;
  return Object.fromEntries(
    Object.entries(option).map(([key, value]) => [key, resolveOption(value, vocabulary)]),
  );
}

/**
 * Draws a horizontal interval with end caps. Data of the series: [row, low, high, offset], where
 * offset moves the line down by that many pixels, onto its bar in a group.
 */
function errorBar(_parameters: unknown, api: DrawingApi): unknown {
  const cap = 4;
  const row = api.value(0);
  const [left = 0, middle = 0] = api.coord([api.value(1), row]);
  const [right = 0] = api.coord([api.value(2), row]);
  const y = middle + api.value(3);
  const style = { stroke: api.visual('color'), lineWidth: 1.5, fill: null };
  const line = (x1: number, y1: number, x2: number, y2: number) => ({
    type: 'line',
    shape: { x1, y1, x2, y2 },
    style,
  });
  return {
    type: 'group',
    children: [
      line(left, y, right, y),
      line(left, y - cap, left, y + cap),
      line(right, y - cap, right, y + cap),
    ],
  };
}

/** A size at an axis: 64 B, 8 KiB, 1 MiB. */
export function sizeLabel(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number(value.toPrecision(3))} ${units[unit] ?? ''}`;
}

/** A count or a rate at an axis: 10, 1k, 2.5G. */
export function countLabel(count: number): string {
  const units = ['', 'k', 'M', 'G', 'T'];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${Number(value.toPrecision(3))}${units[unit] ?? ''}`;
}

/** The functions by their names in options. */
export const FUNCTIONS = { errorBar, sizeLabel, countLabel } as const;
