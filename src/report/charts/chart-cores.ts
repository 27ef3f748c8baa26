import { coresDrawn } from '../model/cores.js';
import type { CellReport } from '../model/report-types.js';
import type { NamelessChart } from './chart.js';
import { pairedBars } from './chart-cost.js';

/** Cores that each rate takes, forwarder by forwarder; null when no cost is known. */
export function coresChart(cell: CellReport): NamelessChart | null {
  const rows = coresDrawn(cell).map(({ forwarder, gbps, own, system }) => ({
    label: `${gbps} Gbps, ${forwarder}`,
    own,
    system,
  }));
  return pairedBars(cell, rows, {
    title: 'Cores for a rate',
    heading: 'Cores for a rate, median and 95 % interval',
    told: 'Cores of the forwarder and of the whole system',
    unit: 'cores',
    axis: 'cores busy all the time',
  });
}
