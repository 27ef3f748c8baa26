/** `splicebench claims --emulate-2008`: the report's claim with a CPU budget for the forwarder. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CLAIMED,
  findBudget,
  type Measure,
  measureBudgets,
  MOST_STEPS,
  SHARES,
} from '../tasks/claims/budget-2008.js';
import { forwarderKinds } from '../machine/forwarders/registry.js';
import { BudgetUnavailable, CpuBudget, LEAST_BUDGET } from '../machine/host/cpu-budget.js';
import { type Emulation, emulationMarkdown } from '../report/render/emulation.js';
import { quick } from '../experiment/scenario/adjust.js';
import type { Scenario } from '../experiment/scenario/expand.js';
import { loadScenarios } from '../experiment/scenario/load.js';
import { formatDuration } from '../base/units/sizes.js';
import { topologyText } from '../machine/topology/common/topology-text.js';
import { isUsable } from '../experiment/verdict/summary.js';
import { derivedSeed, randomSeed } from '../base/statistics/random.js';
import { LiveExecutor } from '../experiment/trial/live-executor.js';
import { TRIAL_OVERHEAD } from './dry-run.js';
import { CouldNotRunError, EXIT, UsageError } from '../base/errors/errors.js';
import { wordsOf } from '../base/errors/words.js';
import { releaseSignals, stopSignal } from './stop-signal.js';

const SCENARIO = 'claims-budget';
/** One forwarder's loop is one thread: more than a CPU is no more to it. */
const MOST_BUDGET = 1;

interface Options {
  out?: string;
  quick?: boolean;
  blocks?: number;
  json?: boolean;
  dryRun?: boolean;
}

/** Searches, measures and reports; the group is removed whatever happens. */
export async function emulate2008(options: Options): Promise<void> {
  const plan = await planned(options);
  if (options.dryRun) {
    const human = options.json ? process.stderr : process.stdout;
    human.write(planText(plan));
    return;
  }
  const { scenario, blocks, shares } = plan;
  const budget = makeBudget();
  const executor = new LiveExecutor((host) => budget.confine(host));
  const signal = stopSignal();
  try {
    const measure = await measureWith(executor, budget, signal, scenario);
    const limits = { least: LEAST_BUDGET, most: MOST_BUDGET };
    const found = await findBudget(measure, limits);
    const { cpus } = found;
    const budgets =
      cpus === null
        ? []
        : shares
            .map((share) => share * cpus)
            .filter((each) => each >= limits.least && each <= limits.most);
    const figures = await measureBudgets(measure, budgets, blocks);
    await report({ budget: found, figures, blocks }, options);
  } catch (error) {
    if (!signal.aborted) throw error;
    process.exitCode = EXIT.interrupted;
  } finally {
    await executor.close();
    await budget.end();
    releaseSignals();
  }
}

interface Planned {
  scenario: Scenario;
  blocks: number;
  shares: readonly number[];
}

/** What is measured, how often, and with which budgets as shares of the one that the search finds. */
async function planned(options: Options): Promise<Planned> {
  const [loaded] = await loadScenarios([SCENARIO], forwarderKinds);
  if (loaded === undefined) throw new Error(`${SCENARIO}: no scenario`);
  const blocks = options.blocks ?? (options.quick ? 2 : 6);
  const shorter = options.quick ? quick(loaded).scenario : loaded;
  return { scenario: shorter, blocks, shares: options.quick ? [1] : SHARES };
}

/** What would be measured, in words. */
function planText({ scenario, blocks, shares }: Planned): string {
  const [cell] = scenario.cells;
  if (cell === undefined) throw new Error(`${SCENARIO}: no condition`);
  const { warmup, seconds } = cell.workload;
  const trials = MOST_STEPS + blocks * shares.length * 2;
  return [
    `${scenario.name}: ${scenario.description ?? ''}`,
    `  topology     ${topologyText(cell.topology)}`,
    `  search       at most ${MOST_STEPS} trials of copying, for the CPU budget with which it forwards ${CLAIMED.copy} Gbps`,
    `  budgets      ${shares.map((share) => `${share * 100} %`).join(', ')} of the one found`,
    `  blocks       ${blocks} of copying and splicing with each`,
    `  time         at most ${formatDuration(Math.round(trials * (warmup + seconds + TRIAL_OVERHEAD)))}`,
    '',
  ].join('\n');
}

function makeBudget(): CpuBudget {
  try {
    return CpuBudget.make();
  } catch (error) {
    if (!(error instanceof BudgetUnavailable)) throw error;
    throw new CouldNotRunError(`--emulate-2008 is unavailable: ${error.message}`);
  }
}

/** One trial with a budget: the forwarder alone is confined. */
async function measureWith(
  executor: LiveExecutor,
  budget: CpuBudget,
  signal: AbortSignal,
  scenario: Scenario,
): Promise<Measure> {
  const [cell] = scenario.cells;
  if (cell === undefined) throw new Error(`${SCENARIO}: no condition`);
  const { refused } = await executor.prepare([cell]);
  const [refusal] = refused;
  if (refusal) throw new CouldNotRunError(`--emulate-2008 is unavailable: ${refusal.reason}`);
  const seed = randomSeed();
  return async (mechanism, cpus, { block, position }) => {
    const forwarder = scenario.forwarders.find(({ use }) => use === mechanism);
    if (forwarder === undefined) throw new Error(`${SCENARIO}: no ${mechanism}`);
    budget.set(cpus);
    const trial_id = `b${block}-${position}-${mechanism}`;
    const trial = {
      ...{ run_id: 'emulate-2008', trial_id, block, position, cell, forwarder },
      seed: derivedSeed(seed, 'trial', trial_id),
    };
    const { record } = await executor.run(trial, signal);
    signal.throwIfAborted();
    const gbps = isUsable(record) ? record.goodput_gbps : null;
    const what = gbps === null ? (record.error ?? record.outcome) : `${gbps.toFixed(2)} Gbps`;
    process.stderr.write(`${(cpus * 100).toFixed(1)} % of a CPU  ${mechanism}  ${what}\n`);
    return gbps;
  };
}

async function report(emulation: Emulation, { out, json }: Options): Promise<void> {
  const text = emulationMarkdown(emulation);
  (json ? process.stderr : process.stdout).write(`\n${text}`);
  const data = `${JSON.stringify({ emulated: true, ...emulation }, null, 2)}\n`;
  if (json) process.stdout.write(data);
  if (emulation.budget.cpus === null) process.exitCode = EXIT.couldNotRun;
  if (out === undefined) return;
  try {
    await mkdir(out, { recursive: true });
    await writeFile(join(out, 'emulate-2008.md'), text);
    await writeFile(join(out, 'emulate-2008.json'), data);
  } catch (error) {
    throw new UsageError(`--out: ${wordsOf(error)}`);
  }
}
