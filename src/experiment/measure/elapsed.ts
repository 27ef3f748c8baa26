import type { TrialRecord } from '../../data/record/record.js';

/** A trial that began so much later than the one before, beside what it takes, is of a later session. */
const PAUSE = 60;

/**
 * Seconds that stored trials took, by when each began: the time between two that follow one another,
 * and what is nominal for the last of a session.
 * @param nominal seconds a trial should take
 */
export function secondsOfTrials(
  trials: readonly Pick<TrialRecord, 'started' | 'cell'>[],
  nominal: (cell: string) => number,
): number {
  const begun = trials
    .map(({ started, cell }) => ({ at: Date.parse(started) / 1e3, expected: nominal(cell) }))
    .sort((a, b) => a.at - b.at);
  return begun.reduce((sum, { at, expected }, index) => {
    const next = begun[index + 1]?.at ?? Infinity;
    const between = next - at;
    const plausible = between > 0 && between < expected + PAUSE;
    return sum + (plausible ? between : expected);
  }, 0);
}
