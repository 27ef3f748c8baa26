import { costChart } from './chart-cost.js';
import { callSizeChart } from './chart-calls.js';
import { subjectBars, ratioChart } from './chart-speed.js';
import { timeChart } from './chart-time.js';
import { mapChart } from './chart-map.js';
import { type RatioMap, ratioMaps } from './ratio-map.js';
import type { JsonObject } from './chart-runtime.js';
import type { CellReport, RunReport } from './model.js';

/** One chart: an echarts option as JSON, and what to say to those who cannot see it. */
export interface Chart {
  /** File name without its ending: letters, digits and dashes; unique in the run. */
  name: string;
  title: string;
  /** The chart's content in words. */
  alt: string;
  /** Pixels. */
  width: number;
  height: number;
  /** With "$" names for colours and functions; see chart-runtime.ts. */
  option: JsonObject;
}

/** A chart without its file name, which only the run can make unique. */
export type NamelessChart = Omit<Chart, 'name'>;

const KINDS: readonly [string, (cell: CellReport) => NamelessChart | null][] = [
  ['goodput', subjectBars],
  ['ratio', ratioChart],
  ['cpu', costChart],
  ['time', timeChart],
  ['call-size', callSizeChart],
];

/** The charts of every cell, by cell, and of every map, by its key; a chart that would be empty is left out. */
export function chartsOf(report: RunReport): Map<string, Chart[]> {
  const maps = ratioMaps(report);
  const keys = [...report.cells.map((cell) => cell.cell), ...maps.map(mapKey)];
  const slugs = uniqueSlugs(keys);
  const ofCells = report.cells.map((cell, index): [string, Chart[]] => [
    cell.cell,
    KINDS.flatMap(([kind, draw]) => {
      const chart = draw(cell);
      return chart === null ? [] : [{ name: `${slugs[index] ?? ''}-${kind}`, ...chart }];
    }),
  ]);
  const ofMaps = maps.map((map, index): [string, Chart[]] => [
    mapKey(map),
    [mapChart(map, slugs[report.cells.length + index] ?? '')],
  ]);
  return new Map([...ofCells, ...ofMaps]);
}

/** Under which chartsOf has a map's chart; no cell is called like it. */
export function mapKey({ scenario, check }: RatioMap): string {
  return `${scenario} map ${check}`;
}

/** Cell keys hold what users wrote; file names must not. */
function uniqueSlugs(keys: readonly string[]): string[] {
  const taken = new Set<string>();
  return keys.map((key) => {
    const plain = key.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
    const base = plain.replaceAll(/^-|-$/g, '').slice(0, 80) || 'cell';
    let slug = base;
    for (let n = 2; taken.has(slug); n++) slug = `${base}-${n}`;
    taken.add(slug);
    return slug;
  });
}
