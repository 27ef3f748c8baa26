/**
 * Shares of trials in which something happened, and how far two such shares lie apart. At 95 %.
 *
 * The interval of a difference is method 10 of R. G. Newcombe, "Interval estimation for the difference
 * between independent proportions: comparison of eleven methods", Statistics in Medicine 17 (1998): made
 * from the score intervals of E. B. Wilson (JASA 22, 1927) of both shares, it holds its level with a
 * handful of trials and with shares of 0 and 1, where intervals around the normal curve shrink to a point.
 */
import type { Interval } from './interval.js';

/** Standard normal quantile of 97.5 %. */
const Z_975 = 1.959963984540054;

/** How many of some trials. */
export interface Count {
  hit: number;
  of: number;
}

/**
 * Wilson's score interval of a share.
 * @throws RangeError unless 0 <= hit <= of, in whole numbers, and of > 0
 */
export function wilsonInterval({ hit, of }: Count): Interval {
  if (!Number.isSafeInteger(hit) || !Number.isSafeInteger(of) || hit < 0 || hit > of || of === 0) {
    throw new RangeError(`expected a count of some trials, got ${hit} of ${of}`);
  }
  const z2 = Z_975 ** 2;
  const middle = 2 * hit + z2;
  const spread = Z_975 * Math.sqrt(z2 + 4 * hit * (1 - hit / of));
  const over = 2 * (of + z2);
  return {
    low: Math.max(0, (middle - spread) / over),
    high: Math.min(1, (middle + spread) / over),
  };
}

/**
 * The interval of share a - share b, from -1 to 1.
 * @throws RangeError as wilsonInterval
 */
export function differenceInterval(a: Count, b: Count): Interval {
  const [first, second] = [wilsonInterval(a), wilsonInterval(b)];
  const [p, q] = [a.hit / a.of, b.hit / b.of];
  return {
    low: p - q - Math.hypot(p - first.low, second.high - q),
    high: p - q + Math.hypot(first.high - p, q - second.low),
  };
}
