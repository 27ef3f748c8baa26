/**
 * What makes repeated measurements differ, and how many of which kind pay. Pure. Repetition has levels, here
 * rounds inside a set and sets: variance of the lower level falls with the number of rounds, that of the upper one
 * only with the number of sets (T. Kalibera and R. Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013).
 */
import { median, studentBound } from './interval.js';

/** Of the logarithm of a ratio. */
export interface Components {
  sets: number;
  /** Of one round of one set; null where rounds are not known apart. */
  round: number | null;
  /** Between sets, beyond what their rounds explain; with `round` unknown, all of it. */
  set: number;
}

/** One set's logarithm of a ratio, from all its rounds, and from either half of them. */
export interface SetSample {
  log: number;
  halves: readonly [number, number] | null;
  rounds: number;
}

/**
 * Variances from at least two sets. That of a set's estimate by its rounds comes from its two halves: half of
 * the estimates differ by noise alone, which an estimator that tails do not move (Hodges-Lehmann) has less
 * of than a mean. What sets differ by beyond that is theirs.
 */
export function componentsOf(samples: readonly SetSample[]): Components | null {
  const sets = samples.length;
  if (sets < 2) return null;
  const all = varianceOf(samples.map(({ log }) => log));
  const round = samples.every(({ halves }) => halves !== null) ? roundVariance(samples) : null;
  if (round === null) return { sets, round, set: all };
  const rounds = median(samples.map((sample) => sample.rounds)) ?? 1;
  return { sets, round, set: Math.max(0, all - round / rounds) };
}

/** The variance of one round, from the two halves of each set; null where there are none. */
export function roundVariance(samples: readonly SetSample[]): number | null {
  const halves = samples.flatMap(({ halves: pair, rounds }) =>
    pair === null ? [] : [((pair[0] - pair[1]) ** 2 / 4) * rounds],
  );
  return halves.length === 0 ? null : meanOf(halves);
}

/** Seconds that repetitions take. */
export interface Costs {
  /** Of a set, whatever its rounds. */
  set: number;
  /** Of one round. */
  round: number;
}

export interface Repetition {
  sets: number;
  rounds: number;
  /** The smallest difference, as a fraction, that is shown by an interval of 95 % in four of five such runs. */
  difference: number;
}

/** Fewest sets for an interval over sets. */
const FEWEST_SETS = 6;
const FEWEST_ROUNDS = 4;
/** Student's t beyond which lies a fifth. */
const FOUR_OF_FIVE = 0.6;

/**
 * The best use of some seconds: the numbers of sets and rounds whose interval is the narrowest.
 * @param fixed rounds, where only so many are known about
 * @returns null where they do not suffice for the fewest sets
 */
export function bestRepetition(
  { round, set }: Components,
  costs: Costs,
  seconds: number,
  fixed?: number,
): Repetition | null {
  const most = Math.floor((seconds / FEWEST_SETS - costs.set) / costs.round);
  let best: Repetition | null = null;
  for (let rounds = fixed ?? FEWEST_ROUNDS; rounds <= (fixed ?? most); rounds++) {
    const sets = Math.floor(seconds / (costs.set + rounds * costs.round));
    if (sets < FEWEST_SETS) break;
    const error = Math.sqrt((set + (round ?? 0) / rounds) / sets);
    const t = studentBound(sets - 1, 0.95) + studentBound(sets - 1, FOUR_OF_FIVE);
    const difference = Math.expm1(t * error);
    if (best === null || difference < best.difference) best = { sets, rounds, difference };
  }
  return best;
}

/** Of a sample; 0 of fewer than two. */
export function varianceOf(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = meanOf(values);
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
