/**
 * The 2008 claim under a CPU of 2008: the forwarder gets a budget, found by search, with which copying
 * forwards 3 Gbps; then splicing gets the same budget over links of 10 Gbps, and more and less of it.
 * An emulation: the budget is a share of today's CPU, with today's caches, and the links are veth.
 */
import { estimateMedian, type Interval, median } from '../../base/statistics/interval.js';
import { type BlockSample, pairedRatio } from '../../base/statistics/ratio.js';
import { LINK_FULL } from '../../experiment/measure/bottleneck.js';

/** What the report said: copying stops at 3 Gbps where splicing fills a link of 10. */
export const CLAIMED = { copy: 3, splice: 10 } as const;
/** Copying counts as saturated at 3 Gbps within this. */
const TOLERANCE = 0.05;
/** Trials that the search takes at most. */
export const MOST_STEPS = 8;
/** The budgets to be looked at, as shares of the one that was found. */
export const SHARES = [0.5, 0.75, 1, 1.5, 2] as const;

export type Mechanism = 'copy' | 'splice';

/** Goodput of one trial, Gbps; null when it gave none. Throws when the run is to end. */
export type Measure = (
  mechanism: Mechanism,
  cpus: number,
  place: { block: number; position: number },
) => Promise<number | null>;

export interface Step {
  cpus: number;
  gbps: number | null;
}

export interface FoundBudget {
  /** null where no budget in reach makes copying saturate there; `reason` says why. */
  cpus: number | null;
  reason: string | null;
  steps: Step[];
}

/**
 * Searches the budget at which copying forwards 3 Gbps: goodput is nearly proportional to it, so each
 * step goes where that leads, inside what is known to be too little and too much.
 */
export async function findBudget(
  measure: Measure,
  limits: { least: number; most: number },
): Promise<FoundBudget> {
  const steps: Step[] = [];
  let [low, high] = [limits.least, limits.most];
  let cpus = Math.min(limits.most, Math.max(limits.least, 0.5));
  for (let position = 1; position <= MOST_STEPS; position++) {
    const gbps = await measure('copy', cpus, { block: 0, position });
    steps.push({ cpus, gbps });
    if (gbps === null || gbps <= 0) {
      return { cpus: null, reason: 'copying gave no goodput under a budget', steps };
    }
    if (Math.abs(gbps / CLAIMED.copy - 1) <= TOLERANCE) return { cpus, reason: null, steps };
    if (gbps < CLAIMED.copy) low = cpus;
    else high = cpus;
    if (low >= limits.most) return { cpus: null, reason: tooWeak(limits.most, gbps), steps };
    if (high <= limits.least) return { cpus: null, reason: tooStrong(limits.least, gbps), steps };
    const proportional = (cpus * CLAIMED.copy) / gbps;
    cpus = proportional > low && proportional < high ? proportional : bounded(low, high, limits);
  }
  // Noise kept it from settling; the nearest one is taken, and the report shows what came of it.
  const distance = ({ gbps }: Step) => Math.abs((gbps ?? 0) / CLAIMED.copy - 1);
  const [best] = steps.toSorted((a, b) => distance(a) - distance(b));
  return { cpus: best?.cpus ?? null, reason: null, steps };
}

/** Between what is known; a limit itself while it is untried. */
function bounded(low: number, high: number, limits: { least: number; most: number }): number {
  if (high - low < limits.least / 10) return high === limits.most ? high : low;
  return (low + high) / 2;
}

function tooWeak(cpus: number, gbps: number): string {
  return `copying reaches only ${gbps.toFixed(2)} Gbps with all of ${cpus} CPU`;
}

function tooStrong(cpus: number, gbps: number): string {
  return `copying reaches ${gbps.toFixed(2)} Gbps with the least budget there is, ${cpus} CPU`;
}

/** What was measured with one budget, interleaved. null = unavailable. */
export interface BudgetFigures {
  cpus: number;
  copy: { median: number | null; interval: Interval | null };
  splice: { median: number | null; interval: Interval | null };
  ratio: { median: number | null; interval: Interval | null };
  /** Splicing fills the link; null where that is not known. */
  fills: boolean | null;
  /** It does, and copying is at 3 Gbps or below; null where either is not known. */
  holds: boolean | null;
}

/** Measures copying and splicing with every budget; order alternates, so that drift falls on both. */
export async function measureBudgets(
  measure: Measure,
  budgets: readonly number[],
  blocks: number,
): Promise<BudgetFigures[]> {
  const samples = budgets.map(() => ({ copy: [] as BlockSample[], splice: [] as BlockSample[] }));
  for (let block = 1; block <= blocks; block++) {
    let position = 0;
    for (const [index, cpus] of budgets.entries()) {
      const first = (block + index) % 2 === 0;
      const order: Mechanism[] = first ? ['copy', 'splice'] : ['splice', 'copy'];
      for (const mechanism of order) {
        const value = await measure(mechanism, cpus, { block, position: ++position });
        if (value !== null) samples[index]?.[mechanism].push({ block, value });
      }
    }
  }
  return budgets.map((cpus, index) => {
    const { copy, splice } = samples[index] ?? { copy: [], splice: [] };
    return figuresOf(cpus, copy, splice);
  });
}

function figuresOf(
  cpus: number,
  copy: readonly BlockSample[],
  splice: readonly BlockSample[],
): BudgetFigures {
  const values = (samples: readonly BlockSample[]) => samples.map(({ value }) => value);
  const [copied, spliced] = [median(values(copy)), median(values(splice))];
  const fills = spliced === null ? null : spliced >= CLAIMED.splice * LINK_FULL;
  const holds =
    copied === null || fills === null ? null : copied <= CLAIMED.copy * (1 + TOLERANCE) && fills;
  return {
    cpus,
    copy: estimateMedian(values(copy)),
    splice: estimateMedian(values(splice)),
    ratio: pairedRatio(splice, copy),
    fills,
    holds,
  };
}
