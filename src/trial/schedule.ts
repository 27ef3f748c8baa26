/**
 * Runs the trials of one scenario: blocks in random order, every finished trial stored at once, a
 * cell that is known well enough left out of later blocks, an interruption that loses nothing.
 */
import type { TrialRecord, Unavailable } from '../results/record.js';
import type { Blocks } from '../scenario/expand.js';
import type { Cell, ForwarderEntry, PlannedTrial, Workload } from '../scenario/plan.js';
import type { EtaFigures, RunEvent } from './schedule-events.js';
import type { TrialExecutor, TrialResult } from './executor.js';
import { isUnavailable, leftOutOf } from './availability.js';
import { secondsOfTrials } from './elapsed.js';
import { type GoalState, goalState, outlookText, reachedReason } from './goal.js';
import { planBlock, trialKey } from './order.js';
import {
  budgetReason,
  interruptedReason,
  ratioWidths,
  type RatioWidth,
  soakReason,
  stopReason,
} from './stopping.js';

/** Where finished trials go. `trials` holds those of this run, earlier sessions included. */
export interface TrialStore {
  readonly run_id: string;
  readonly trials: readonly TrialRecord[];
  /** Returns when the trial is safe on disk; it is then also in `trials`. */
  append(result: TrialResult): Promise<void>;
}

export interface Clock {
  /** Milliseconds of a clock that never goes back. */
  now(): number;
}

export const systemClock: Clock = { now: () => performance.now() };

export interface ScheduleOptions {
  cells: readonly Cell[];
  forwarders: readonly ForwarderEntry[];
  executor: TrialExecutor;
  store: TrialStore;
  /** The run's seed: 64 bits as decimal digits. */
  seed: string;
  blocks: Blocks;
  /** Forwarders left out, of all cells or of some. */
  unavailable?: readonly Unavailable[];
  /** Ends the run after cleaning up the trial under way, which is not stored. */
  signal: AbortSignal;
  clock?: Clock;
  onEvent?: (event: RunEvent) => void;
}

export interface ScheduleResult {
  interrupted: boolean;
  /** Why each cell stopped, by cell key, in words. */
  stopping: Record<string, string>;
  /** Trials run now, not counting those of earlier sessions. */
  ran: number;
}

/** What a trial costs beyond its warm-up and window until a trial has shown it, in seconds. */
const ASSUMED_OVERHEAD = 0.5;

/** Takes this for the speed of a fixed amount until a trial has shown it, in bytes per second. */
const ASSUMED_SPEED = 1e9;
/** And this for a fixed number of connections, per second. */
const ASSUMED_CHURN = 5000;

/**
 * Runs a scenario to its end or to the signal's abort.
 * @returns why it stopped; an abort is a result, not an error
 * @throws whatever the store throws (see StoreError), and a bug of the executor; trials finished
 *   before are stored either way
 */
export async function runSchedule(options: ScheduleOptions): Promise<ScheduleResult> {
  return new Schedule(options).run();
}

/** One run of a scenario, with the state that the steps below share. */
class Schedule {
  private readonly clock: Clock;
  private readonly started: number;
  private readonly active: Set<string>;
  private readonly stored: Set<string>;
  private readonly stopping: Record<string, string> = {};
  /** Blocks done by cell. */
  private readonly done = new Map<string, number>();
  /** The plan under way, and that of the first block, which says who takes part where. */
  private readonly plans = new Map<number, PlannedTrial[]>();
  private ran = 0;
  /** Seconds that trials took beyond what was nominal, to estimate the rest. */
  private measured = { seconds: 0, nominal: 0 };
  /** Seconds that earlier sessions of a soak took; other runs have their budget per session. */
  private readonly before: number;
  /** What the bounds were like after the last block, where there are any. */
  private goal: GoalState | null = null;

  constructor(private readonly options: ScheduleOptions) {
    this.clock = options.clock ?? systemClock;
    this.started = this.clock.now();
    this.active = new Set(options.cells.map(({ key }) => key));
    const { trials } = options.store;
    this.stored = new Set(trials.map((t) => trialKey(t.block, t.cell, t.forwarder)));
    const nominal = new Map(options.cells.map((cell) => [cell.key, nominalSeconds(cell)]));
    const own = trials.filter(({ cell }) => nominal.has(cell));
    this.before = options.blocks.soak ? secondsOfTrials(own, (cell) => nominal.get(cell) ?? 0) : 0;
  }

  async run(): Promise<ScheduleResult> {
    const { cells, forwarders, blocks, store, seed, signal } = this.options;
    const perBlock = this.plan(1).length;
    const keys = new Set(cells.map(({ key }) => key));
    this.emit({
      event: 'run-start',
      run_id: store.run_id,
      scenario: cells[0]?.scenario ?? '',
      seed,
      cells: [...keys],
      forwarders: forwarders.map(({ label }) => label),
      blocks,
      trials_at_least: perBlock * blocks.min,
      trials_at_most: perBlock * blocks.max,
      trials_stored: store.trials.filter(({ cell }) => keys.has(cell)).length,
      eta: this.eta(1),
    });
    const left = cells.flatMap((cell) => leftOutOf(this.options.unavailable ?? [], cell));
    for (const one of new Set(left)) this.emit({ event: 'unavailable', ...one });
    for (const { key } of cells) {
      if (this.labelsIn(key).length === 0) this.stop(key, 'no forwarder can take part in it');
    }
    for (let block = 1; this.active.size > 0; block++) {
      if (signal.aborted || this.overBudget(block)) break;
      if (!(await this.runBlock(block))) break;
      this.endBlock(block);
    }
    this.stopRest();
    const interrupted = signal.aborted;
    this.emit({
      event: 'run-end',
      run_id: store.run_id,
      scenario: cells[0]?.scenario ?? '',
      interrupted,
      trials: this.ran,
      elapsed_seconds: this.elapsed(),
      stopping: this.stopping,
    });
    return { interrupted, stopping: this.stopping, ran: this.ran };
  }

  /** Runs what is not stored yet of a block; false when interrupted. */
  private async runBlock(block: number): Promise<boolean> {
    for (const trial of this.missing(block)) {
      if (this.options.signal.aborted) return false;
      if (!(await this.runTrial(trial))) return false;
    }
    return true;
  }

  /** The trials of a block that belong to active cells and are not stored yet, in order. */
  private missing(block: number): PlannedTrial[] {
    return this.plan(block).filter(
      ({ cell, forwarder }) =>
        this.active.has(cell.key) && !this.stored.has(trialKey(block, cell.key, forwarder.label)),
    );
  }

  private plan(block: number): PlannedTrial[] {
    let trials = this.plans.get(block);
    if (trials === undefined) {
      const { store, seed, cells, forwarders } = this.options;
      // Left out after planning, so that the order of the others does not depend on it.
      const left = this.options.unavailable ?? [];
      trials = planBlock({ run_id: store.run_id, seed, cells, forwarders }, block).filter(
        ({ cell, forwarder }) => !isUnavailable(left, cell, forwarder.label),
      );
      this.plans.set(block, trials);
    }
    return trials;
  }

  private async runTrial(trial: PlannedTrial): Promise<boolean> {
    const { executor, store, signal } = this.options;
    const { trial_id, block, position, cell, forwarder } = trial;
    this.emit({
      event: 'trial-start',
      trial_id,
      block,
      position,
      cell: cell.key,
      forwarder: forwarder.label,
      eta: this.eta(block),
    });
    const before = this.clock.now();
    let result: TrialResult;
    try {
      result = await executor.run(trial, signal);
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
    await store.append(result);
    this.stored.add(trialKey(block, cell.key, forwarder.label));
    this.ran += 1;
    this.measured.seconds += (this.clock.now() - before) / 1e3;
    this.measured.nominal += nominalSeconds(cell);
    this.emit({ event: 'trial-end', record: result.record, eta: this.eta(block) });
    return true;
  }

  private endBlock(block: number): void {
    const { cells, blocks } = this.options;
    if (block > 1) this.plans.delete(block);
    const ended = cells.filter(({ key }) => this.active.has(key));
    for (const { key } of ended) this.done.set(key, block);
    const widths = ended.flatMap(({ key, baseline }) =>
      this.widths(key, baseline).map((width) => ({ cell: key, ...width })),
    );
    this.emit({ event: 'block-end', block, widths, eta: this.eta(block + 1) });
    this.judgeGoal(block);
    for (const { key, baseline } of ended.filter((cell) => this.active.has(cell.key))) {
      const reason = stopReason(block, blocks, this.widths(key, baseline), baseline);
      if (reason !== null) this.stop(key, reason);
    }
  }

  /** True when the run goes on for a bound or a time, and not for what is known of its ratios. */
  private isGoal(): boolean {
    const { until, soak } = this.options.blocks;
    return until !== undefined || soak === true;
  }

  /** Ends every cell once the bounds are reached, or cannot be. */
  private judgeGoal(block: number): void {
    const { cells, blocks, store } = this.options;
    const { until, max } = blocks;
    if (until === undefined) return;
    const keys = new Set(cells.map(({ key }) => key));
    // Of a run that is resumed, later blocks are stored already: each is judged by those before.
    const trials = store.trials.filter((one) => keys.has(one.cell) && one.block <= block);
    this.goal = goalState(until, trials, block, max);
    const seconds = (this.goal.blocksLeft ?? 0) * this.expected(this.plan(1));
    this.emit({
      event: 'bound',
      block,
      reached: this.goal.reached,
      impossible: this.goal.impossible,
      blocks_left: this.goal.blocksLeft,
      seconds_left: this.goal.blocksLeft === null ? null : seconds,
      text: outlookText(this.goal, max, block, seconds),
    });
    const reason = this.goal.reached ? reachedReason(until, trials, block) : this.goal.impossible;
    if (reason === null) return;
    for (const { key } of cells) if (this.active.has(key)) this.stop(key, reason);
  }

  /** None of a run that goes on for something else: they decide nothing there, and cost more each time. */
  private widths(cell: string, baseline: string): RatioWidth[] {
    if (this.isGoal()) return [];
    const labels = this.labelsIn(cell);
    const trials = this.options.store.trials.filter((trial) => trial.cell === cell);
    return ratioWidths(trials, labels, baseline);
  }

  /** The forwarders that take part in a cell. */
  private labelsIn(cell: string): string[] {
    return this.plan(1)
      .filter((trial) => trial.cell.key === cell)
      .map(({ forwarder }) => forwarder.label);
  }

  private stop(cell: string, reason: string): void {
    this.active.delete(cell);
    this.stopping[cell] = reason;
    this.emit({ event: 'cell-stopped', cell, blocks: this.done.get(cell) ?? 0, reason });
  }

  /** Cells that end because the run does. */
  private stopRest(): void {
    const { cells, blocks, signal } = this.options;
    for (const { key, baseline } of cells.filter((cell) => this.active.has(cell.key))) {
      const done = this.done.get(key) ?? 0;
      this.stop(
        key,
        signal.aborted
          ? interruptedReason(done)
          : blocks.soak
            ? soakReason(done, blocks)
            : budgetReason(done, blocks, this.widths(key, baseline)),
      );
    }
  }

  /**
   * True when a block would not end within the budget, judging by the trials so far. The first block
   * of a session runs whatever the budget is, and so does one that needs no further trial.
   */
  private overBudget(block: number): boolean {
    const { budget } = this.options.blocks;
    if (budget === null || (this.ran === 0 && this.before === 0)) return false;
    const missing = this.missing(block);
    return missing.length > 0 && this.elapsed() + this.expected(missing) > budget;
  }

  private elapsed(): number {
    return this.before + (this.clock.now() - this.started) / 1e3;
  }

  /** Seconds that trials will take. */
  private expected(trials: readonly PlannedTrial[]): number {
    const nominal = trials.reduce((sum, { cell }) => sum + nominalSeconds(cell), 0);
    const { seconds, nominal: before } = this.measured;
    return before === 0 ? nominal : nominal * (seconds / before);
  }

  /** What remains from a block on if every active cell goes on to the maximum or the budget. */
  private eta(block: number): EtaFigures {
    const { blocks, cells } = this.options;
    const now = this.missing(block);
    const later = cells.filter(({ key }) => this.active.has(key));
    const blocksLater = Math.max(0, blocks.max - block);
    const perBlock = later.map((cell) => ({ cell, trials: this.labelsIn(cell.key).length }));
    const trialsLater = perBlock.reduce((sum, { trials }) => sum + trials, 0) * blocksLater;
    const nominalLater = perBlock.reduce(
      (sum, { cell, trials }) => sum + nominalSeconds(cell) * trials * blocksLater,
      0,
    );
    const factor = this.measured.nominal === 0 ? 1 : this.measured.seconds / this.measured.nominal;
    const inBlock = block > blocks.max ? [] : now;
    const all = this.expected(inBlock) + nominalLater * factor;
    const elapsed = this.elapsed();
    const left = blocks.budget === null ? all : Math.min(all, Math.max(0, blocks.budget - elapsed));
    return {
      elapsed_seconds: elapsed,
      remaining_seconds_at_most: left,
      trials_done: this.ran,
      trials_left_at_most: inBlock.length + trialsLater,
    };
  }

  private emit(event: RunEvent): void {
    this.options.onEvent?.(event);
  }
}

/** Seconds that a trial of a cell should take, before any trial has shown it. */
function nominalSeconds({ workload }: Cell): number {
  return workload.warmup + windowSeconds(workload) + ASSUMED_OVERHEAD;
}

function windowSeconds(workload: Workload): number {
  const { connections, seconds } = workload;
  switch (workload.kind) {
    case 'stream':
      return workload.bytes === null ? seconds : (workload.bytes * connections) / ASSUMED_SPEED;
    case 'churn':
      return workload.transfers === null ? seconds : workload.transfers / ASSUMED_CHURN;
    case 'exchange':
    case 'http':
      return seconds;
  }
}
