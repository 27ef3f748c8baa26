/**
 * What a number of incidents says about their rate: exact Poisson bounds at 95 %.
 *
 * Without an incident the bound is one-sided: the rate above which nothing would have been seen with
 * a probability below 5 %, -ln(0.05) = 2.9957 events (the "rule of three" of J. A. Hanley and
 * A. Lippman-Hand, JAMA 249, 1983). With incidents it is the two-sided interval of F. Garwood,
 * "Fiducial Limits for the Poisson Distribution", Biometrika 28 (1936): half the chi-square quantiles
 * of 2k and 2k + 2 degrees of freedom, that is, quantiles of gamma distributions of shape k and k + 1.
 *
 * Corruption comes in bursts, which a Poisson process does not; hence the bound per connection and
 * trial beside the one per byte.
 */
import { bytesBrief, plural } from '../../base/units/quantity.js';
import { gammaln } from 'simple-statistics';

/** Bytes of one TB. */
const TB = 1e12;

/** 95 % bounds on a number of events, or on a rate. */
export interface RateBounds {
  low: number;
  high: number;
}

/**
 * 95 % bounds on the mean of a Poisson variable seen once.
 * @param events 0 or more; with 0 the upper bound is one-sided, else the interval is two-sided
 * @throws RangeError for anything else
 */
export function poissonBounds(events: number): RateBounds {
  if (!Number.isSafeInteger(events) || events < 0) {
    throw new RangeError(`expected a count of events, got ${events}`);
  }
  if (events === 0) return { low: 0, high: -Math.log(0.05) };
  return { low: gammaQuantile(events, 0.025), high: gammaQuantile(events + 1, 0.975) };
}

/**
 * Upper 95 % bound on the mean of a Poisson process that is looked at again and again until it is low
 * enough, as `run --until` does after every block. Bounds for one look would be too low then: each look is
 * another chance of a lucky one. Here the 5 % are divided among the numbers of events with which the run
 * may stop, the k-th getting 5 % * 6 / (pi^2 (k + 1)^2), which adds up to 5 % (Basel series): whatever the
 * looks, stopping with k events below the bound takes at most k events in the exposure where it is first
 * allowed, and these chances together are at most 5 % (Bonferroni). Without an event it is 3.49 instead
 * of 3.00.
 * @param events 0 or more
 */
export function poissonBoundAtAnyLook(events: number): number {
  const chance = (0.05 * 6) / (Math.PI * (events + 1)) ** 2;
  return gammaQuantile(events + 1, 1 - chance);
}

/**
 * 95 % bounds on the rate per TB (10^12 bytes).
 * @returns null when no byte was compared, which bounds nothing
 */
export function ratePerTb(events: number, comparedBytes: number): RateBounds | null {
  return scaled(events, comparedBytes / TB);
}

/**
 * 95 % bounds on the mean number of events per connection and trial.
 * @param connections connections of all trials together
 * @returns null when there was none
 */
export function ratePerConnection(events: number, connections: number): RateBounds | null {
  return scaled(events, connections);
}

function scaled(events: number, exposure: number): RateBounds | null {
  if (!(exposure > 0)) return null;
  const { low, high } = poissonBounds(events);
  return { low: low / exposure, high: high / exposure };
}

/** What was looked at, and what was found. */
export interface Exposure {
  incidents: number;
  /** Bytes compared, right or wrong. */
  comparedBytes: number;
  trials: number;
}

/**
 * The bound as a sentence: "none in 41 GB, 48 trials: below 73 per TB", or
 * "3 in 41 GB, 48 trials: 73 per TB (95 %: 15 to 214)".
 */
export function boundSentence({ incidents, comparedBytes, trials }: Exposure): string {
  const bounds = ratePerTb(incidents, comparedBytes);
  if (bounds === null) return 'no byte was compared';
  const seen = `${counted(incidents)} in ${bytesBrief(comparedBytes)}, ${plural(trials, 'trial')}`;
  const { low, high } = bounds;
  return incidents === 0
    ? `${seen}: below ${brief(high)} per TB`
    : `${seen}: ${brief((incidents * TB) / comparedBytes)} per TB (95 %: ${brief(low)} to ${brief(high)})`;
}

/**
 * The bound per connection and trial: "none in 48 connections: below 6.2 per 100", with the
 * number of connections that had an incident as `events`.
 */
export function connectionSentence(events: number, connections: number): string {
  const bounds = ratePerConnection(events, connections);
  if (bounds === null) return 'no connection was checked';
  const seen = `${counted(events)} in ${plural(connections, 'connection')}`;
  const perHundred = (rate: number) => brief(rate * 100);
  return events === 0
    ? `${seen}: below ${perHundred(bounds.high)} per 100`
    : `${seen}: ${perHundred(events / connections)} per 100 ` +
        `(95 %: ${perHundred(bounds.low)} to ${perHundred(bounds.high)})`;
}

function counted(events: number): string {
  return events === 0 ? 'none' : events.toLocaleString('en-US');
}

/** Two significant digits, and all of a whole number: 73, 2.5, 14,000, 0.012. */
function brief(value: number): string {
  return Number(value.toPrecision(2)).toLocaleString('en-US', { maximumSignificantDigits: 2 });
}

/**
 * The x with P(shape, x) = p, where P is the regularised lower incomplete gamma function: a quantile
 * of the gamma distribution. Starts from Wilson and Hilferty's approximation (PNAS 17, 1931), then
 * Newton's steps inside a shrinking bracket.
 */
export function gammaQuantile(shape: number, p: number): number {
  const z = p < 0.5 ? -Z_975 : Z_975;
  const start = shape * Math.max(1e-3, 1 - 1 / (9 * shape) + z / (3 * Math.sqrt(shape))) ** 3;
  let low = 0;
  let high = Infinity;
  let x = start;
  for (let step = 0; step < 200; step++) {
    const error = gammaP(shape, x) - p;
    if (error > 0) high = x;
    else low = x;
    const density = Math.exp((shape - 1) * Math.log(x) - x - gammaln(shape));
    let next = x - error / density;
    if (!(next > low && next < high)) next = high === Infinity ? x * 2 : (low + high) / 2;
    if (Math.abs(next - x) <= 1e-13 * x) return next;
    x = next;
  }
  return x;
}

/** Standard normal quantile of 97.5 %, the only one the starting point is needed for. */
const Z_975 = 1.959963984540054;

/**
 * The regularised lower incomplete gamma function P(a, x) by its series (NIST Digital Library of
 * Mathematical Functions 8.11.4). All terms are positive, so nothing cancels; around the quantiles that
 * are wanted it takes a few times sqrt(a) terms.
 * @param a above 0
 * @param x from 0 to a few times a (beyond about 700 + a the powers overflow)
 */
export function gammaP(a: number, x: number): number {
  if (x <= 0) return 0;
  let term = 1 / a;
  let sum = term;
  for (let n = 1; term > sum * Number.EPSILON; n++) {
    term *= x / (a + n);
    sum += term;
  }
  return Math.exp(a * Math.log(x) - x - gammaln(a)) * sum;
}
