/** Slices in which something else had a part of a CPU, or of a core, that the trial used. Pure. */
import { isContended } from '../../data/record/contended-cpu.js';
import { isShared, type WorkTimes } from '../../data/record/shared-core.js';
import type { Slice } from './slices.js';

/** What is left out of one arm's figures. */
export interface OwnRounds {
  /** Rounds in which its slice was run on a shared core. */
  shared: number[];
  /** Rounds in which other tasks wanted a CPU of its slice. */
  contended: number[];
  /** Those of the whole set, and of the two above those that are not too many. */
  left_out: number[];
}

/** The shares of a set's slices that may be left out. */
const MOST_SHARED = 1 / 2;
const MOST_CONTENDED = 3 / 4;

/**
 * Both concern a slice and not a round: each arm loses its own, by what others did while nothing of the trial ran
 * and not by what was measured, and rounds pair where both arms have a slice left. Where more than half of all slices
 * were on shared cores none is left out for that: the rest would not stand for the host. Other tasks are no property
 * of the host: they cost slices while a quarter is left.
 * @param arms the slices of each
 * @param shortest of the work on each CPU, ns, that is known
 * @param leftOut rounds that are left out for all arms
 */
export function ownRounds(
  arms: readonly (readonly Slice[])[],
  shortest: WorkTimes,
  leftOut: readonly number[],
): OwnRounds[] {
  const all = arms.reduce((sum, slices) => sum + slices.length, 0);
  const found = (is: (slice: Slice) => boolean, most: number) => {
    const rounds = arms.map((slices) => slices.filter(is).map(({ round }) => round));
    const fits = rounds.flat().length <= most * all;
    return rounds.map((own) => ({ own, out: fits ? own : [] }));
  };
  const shared = found(({ workNs }) => isShared(workNs, shortest), MOST_SHARED);
  const contended = found(({ waitNs }) => isContended(waitNs), MOST_CONTENDED);
  return arms.map((_, arm) => {
    const kinds = [shared[arm], contended[arm]];
    const out = new Set([...leftOut, ...kinds.flatMap((kind) => kind?.out ?? [])]);
    return {
      shared: shared[arm]?.own ?? [],
      contended: contended[arm]?.own ?? [],
      left_out: [...out].sort((a, b) => a - b),
    };
  });
}

/**
 * The same when no further round comes: an arm that has no slice left keeps all, and says so by leaving out none.
 * The figure of disturbed slices is one; of none it would be 0, which nothing had.
 */
export function lastRounds(
  arms: readonly { slices: readonly Slice[] }[],
  own: readonly OwnRounds[],
): OwnRounds[] {
  return own.map((one, arm) => {
    const left = arms[arm]?.slices.some(({ round }) => !one.left_out.includes(round)) === true;
    return left ? one : { ...one, left_out: [] };
  });
}
