/**
 * Is one forwarder faster than another? Within a run the answer comes from pairs: both ran in the
 * same block, seconds apart, so a machine that drifts by a factor of two between blocks leaves their
 * ratio alone. Between runs there are no pairs, and ranks decide.
 */
import { errorFunction, wilcoxonRankSum } from 'simple-statistics';
import { estimateGeometric, estimateMedian, type MedianEstimate } from './interval.js';
import { ratioByRound, type RoundSample } from './location.js';

/** A figure of one block. */
export interface BlockSample {
  block: number;
  value: number;
  /** Of an arm of a set: its slices, which pair with those of the same set by round. */
  slices?: { set: string; rounds: readonly RoundSample[] };
}

/** The ratio of one forwarder to another. */
export interface RatioEstimate extends MedianEstimate {
  /** True when the interval excludes 1, null without an interval. */
  significant: boolean | null;
  /** It is made of slices that took turns; else of the figures of whole trials. */
  bySlices: boolean;
}

/**
 * The ratio of value to baseline over blocks, with its interval of 95 % unless asked otherwise. Blocks where one of the two is missing, or
 * the baseline is 0, are no pair. Of sets, which are all made of paired slices, the mean of the sets'
 * logarithms with Student's interval: each is a location of dozens of ratios already, so that they are close to
 * normal, and what spoils a whole set makes the interval wider and not wrong. Otherwise the median.
 */
export function pairedRatio(
  samples: readonly BlockSample[],
  baseline: readonly BlockSample[],
  confidence?: number,
): RatioEstimate {
  const denominators = new Map(baseline.map((sample) => [sample.block, sample]));
  const pairs = samples.flatMap((sample) => {
    const denominator = denominators.get(sample.block);
    const pair = denominator === undefined ? null : ratioOfBlock(sample, denominator);
    return pair !== null && Number.isFinite(pair.ratio) ? [pair] : [];
  });
  const ratios = pairs.map(({ ratio }) => ratio);
  const sets = pairs.every(({ paired, ratio }) => paired && ratio > 0);
  const estimate = sets
    ? estimateGeometric(ratios, confidence)
    : estimateMedian(ratios, confidence);
  const { interval } = estimate;
  const significant = interval === null ? null : interval.low > 1 || interval.high < 1;
  return { ...estimate, significant, bySlices: sets && pairs.length > 0 };
}

function ratioOfBlock(
  sample: BlockSample,
  denominator: BlockSample,
): { ratio: number; paired: boolean } {
  const [own, others] = [sample.slices, denominator.slices];
  const ratio =
    own !== undefined && own.set === others?.set ? ratioByRound(own.rounds, others.rounds) : null;
  return ratio === null
    ? { ratio: sample.value / denominator.value, paired: false }
    : { ratio, paired: true };
}

/** The width of a ratio's interval relative to its median, as a fraction; null without interval. */
export function relativeWidth({ median, interval }: MedianEstimate): number | null {
  if (median === null || median === 0 || interval === null) return null;
  return (interval.high - interval.low) / Math.abs(median);
}

/** Up to this many samples on both sides together p is exact: the counts stay below 2^53. */
const EXACT_LIMIT = 40;

/**
 * Two-sided Mann-Whitney U test (Annals of Mathematical Statistics 18, 1947): the probability of ranks
 * at least as uneven as these if both samples came from one distribution. Small samples: exact, by
 * counting the arrangements, ties included. Large ones: the normal approximation, corrected for ties
 * and for continuity.
 * @returns p from 0 to 1, or null when a sample is empty
 */
export function mannWhitney(a: readonly number[], b: readonly number[]): number | null {
  if (a.length === 0 || b.length === 0) return null;
  const all = [...a, ...b].sort((x, y) => x - y);
  const groups = groupSizes(all);
  const rankSum = wilcoxonRankSum([...a], [...b]);
  return all.length <= EXACT_LIMIT
    ? exactP(a.length, groups, rankSum)
    : normalP(a.length, b.length, groups, rankSum);
}

/**
 * The share of all choices of n of the ranks whose sum is at least as far from the mean as this one.
 * Ranks are doubled, so that those of ties, which are means, are whole numbers.
 */
function exactP(n: number, groups: readonly number[], rankSum: number): number {
  const ranks: number[] = [];
  for (const size of groups) {
    ranks.push(...Array<number>(size).fill(2 * ranks.length + size + 1));
  }
  const highest = ranks.slice(-n).reduce((sum, rank) => sum + rank, 0);
  // counts[k][s]: the choices of k of the ranks so far with the sum s.
  const counts = Array.from({ length: n + 1 }, () => new Float64Array(highest + 1));
  counts[0]?.fill(1, 0, 1);
  for (const rank of ranks) {
    for (let k = n; k >= 1; k--) {
      const [chosen, before] = [counts[k], counts[k - 1]];
      if (chosen === undefined || before === undefined) continue;
      for (let s = highest; s >= rank; s--) chosen[s] = (chosen[s] ?? 0) + (before[s - rank] ?? 0);
    }
  }
  const mean = n * (ranks.length + 1);
  const observed = Math.abs(2 * rankSum - mean);
  let total = 0;
  let asUneven = 0;
  for (const [sum, count] of (counts[n] ?? new Float64Array()).entries()) {
    total += count;
    if (Math.abs(sum - mean) >= observed) asUneven += count;
  }
  return asUneven / total;
}

function normalP(n: number, m: number, groups: readonly number[], rankSum: number): number {
  const all = n + m;
  const tied = groups.reduce((sum, size) => sum + size ** 3 - size, 0);
  const variance = ((n * m) / 12) * (all + 1 - tied / (all * (all - 1)));
  // Every value alike: nothing distinguishes the samples.
  if (variance <= 0) return 1;
  const distance = Math.max(0, Math.abs(rankSum - (n * (all + 1)) / 2) - 0.5);
  return 1 - errorFunction(distance / Math.sqrt(2 * variance));
}

/** Sizes of the groups of equal values, in ascending order of the values. */
function groupSizes(ascending: readonly number[]): number[] {
  const counts = new Map<number, number>();
  for (const value of ascending) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts.values()];
}
