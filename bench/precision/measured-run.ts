/** One run of `make bars-precision`, by the engine that every comparison uses. */
import { confidenceAfter, plannedLooks } from '../../src/base/statistics/looks.js';
import { pairedRatio, type RatioEstimate } from '../../src/base/statistics/ratio.js';
import { type Metric, METRICS } from '../../src/data/record/metrics.js';
import type { SliceSeries, TrialRecord } from '../../src/data/record/record.js';
import type { TrialResult, TrialStore } from '../../src/data/record/trial-result.js';
import type { TrialExecutor } from '../../src/experiment/trial/executor.js';
import { type Clock, runSchedule } from '../../src/experiment/trial/schedule.js';
import { setsLeftOut } from '../../src/experiment/verdict/apart-sets.js';
import { pairedSets } from '../../src/experiment/verdict/set-samples.js';
import { samplesOf } from '../../src/experiment/verdict/summary.js';
import { PassingStore } from '../../src/tasks/noise/noise.js';
import { type Amount, type Kind, looksOf, pairOf, type PlannedRun, scenarioOf } from './plan.js';

/** The metrics that the bars are about. */
export const ABOUT = ['goodput', 'forwarder_cpu_per_gb', 'system_cpu_per_gb'] as const;
/** What the burner is found by. */
const DECIDED_BY = 'forwarder_cpu_per_gb';

/** The ratio of one metric, of the second arm to the first. */
export interface RunMetric {
  metric: string;
  /** null = no set gave the figure. */
  ratio: number | null;
  /** Its interval; null with fewer than six sets. */
  low: number | null;
  high: number | null;
  /** The ratio of each set. */
  sets: number[];
}

/** As a line of runs.jsonl has it. */
export interface MeasuredRun extends PlannedRun {
  /** ISO 8601. */
  started: string;
  /** Of wall time, from before the first process was started. */
  seconds: number;
  sets: number;
  /** Those with the CPUs nearer or further apart than in most. */
  sets_left_out: number;
  /** Of all sets, and those left out inside sets. */
  rounds: number;
  rounds_left_out: number;
  /** Of each interval, so that those of all looks hold together with 95 %. */
  confidence: number;
  /** Ended because the answer was there, and not its time over. */
  decided: boolean;
  metrics: RunMetric[];
  /** Of the first trial that gave no figure; null = all did. */
  error: string | null;
}

export interface RunSetting {
  amount: Amount;
  executor: TrialExecutor;
  signal: AbortSignal;
  seed: string;
  clock: Clock;
}

/** @returns null when interrupted: what there is of the run does not count */
export async function measureRun(
  run: PlannedRun,
  { amount, executor, signal, seed, clock }: RunSetting,
): Promise<MeasuredRun | null> {
  const { cells, forwarders, blocks } = scenarioOf(run, amount);
  const store = new DecidingStore(run.kind);
  const started = new Date().toISOString();
  const before = clock.now();
  await runSchedule({
    ...{ cells, forwarders, blocks, store, seed, executor, clock },
    signal: AbortSignal.any([signal, store.enough]),
  });
  if (signal.aborted) return null;
  const seconds = Math.round(clock.now() - before) / 1e3;
  return { ...run, started, seconds, decided: store.enough.aborted, ...figuresOf(run.kind, store) };
}

/** Ends the run at a planned look that shows the difference. */
class DecidingStore extends PassingStore implements TrialStore {
  private readonly controller = new AbortController();

  constructor(private readonly kind: Kind) {
    super();
  }

  get enough(): AbortSignal {
    return this.controller.signal;
  }

  override async append(...results: TrialResult[]): Promise<void> {
    await super.append(...results);
    const looks = looksOf(this.kind);
    if (looks === null || !plannedLooks(looks).includes(blocksIn(this.trials))) return;
    const metric = METRICS.find(({ name }) => name === DECIDED_BY);
    if (metric === undefined) return;
    const { significant } = ratioOf(this.kind, this.trials, metric);
    if (significant === true) this.controller.abort();
  }
}

/** What the trials of a run say. Pure. */
export function figuresOf(
  kind: Kind,
  { trials }: Pick<TrialStore, 'trials'>,
): Omit<MeasuredRun, keyof PlannedRun | 'started' | 'seconds' | 'decided'> {
  const { under, over } = pairOf(kind);
  const metrics = METRICS.filter(({ name }) => ABOUT.some((one) => one === name));
  const sets = new Map(trials.flatMap(({ slices }) => (slices ? [[slices.set, slices]] : [])));
  const total = (of: (series: SliceSeries) => number) =>
    [...sets.values()].reduce((sum, series) => sum + of(series), 0);
  return {
    sets: blocksIn(trials),
    sets_left_out: setsLeftOut(trials).size,
    rounds: total(({ round }) => new Set(round).size),
    rounds_left_out: total(({ left_out: out = [] }) => out.length),
    confidence: confidenceAfter(blocksIn(trials), looksOf(kind)),
    metrics: metrics.map((metric) => {
      const { median: ratio, interval } = ratioOf(kind, trials, metric);
      return {
        metric: metric.name,
        ratio,
        low: interval?.low ?? null,
        high: interval?.high ?? null,
        sets: pairedSets(trials, [under, over], metric).map(({ log }) => rounded(Math.exp(log))),
      };
    }),
    error: trials.find(({ error }) => error !== null)?.error ?? null,
  };
}

function ratioOf(kind: Kind, trials: readonly TrialRecord[], metric: Metric): RatioEstimate {
  const { under, over } = pairOf(kind);
  const confidence = confidenceAfter(blocksIn(trials), looksOf(kind));
  return pairedRatio(samplesOf(trials, over, metric), samplesOf(trials, under, metric), confidence);
}

function blocksIn(trials: readonly TrialRecord[]): number {
  return Math.max(0, ...trials.map(({ block }) => block));
}

function rounded(ratio: number): number {
  return Number(ratio.toPrecision(6));
}
