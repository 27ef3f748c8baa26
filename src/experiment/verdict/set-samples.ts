/** What each set says of the ratio of two of its arms, as its variance needs it. Pure. */
import type { SetSample } from '../../base/statistics/components.js';
import { ratioByRound, type RoundSample } from '../../base/statistics/location.js';
import type { BlockSample } from '../../base/statistics/ratio.js';
import type { Metric } from '../../data/record/metrics.js';
import type { TrialRecord } from '../../data/record/record.js';
import { samplesOf } from './summary.js';

/** `level`: the logarithm of what both figures are about, which pairing takes out. */
export interface PairedSet extends SetSample {
  level: number;
}

/** @param trials of one cell */
export function pairedSets(
  trials: readonly TrialRecord[],
  [under, over]: readonly [string, string],
  metric: Metric,
): PairedSet[] {
  const denominators = samplesOf(trials, under, metric);
  return samplesOf(trials, over, metric).flatMap((sample) => {
    const other = denominators.find(({ block }) => block === sample.block);
    if (other === undefined) return [];
    const found = setSample(sample, other);
    const level = (Math.log(sample.value) + Math.log(other.value)) / 2;
    return found === null ? [] : [{ ...found, level }];
  });
}

function setSample(over: BlockSample, under: BlockSample): SetSample | null {
  const [a, b] = [over.slices?.rounds, under.slices?.rounds];
  if (a === undefined || b === undefined) {
    const log = Math.log(over.value / under.value);
    return Number.isFinite(log) ? { log, halves: null, rounds: 0 } : null;
  }
  const log = logByRound(a, b);
  const half = (odd: number) => {
    const own = (rounds: readonly RoundSample[]) => rounds.filter((one) => one.round % 2 === odd);
    return logByRound(own(a), own(b));
  };
  const [odd, even] = [half(1), half(0)];
  if (log === null) return null;
  return { log, halves: odd === null || even === null ? null : [odd, even], rounds: a.length };
}

function logByRound(a: readonly RoundSample[], b: readonly RoundSample[]): number | null {
  const ratio = ratioByRound(a, b);
  return ratio === null ? null : Math.log(ratio);
}
