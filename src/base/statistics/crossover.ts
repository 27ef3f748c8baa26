/**
 * From which value of an axis on does one forwarder beat another?
 *
 * The crossing of a measured curve is found by inverse interpolation, and its interval by inverting the
 * band of the ratios' intervals: the values at which 1 lies inside the band (N. Draper and H. Smith,
 * "Applied Regression Analysis", 3rd ed. 1998, section 3.2, inverse estimation). Between measured values
 * curve and band are straight lines of the logarithm of the ratio over the logarithm of the axis, since
 * sizes and ratios multiply. Each bound of the band holds with 97.5 % at a measured value, so that the
 * interval is one of 95 % there; between values it is as good as the straight line.
 */

/** The ratio to the baseline at one value of the axis, with its 95 % interval. */
export interface AxisPoint {
  /** Above 0. */
  x: number;
  ratio: number;
  low: number;
  high: number;
}

export type Crossover =
  /** Above 1 from `from` on, the first measured value of which that is true; it was not below it. */
  | {
      kind: 'from';
      from: number;
      /** Where the median crosses 1; null when it is above 1 everywhere. */
      at: number | null;
      /** null = outside of what was measured. */
      low: number | null;
      high: number | null;
    }
  /** Above 1 at every measured value. */
  | { kind: 'always' }
  /** Not above 1 at the largest value; `slower` when it is below 1 everywhere. */
  | { kind: 'never'; slower: boolean }
  /** Above 1 at `gain`, and below 1 at the larger `loss`. */
  | { kind: 'not-monotone'; gain: number; loss: number }
  /** Fewer than two values with an interval. */
  | { kind: 'unknown' };

/** Finds the crossover in points of any order. */
export function findCrossover(points: readonly AxisPoint[]): Crossover {
  const sorted = points
    .filter(({ x, low, high }) => x > 0 && low > 0 && Number.isFinite(high))
    .toSorted((a, b) => a.x - b.x);
  if (sorted.length < 2) return { kind: 'unknown' };
  const gain = sorted.find(({ low }) => low > 1);
  const loss = gain && sorted.find(({ x, high }) => x > gain.x && high < 1);
  if (gain && loss) return { kind: 'not-monotone', gain: gain.x, loss: loss.x };
  const below = sorted.findLastIndex(({ low }) => low <= 1);
  const first = sorted[below + 1];
  if (first === undefined) return { kind: 'never', slower: sorted.every(({ high }) => high < 1) };
  if (below === -1) return { kind: 'always' };
  return {
    kind: 'from',
    from: first.x,
    at: lastCrossing(sorted, ({ ratio }) => ratio),
    low: lastCrossing(sorted, ({ high }) => high),
    high: lastCrossing(sorted, ({ low }) => low),
  };
}

/** Where a curve comes above 1 for good; null when it is nowhere below. */
function lastCrossing(
  sorted: readonly AxisPoint[],
  value: (point: AxisPoint) => number,
): number | null {
  const index = sorted.findLastIndex((point) => value(point) <= 1);
  const [before, after] = [sorted[index], sorted[index + 1]];
  if (before === undefined || after === undefined) return null;
  const [from, to] = [Math.log(value(before)), Math.log(value(after))];
  const share = to === from ? 1 : -from / (to - from);
  return Math.exp(Math.log(before.x) + share * (Math.log(after.x) - Math.log(before.x)));
}
