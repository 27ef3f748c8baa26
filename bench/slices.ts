/**
 * `make slices`: what each length of slices and of the settle time in a stored run of the scenario `slices` would
 * show in 60 seconds, and what the figures are with it. The defaults in rounds.ts are chosen by it.
 */
import { join } from 'node:path';
import { Command } from 'commander';
import { EXIT, UsageError } from '../src/base/errors/errors.js';
import { packageRoot } from '../src/base/process/package-root.js';
import { median } from '../src/base/statistics/interval.js';
import { pairedRatio } from '../src/base/statistics/ratio.js';
import { METRICS } from '../src/data/record/metrics.js';
import type { Cell } from '../src/data/record/plan.js';
import type { TrialRecord } from '../src/data/record/record.js';
import { readRun } from '../src/data/results/store.js';
import { storedScenarios } from '../src/experiment/trial/resume.js';
import { samplesOf } from '../src/experiment/verdict/summary.js';
import { lengthsOf } from '../src/experiment/workload/stream/rounds.js';
import { noiseFindings } from '../src/tasks/noise/findings.js';
import { isEntry, runProgram } from './entry.js';
import { codeBlock } from './readme/section.js';
import { table } from './table.js';

const ARMS = ['copy', 'copy-again'] as const;
const OTHER = 'splice';
const HORIZON = 60;
const HEAD = [
  'slice, ms',
  'settle, ms',
  'round, ms',
  `in ${HORIZON} s: goodput`,
  `in ${HORIZON} s: CPU`,
  'copy, Gbps',
  'splice / copy',
  '95 %',
];

async function main(): Promise<number> {
  const program = new Command('slices')
    .description('what slices of several lengths show in the same time')
    .argument('<dir>', 'folder of a run of the scenario slices')
    .parse();
  process.stdout.write(`${await tableOfRun(program.args[0] ?? '')}\n`);
  return EXIT.ok;
}

/** Of docs/measuring.md, and the run that it shows: that by which the defaults were chosen. */
export const SLICES_SECTION = 'slices';
const CHOSEN_BY = '20261130-184212-slices';

/** The table of the published run, for a page. */
export async function publishedSlices(): Promise<string> {
  return codeBlock(await tableOfRun(join(packageRoot(), 'results', 'published', CHOSEN_BY)));
}

async function tableOfRun(folder: string): Promise<string> {
  const { manifest, trials } = await readRun(folder);
  const cells = storedScenarios(manifest).flatMap((scenario) => scenario.cells);
  return slicesTable(cells, trials, manifest.environment[0]?.cpus ?? 1);
}

/**
 * @param cpus of the host
 * @throws UsageError when the trials are of another scenario
 */
export function slicesTable(
  cells: readonly Pick<Cell, 'key' | 'workload'>[],
  trials: readonly TrialRecord[],
  cpus: number,
): string {
  const rows = cells.flatMap(({ key, workload }) => {
    const own = trials.filter(({ cell }) => cell === key);
    return workload.kind === 'stream' ? [rowOf(workload, own, cpus)] : [];
  });
  return table(HEAD, rows, 0);
}

function rowOf(
  workload: Parameters<typeof lengthsOf>[0],
  trials: readonly TrialRecord[],
  cpus: number,
): string[] {
  const { settle, measure } = lengthsOf(workload);
  const copies = trials.filter(({ forwarder }) => forwarder === ARMS[0]);
  const setSeconds = copies.flatMap(({ set }) => set?.seconds ?? []);
  const found = noiseFindings(trials, ARMS, setSeconds, cpus);
  const goodput = METRICS.find(({ name }) => name === 'goodput');
  if (found === null || goodput === undefined) {
    throw new UsageError(`slices: expected sets of ${ARMS.join(' and ')}, found none`);
  }
  const shown = (metric: string) => {
    const of = found.metrics.find((one) => one.metric === metric);
    const difference = of?.shown.find(({ seconds }) => seconds === HORIZON)?.difference;
    return difference == null ? 'unavailable' : `${(difference * 100).toFixed(2)} %`;
  };
  const [over, under] = [OTHER, ARMS[0]].map((label) => samplesOf(trials, label, goodput));
  const { median: ratio, interval } = pairedRatio(over ?? [], under ?? []);
  const speed = median((under ?? []).map(({ value }) => value));
  return [
    String(Math.round(measure * 1e3)),
    String(Math.round(settle * 1e3)),
    (found.cost.round * 1e3).toFixed(0),
    shown('goodput'),
    shown('forwarder_cpu_per_gb'),
    speed?.toFixed(1) ?? 'unavailable',
    ratio?.toFixed(3) ?? 'unavailable',
    interval === null ? '' : `${interval.low.toFixed(3)} to ${interval.high.toFixed(3)}`,
  ];
}

if (isEntry(import.meta.url)) await runProgram('slices', main);
