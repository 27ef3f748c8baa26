/**
 * How much larger the figures of one run are than those of another. Nothing pairs them, so every
 * figure of one is held against every figure of the other.
 */
import { gammaln, medianSorted, probit } from 'simple-statistics';
import { mannWhitney } from './ratio.js';
import type { Interval } from './interval.js';

/** Up to this many pairs the distribution of U is counted out. */
const EXACT_PAIRS = 2500;

/** The ratio of two independent samples. */
export interface ShiftEstimate {
  /** Samples on either side. */
  n: [number, number];
  /** Median of all ratios b / a; null when a figure is missing or not positive. */
  ratio: number | null;
  /** Its 95 % interval; null with too few samples. */
  interval: Interval | null;
  /** Two-sided p of the Mann-Whitney test; null when a side is empty. */
  p: number | null;
  /** True when p is below 5 %; null when nothing can be said. */
  significant: boolean | null;
  /** Why there is no ratio, interval or test, in words; null when there are all. */
  reason: string | null;
}

/**
 * The ratio b / a of two independent samples, by the estimator of J. L. Hodges and E. L. Lehmann
 * ("Estimates of Location Based on Rank Tests", Annals of Mathematical Statistics 34, 1963) on
 * logarithms: the median of all pairwise ratios, and the interval of those ratios that the
 * Mann-Whitney test at 5 % does not reject.
 * @param a figures of the first run, of one unit
 * @param b figures of the second run, of the same unit
 */
export function independentRatio(a: readonly number[], b: readonly number[]): ShiftEstimate {
  const n: [number, number] = [a.length, b.length];
  const p = mannWhitney(a, b);
  if (p === null) {
    const reason = `no figure in the ${a.length === 0 ? 'first' : 'second'} run`;
    return { n, ratio: null, interval: null, p, significant: null, reason };
  }
  const rank = rankOfBound(a.length, b.length);
  // Where no arrangement of ranks is rarer than 5 %, p cannot come below it: that shows nothing.
  const significant = rank === 0 ? null : p < 0.05;
  if (![...a, ...b].every((value) => value > 0)) {
    const reason = 'a ratio needs figures above 0';
    return { n, ratio: null, interval: null, p, significant, reason };
  }
  const ratios = b.flatMap((over) => a.map((under) => over / under)).sort((x, y) => x - y);
  const ratio = Math.exp(medianSorted(ratios.map(Math.log)));
  const low = ratios[rank - 1];
  const high = ratios[ratios.length - rank];
  if (rank === 0 || low === undefined || high === undefined) {
    const reason = `${a.length} against ${b.length} figures cannot show a difference at 95 %`;
    return { n, ratio, interval: null, p, significant, reason };
  }
  return { n, ratio, interval: { low, high }, p, significant, reason: null };
}

/**
 * The 1-based rank, among the n * m sorted differences, of the lower end of the interval: the largest
 * k with P(U <= k - 1) <= 2.5 %; 0 when there is none.
 */
function rankOfBound(n: number, m: number): number {
  if (n * m > EXACT_PAIRS) {
    const spread = Math.sqrt((n * m * (n + m + 1)) / 12);
    return Math.max(0, Math.floor((n * m) / 2 + probit(0.025) * spread));
  }
  const limit = 0.025 * Math.exp(gammaln(n + m + 1) - gammaln(n + 1) - gammaln(m + 1));
  let rank = 0;
  let below = 0;
  for (const count of countsOfU(n, m)) {
    below += count;
    // Rounding of the logarithms must not decide.
    if (below > limit * (1 + 1e-9)) break;
    rank += 1;
  }
  return rank;
}

/** counts[u]: the arrangements of n and m ranks without ties in which U is u. */
function countsOfU(n: number, m: number): Float64Array {
  // Coefficients of the Gaussian binomial: the product of (1 - q^(m+i)) / (1 - q^i), i = 1 ... n.
  const counts = new Float64Array(n * m + 1);
  counts[0] = 1;
  for (let i = 1; i <= n; i++) {
    for (let u = counts.length - 1; u >= m + i; u--) {
      counts[u] = (counts[u] ?? 0) - (counts[u - m - i] ?? 0);
    }
    for (let u = i; u < counts.length; u++) counts[u] = (counts[u] ?? 0) + (counts[u - i] ?? 0);
  }
  return counts;
}
