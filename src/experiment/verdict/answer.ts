/** What a ratio's interval answers. Pure. */
import type { Interval } from '../../base/statistics/interval.js';
import type { Cell } from '../../data/record/plan.js';
import type { Answer } from '../../data/record/words.js';
import type { SampleRange } from '../../base/statistics/looks.js';

/** Of runs whose scenario names none, as a fraction. */
const DEFAULT_MARGIN = 0.03;

/** How a scenario's ratios are judged. */
export interface Judging {
  /** null = nothing was looked at on the way, so that there is one look, at the end. */
  range: SampleRange | null;
  /** Ratios that differ from 1 by no more are equivalent, as a fraction. */
  margin: number;
}

/** How the ratios of a run are judged that repeats so often. */
export function judgingOf({ min, max, equivalent, until, soak }: Repeats): Judging {
  const goal = until !== undefined || soak === true;
  return { range: goal ? null : { min, max }, margin: equivalent ?? DEFAULT_MARGIN };
}

/** A scenario's plan of blocks, as far as it decides how ratios are judged. */
export interface Repeats extends SampleRange {
  /** Absent in what was stored before. */
  equivalent?: number;
  /** Goes on for something else than its ratios. */
  until?: unknown;
  soak?: boolean;
}

/** The same by the key of each cell. */
export function judgingByCell(
  scenarios: readonly { cells: readonly Pick<Cell, 'key'>[]; blocks: Repeats }[],
): Map<string, Judging> {
  return new Map(
    scenarios.flatMap(({ cells, blocks }) =>
      cells.map(({ key }): [string, Judging] => [key, judgingOf(blocks)]),
    ),
  );
}

export const JUDGED_ONCE: Judging = { range: null, margin: DEFAULT_MARGIN };

/**
 * The answer of an interval. One within the margin is of two that are equivalent, also where it excludes 1: the
 * difference is real then, and too small to matter (two one-sided tests: D. J. Schuirmann, Journal of
 * Pharmacokinetics and Biopharmaceutics 15, 1987, here at the interval's own level).
 * @param interval of the ratio; null = too few samples
 * @param margin as a fraction: 0.03 stands for 1/1.03 to 1.03
 */
export function intervalAnswer(interval: Interval | null, margin: number): Answer {
  if (interval === null) return 'undecided';
  if (interval.low >= 1 / (1 + margin) && interval.high <= 1 + margin) return 'equivalent';
  if (interval.low > 1) return 'higher';
  return interval.high < 1 ? 'lower' : 'undecided';
}
