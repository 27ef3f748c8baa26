/** Where samples lie that now and then are far off, and how well that is known. Pure. */
import { median } from './interval.js';

/**
 * The Hodges-Lehmann estimate: the median of the means of all pairs, each sample with itself included (J. L.
 * Hodges and E. L. Lehmann, Annals of Mathematical Statistics 34, 1963). Of normal samples it is 95 % as
 * efficient as the mean, where the median is 64 %, and up to 29 % of the samples may be anything: slices
 * that were preempted do not move it.
 * @returns null without samples
 */
export function hodgesLehmann(samples: readonly number[]): number | null {
  const means: number[] = [];
  for (let i = 0; i < samples.length; i++) {
    for (let j = i; j < samples.length; j++) {
      means.push(((samples[i] ?? 0) + (samples[j] ?? 0)) / 2);
    }
  }
  return median(means);
}

/** A ratio of one slice. */
export interface RoundSample {
  round: number;
  value: number;
}

/**
 * The ratio of two arms of one set: the Hodges-Lehmann estimate of the logarithms of value / baseline by
 * round, whose two slices are a moment apart.
 * @returns null where no round has both
 */
export function ratioByRound(
  samples: readonly RoundSample[],
  baseline: readonly RoundSample[],
): number | null {
  const denominators = new Map(baseline.map(({ round, value }) => [round, value]));
  const logs = samples.flatMap(({ round, value }) => {
    const log = Math.log(value / (denominators.get(round) ?? 0));
    return Number.isFinite(log) ? [log] : [];
  });
  const estimate = hodgesLehmann(logs);
  return estimate === null ? null : Math.exp(estimate);
}
