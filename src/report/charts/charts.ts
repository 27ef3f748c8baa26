import type { Chart, NamelessChart } from './chart.js';
import { costChart } from './chart-cost.js';
import { callSizeChart } from './chart-calls.js';
import { subjectBars, ratioChart } from './chart-speed.js';
import { timeChart } from './chart-time.js';
import { axisCharts } from './chart-axis.js';
import { coresChart } from './chart-cores.js';
import { coresCells, coresKey } from '../model/cores.js';
import { mapChart } from './chart-map.js';
import { mapKey, ratioMaps } from '../model/ratio-map.js';
import type { CellReport, RunReport } from '../model/report-types.js';

const KINDS: readonly [string, (cell: CellReport) => NamelessChart | null][] = [
  ['goodput', subjectBars],
  ['ratio', ratioChart],
  ['cpu', costChart],
  ['time', timeChart],
  ['call-size', callSizeChart],
];

/**
 * The charts of a run: of every axis by its slug, of every cell by its key, of every map and of cores by their own. A
 * chart that would be empty is left out.
 */
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
  const ofAxes = report.axes.map((axis): [string, Chart[]] => [axis.slug, axisCharts(axis)]);
  const ofCores = coresCells(report).map((cell, index): [string, Chart[]] => {
    const chart = coresChart(cell);
    return [coresKey(cell), chart === null ? [] : [{ name: `cores-${index + 1}`, ...chart }]];
  });
  return new Map([...ofAxes, ...ofCells, ...ofMaps, ...ofCores]);
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
