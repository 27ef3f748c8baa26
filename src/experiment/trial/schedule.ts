/**
 * Runs the trials of one scenario: blocks in random order, every finished trial stored at once, a
 * cell that is known well enough left out of later blocks, an interruption that loses nothing.
 */
import type { TrialStore } from '../../data/record/trial-result.js';
import type { Unavailable } from '../../data/record/record.js';
import type { Blocks } from '../scenario/expand.js';
import type { Cell, ForwarderEntry, PlannedTrial } from '../../data/record/plan.js';
import type { EtaFigures, RunEvent } from './schedule-events.js';
import type { TrialResult } from '../../data/record/trial-result.js';
import type { TrialExecutor } from './executor.js';
import { leftOutOf } from '../../data/record/left-out.js';
import { isUnavailable } from './availability.js';
import { roomOf } from '../workload/rooms.js';
import { secondsOfTrials } from '../measure/elapsed.js';
import { type GoalState, goalState, outlookText, reachedReason } from './goal.js';
import { planBlock, trialKey } from './order.js';
import { chooseRounds } from './repetition.js';
import { Restless, soloReason } from './solo.js';
import {
  budgetReason,
  interruptedReason,
  ratioWidths,
  type RatioWidth,
  soakReason,
  stopReason,
} from './stopping.js';

export interface Clock {
  /** Milliseconds of a clock that never goes back. */
  now(): number;
}

const systemClock: Clock = { now: () => performance.now() };

export interface ScheduleOptions {
  cells: readonly Cell[];
  forwarders: readonly ForwarderEntry[];
  executor: TrialExecutor;
  store: TrialStore;
  /** The run's seed: 64 bits as decimal digits. */
  seed: string;
  blocks: Blocks;
  /** So many blocks run whatever the budget is; 1 unless given. */
  leastBlocks?: number;
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

/**
 * Runs a scenario to its end or to the signal's abort.
 * @returns why it stopped; an abort is a result, not an error
 * @throws whatever the store throws (see StoreError), and a bug of the executor; trials finished
 *   before are stored either way
 */
export async function runSchedule(options: ScheduleOptions): Promise<ScheduleResult> {
  return new Schedule(options).run();
}

/** The set that is likely to follow; empty = none is known. */
type Next = () => readonly PlannedTrial[];

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
  private readonly restless: Restless;
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
    this.restless = new Restless(trials);
    this.stored = new Set(trials.map((t) => trialKey(t.block, t.cell, t.forwarder)));
    const nominal = new Map(options.cells.map((cell) => [cell.key, nominalSeconds(cell)]));
    const own = trials.filter(({ cell }) => nominal.has(cell));
    this.before = options.blocks.soak ? secondsOfTrials(own, (cell) => nominal.get(cell) ?? 0) : 0;
  }

  async run(): Promise<ScheduleResult> {
    try {
      return await this.toItsEnd();
    } finally {
      await this.options.executor.endPrepared?.();
    }
  }

  private async toItsEnd(): Promise<ScheduleResult> {
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
    const turns = this.turns(this.missing(block));
    for (const [index, trials] of turns.entries()) {
      if (this.options.signal.aborted) return false;
      const next = () => this.setIn(turns[index + 1] ?? this.firstOf(block + 1));
      if (!(await this.runTogether(trials, next))) return false;
    }
    return true;
  }

  /** What a block begins with, if it comes: whether it does is not decided before this one has ended. */
  private firstOf(block: number): readonly PlannedTrial[] {
    if (block > this.options.blocks.max || this.overBudget(block)) return [];
    return this.turns(this.missing(block))[0] ?? [];
  }

  /** Trials that are a set, else none. */
  private setIn(trials: readonly PlannedTrial[]): readonly PlannedTrial[] {
    const [first] = trials;
    return first === undefined || this.whyAlone(first) !== null ? [] : trials;
  }

  /** What runs at once: those of a cell that take turns are a set, at the place of the first of them. */
  private turns(trials: readonly PlannedTrial[]): PlannedTrial[][] {
    const sets = new Map<string, PlannedTrial[]>();
    return trials.flatMap((trial) => {
      const { cell } = trial;
      if (!this.takesTurns || this.whyAlone(trial) !== null) return [[trial]];
      const known = sets.get(cell.key);
      known?.push(trial);
      if (known !== undefined) return [];
      const set = [trial];
      sets.set(cell.key, set);
      return [set];
    });
  }

  private whyAlone(trial: PlannedTrial): string | null {
    const { cell, forwarder } = trial;
    const { executor } = this.options;
    return (
      soloReason(cell, forwarder) ??
      executor.whyAlone?.(trial) ??
      this.restless.reason(cell.key, forwarder.label)
    );
  }

  private get takesTurns(): boolean {
    return this.options.executor.runSet !== undefined;
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

  /** One trial alone, or those of a set; false when interrupted. */
  private async runTogether(trials: readonly PlannedTrial[], next: Next): Promise<boolean> {
    const { store, signal } = this.options;
    for (const { trial_id, block, position, cell, forwarder } of trials) {
      this.emit({
        event: 'trial-start',
        trial_id,
        block,
        position,
        cell: cell.key,
        forwarder: forwarder.label,
        eta: this.eta(block),
      });
    }
    const before = this.clock.now();
    let results: TrialResult[];
    try {
      results = await this.resultsOf(trials, next);
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
    this.measured.seconds += (this.clock.now() - before) / 1e3;
    await store.append(...results);
    for (const [index, result] of results.entries()) {
      const trial = trials[index];
      if (trial === undefined) break;
      const { block, cell, forwarder } = trial;
      this.stored.add(trialKey(block, cell.key, forwarder.label));
      this.restless.note(result.record);
      this.ran += 1;
      this.measured.nominal += nominalSeconds(cell);
      this.emit({ event: 'trial-end', record: result.record, eta: this.eta(block) });
    }
    return true;
  }

  /** A single forwarder has nobody to take turns with, and still is measured as those of a set are. */
  private async resultsOf(trials: readonly PlannedTrial[], next: Next): Promise<TrialResult[]> {
    const { executor, signal } = this.options;
    const [first] = trials;
    if (first === undefined) return [];
    if (executor.runSet === undefined) return [await executor.run(first, signal)];
    const alone = this.whyAlone(first);
    if (alone === null) return this.setOf(trials, next);
    const { record, incidents } = await executor.run(first, signal);
    return [{ record: { ...record, ran_alone: alone }, incidents }];
  }

  /** Stored with how long it took: what it costs beside its rounds. */
  private async setOf(trials: readonly PlannedTrial[], next: Next): Promise<TrialResult[]> {
    const { executor, store, blocks, signal } = this.options;
    const [first] = trials;
    if (executor.runSet === undefined || first === undefined) return [];
    const { key, baseline } = first.cell;
    const own = store.trials.filter(({ cell }) => cell === key);
    const arms = { labels: this.labelsIn(key), baseline };
    const choice = chooseRounds(own, arms, first.block, blocks);
    const before = this.clock.now();
    const planned = choice === null ? trials : trials.map((trial) => ({ ...trial, choice }));
    const results = await executor.runSet(planned, signal, next);
    const seconds = Math.round(this.clock.now() - before) / 1e3;
    const told = { seconds, ...(choice === null ? {} : { choice }) };
    return results.map(({ record, incidents }) => ({
      record: record.set === undefined ? record : { ...record, set: { ...record.set, ...told } },
      incidents,
    }));
  }

  private endBlock(block: number): void {
    const { cells, blocks } = this.options;
    if (block > 1) this.plans.delete(block);
    const ended = cells.filter(({ key }) => this.active.has(key));
    for (const { key } of ended) this.done.set(key, block);
    const widths = ended.flatMap(({ key, baseline }) =>
      this.widths(key, baseline, block).map((width) => ({ cell: key, ...width })),
    );
    this.emit({ event: 'block-end', block, widths, eta: this.eta(block + 1) });
    this.judgeGoal(block);
    for (const { key, baseline } of ended.filter((cell) => this.active.has(cell.key))) {
      const reason = stopReason(block, blocks, this.widths(key, baseline, block), baseline);
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
  private widths(cell: string, baseline: string, done: number): RatioWidth[] {
    if (this.isGoal()) return [];
    const { blocks } = this.options;
    const labels = this.labelsIn(cell);
    const trials = this.options.store.trials.filter((trial) => trial.cell === cell);
    return ratioWidths(trials, labels, baseline, { done, blocks });
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
            : budgetReason(done, blocks, this.widths(key, baseline, done)),
      );
    }
  }

  /**
   * True when a block would not end within the budget, judging by the trials so far. The first block
   * of a session runs whatever the budget is, and so do the run's least and one that needs no further trial.
   */
  private overBudget(block: number): boolean {
    const { budget } = this.options.blocks;
    if (budget === null || (this.ran === 0 && this.before === 0)) return false;
    if (block <= (this.options.leastBlocks ?? 1)) return false;
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
  const ofAmount = roomOf(workload.kind).amountSeconds?.(workload) ?? null;
  return workload.warmup + (ofAmount ?? workload.seconds) + ASSUMED_OVERHEAD;
}
