/** The turns of a set: rounds in which every arm has one slice, in an order of their own. Pure. */
import type { StreamWorkload } from '../../../data/record/plan.js';
import { Random } from '../../../base/statistics/random.js';

/**
 * Seconds of a slice that count, and those before them, in which it is not yet as fast as it stays. Chosen by
 * `make slices` (results/published, the run of the scenario `slices`): of the lengths that show least in a minute those
 * whose speed no longer differs from that of longer ones.
 */
const MEASURE = 0.02;
const SETTLE = 0.005;
/** Slices are longer by up to this, so that they keep no step with the kernel's tick. */
const JITTER = 0.004;

/** Seconds. */
export interface SliceLengths {
  settle: number;
  measure: number;
}

export function lengthsOf({
  measure,
  settle,
}: Pick<StreamWorkload, 'measure' | 'settle'>): SliceLengths {
  return { settle: settle ?? SETTLE, measure: measure ?? MEASURE };
}

/** One slice to be run. */
export interface Turn {
  /** From 1; those that are discarded count down from 0. */
  round: number;
  /** Inside its round, from 1. */
  turn: number;
  arm: number;
  /** Seconds, after the settle time. */
  measure: number;
}

/** How many rounds are discarded first, and how many count. */
export function roundsOf(
  { warmup, seconds }: Pick<StreamWorkload, 'warmup' | 'seconds'>,
  { settle, measure }: SliceLengths,
): {
  discarded: number;
  counted: number;
} {
  return {
    discarded: Math.max(1, Math.ceil(warmup / (settle + measure))),
    counted: Math.max(1, Math.ceil(seconds / (measure + JITTER / 2))),
  };
}

/**
 * All turns of a set.
 * @param arms how many; the first round has them in their order, so that their positions are those planned
 * @param measure seconds of a slice that count, without the jitter
 * @param seed 64 bits as decimal digits
 */
export function planTurns(
  arms: number,
  { discarded, counted }: { discarded: number; counted: number },
  measure: number,
  seed: string,
): Turn[] {
  const random = new Random(seed, 'rounds');
  const numbers = Array.from({ length: arms }, (_, arm) => arm);
  const rounds = Array.from({ length: discarded + counted }, (_, index) => index + 1 - discarded);
  return rounds.flatMap((round, index) =>
    (index === 0 ? numbers : random.shuffled(numbers)).map((arm, place) => ({
      round,
      turn: place + 1,
      arm,
      measure: measure + random.float() * JITTER,
    })),
  );
}
