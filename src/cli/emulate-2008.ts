/** `splicebench claims --emulate-2008`: the report's claim with a CPU budget for the forwarder. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findBudget, type Measure, measureBudgets, SHARES } from '../claims/emulate-2008.js';
import { forwarderKinds } from '../forwarders/registry.js';
import { BudgetUnavailable, CpuBudget, LEAST_BUDGET } from '../host/cpu-budget.js';
import { type Emulation, emulationMarkdown } from '../report/emulation.js';
import { quick } from '../scenario/adjust.js';
import { loadScenarios } from '../scenario/load.js';
import { isUsable } from '../statistics/summary.js';
import { derivedSeed, randomSeed } from '../statistics/random.js';
import { LiveExecutor } from '../trial/live-executor.js';
import { CouldNotRunError, EXIT, UsageError } from './exit.js';
import { releaseSignals, stopSignal } from './stop-signal.js';

const SCENARIO = 'claims-budget';
/** One forwarder's loop is one thread: more than a CPU is no more to it. */
const MOST_BUDGET = 1;

interface Options {
  out?: string;
  quick?: boolean;
  blocks?: number;
  json?: boolean;
}

/** Searches, measures and reports; the group is removed whatever happens. */
export async function emulate2008(options: Options): Promise<void> {
  const budget = makeBudget();
  const executor = new LiveExecutor((host) => budget.confine(host));
  const signal = stopSignal();
  try {
    const measure = await measureWith(executor, budget, signal, options);
    const blocks = options.blocks ?? (options.quick ? 2 : 6);
    const limits = { least: LEAST_BUDGET, most: MOST_BUDGET };
    const found = await findBudget(measure, limits);
    const shares = options.quick ? [1] : SHARES;
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
  options: Options,
): Promise<Measure> {
  const [loaded] = await loadScenarios([SCENARIO], forwarderKinds);
  const scenario = loaded && options.quick ? quick(loaded).scenario : loaded;
  const cell = scenario?.cells[0];
  if (scenario === undefined || cell === undefined) throw new Error(`${SCENARIO}: no condition`);
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
  if (json) process.stdout.write(`${JSON.stringify({ emulated: true, ...emulation }, null, 2)}\n`);
  if (emulation.budget.cpus === null) process.exitCode = EXIT.couldNotRun;
  if (out === undefined) return;
  try {
    await mkdir(out, { recursive: true });
    await writeFile(join(out, 'emulate-2008.md'), text);
    await writeFile(join(out, 'emulate-2008.json'), JSON.stringify(emulation, null, 2));
  } catch (error) {
    throw new UsageError(`--out: ${error instanceof Error ? error.message : String(error)}`);
  }
}
