import type { Command } from 'commander';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { comparisonText } from '../report/render/comparison-text.js';
import { storedScenarios } from '../experiment/trial/resume.js';
import { judgingByCell } from '../experiment/verdict/answer.js';
import { type ComparedSide, compareSides } from '../experiment/verdict/comparison.js';
import { readRun } from '../data/results/store.js';
import { MANIFEST_FILE } from '../data/results/store-read.js';
import { suggestion } from '../base/text/nearest.js';
import { METRIC_NAMES } from '../data/record/metrics.js';
import { UsageError } from '../base/errors/errors.js';

/** Where `run` puts runs that were given no folder. */
const RUNS = join('results', 'runs');

interface Options {
  in?: string;
  metrics?: string;
  json?: boolean;
}

/** `splicebench compare A B`: two stored runs, or two forwarders. */
export function addCompare(root: Command): void {
  root
    .command('compare')
    .description(
      'compare two stored runs, or two forwarders: by how much they differ, and whether by chance',
    )
    .argument('<a>', 'folder of a run, FOLDER:FORWARDER, or a forwarder of the run given by --in')
    .argument('<b>', 'the same')
    .option(
      '--in <dir>',
      `the run, where a or b is only a forwarder (default: the newest under ${RUNS})`,
    )
    .option('--metrics <names>', 'only these metrics, separated by commas')
    .option('--json', 'as JSON')
    .action(async (a: string, b: string, options: Options) => {
      const metrics = metricsOf(options.metrics);
      const sides = [await sideOf(a, options.in), await sideOf(b, options.in)] as const;
      const judging = judgingByCell(storedScenarios(sides[0].manifest));
      const comparison = compareSides(...sides, metrics, judging);
      process.stdout.write(
        options.json ? `${JSON.stringify(comparison, null, 2)}\n` : comparisonText(comparison),
      );
    });
}

function metricsOf(given: string | undefined): string[] {
  const names = (given ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  for (const name of names) {
    if (METRIC_NAMES.includes(name)) continue;
    throw new UsageError(`--metrics: no metric '${name}'${suggestion(name, METRIC_NAMES)}`);
  }
  return names;
}

/** A run's folder wins over anything else that the name could mean. */
async function sideOf(name: string, folder: string | undefined): Promise<ComparedSide> {
  if (await isRun(name)) return side(name, name, null);
  const colon = name.lastIndexOf(':');
  if (colon > 0 && (await isRun(name.slice(0, colon)))) {
    return side(name, name.slice(0, colon), name.slice(colon + 1));
  }
  if (name.includes('/')) {
    throw new UsageError(`${name}: no such run; expected a folder with ${MANIFEST_FILE}`);
  }
  const run = folder ?? (await newestRun());
  if (run === null) {
    throw new UsageError(
      `${name}: not the folder of a run; for a forwarder give its run with --in DIR (${RUNS} holds none)`,
    );
  }
  return side(`${name} in ${run}`, run, name);
}

async function side(name: string, folder: string, forwarder: string | null): Promise<ComparedSide> {
  const { manifest, trials, warnings } = await readRun(folder);
  for (const warning of warnings) process.stderr.write(`${warning}\n`);
  const labels = [...new Set(trials.map((trial) => trial.forwarder))];
  if (forwarder !== null && !labels.includes(forwarder)) {
    throw new UsageError(
      `${folder}: no trial of a forwarder '${forwarder}'${suggestion(forwarder, labels)}`,
    );
  }
  return { name, manifest, trials, forwarder };
}

async function isRun(folder: string): Promise<boolean> {
  return stat(join(folder, MANIFEST_FILE)).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** Names of runs begin with their time. */
async function newestRun(): Promise<string | null> {
  const names = await readdir(RUNS).catch(() => []);
  for (const name of names.sort().reverse()) {
    if (await isRun(join(RUNS, name))) return join(RUNS, name);
  }
  return null;
}
