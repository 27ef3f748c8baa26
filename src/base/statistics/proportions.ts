/**
 * Shares of trials in which something happened, and how far two such shares lie apart. At 95 %.
 *
 * The interval of a difference is method 10 of R. G. Newcombe, "Interval estimation for the difference
 * between independent proportions: comparison of eleven methods", Statistics in Medicine 17 (1998): made
 * from the score intervals of E. B. Wilson (JASA 22, 1927) of both shares, it holds its level with a
 * handful of trials and with shares of 0 and 1, where intervals around the normal curve shrink to a point.
 */
import { binomialTail, type Interval } from './interval.js';

/** Standard normal quantile of 97.5 %. */
const Z_975 = 1.959963984540054;

/** How many of some trials. */
export interface Count {
  hit: number;
  of: number;
}

function assertCount({ hit, of }: Count): void {
  if (!Number.isSafeInteger(hit) || !Number.isSafeInteger(of) || hit < 0 || hit > of || of === 0) {
    throw new RangeError(`expected a count of some trials, got ${hit} of ${of}`);
  }
}

/** Halvings until a bound is as exact as a number can be. */
const HALVINGS = 60;

/**
 * The exact interval of a share (C. J. Clopper and E. S. Pearson, Biometrika 26, 1934): bounds at which
 * as many or as few hits as were seen have a probability of 2.5 %.
 * @throws RangeError as wilsonInterval
 */
export function exactInterval(count: Count): Interval {
  assertCount(count);
  const { hit, of } = count;
  return { low: exactLow(hit, of), high: 1 - exactLow(of - hit, of) };
}

/** The share at which so many hits or more have a probability of 2.5 %. */
function exactLow(hit: number, of: number): number {
  if (hit === 0) return 0;
  let [low, high] = [0, 1];
  for (let turn = 0; turn < HALVINGS; turn++) {
    const middle = (low + high) / 2;
    if (binomialTail(of, hit, middle) < 0.025) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * Wilson's score interval of a share.
 * @throws RangeError unless 0 <= hit <= of, in whole numbers, and of > 0
 */
export function wilsonInterval({ hit, of }: Count): Interval {
  assertCount({ hit, of });
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
