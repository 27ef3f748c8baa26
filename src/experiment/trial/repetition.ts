/**
 * How many rounds the sets of a cell have, where the scenario leaves it to the run (`blocks.rounds: auto`): from the
 * variances and costs that its earlier sets have shown (T. Kalibera and R. Jones, "Rigorous Benchmarking in
 * Reasonable Time", ISMM 2013). How many sets there are is the stopping rule's affair. Pure.
 */
import {
  componentsOf,
  type Costs,
  roundVariance,
  type SetSample,
} from '../../base/statistics/components.js';
import { median, studentBound } from '../../base/statistics/interval.js';
import { confidenceAfter } from '../../base/statistics/looks.js';
import { mainMetric } from '../workload/main-metric.js';
import type { RoundChoice } from '../../data/record/plan.js';
import type { TrialRecord } from '../../data/record/record.js';
import type { Blocks } from '../scenario/expand.js';
import { pairedSets } from '../verdict/set-samples.js';

/** Sets from which the choice for all later ones is made. */
const PILOTS = 3;
/** The first half of what the target allows is for rounds, the other for what sets differ by. */
const SHARE = 0.5;
const FEWEST = 4;
/** So many times more or less than the first set has. */
const REACH = 4;

/**
 * @param trials of the cell
 * @param arms labels, the baseline among them
 * @param block the set that is to run, from 1
 * @returns null = as `workload.seconds` says: of the first set, and where nothing is known
 */
export function chooseRounds(
  trials: readonly TrialRecord[],
  arms: { labels: readonly string[]; baseline: string },
  block: number,
  blocks: Blocks,
): RoundChoice | null {
  if (blocks.rounds !== 'auto' || block === 1) return null;
  const seen = block > PILOTS ? PILOTS : 1;
  const own = trials.filter((trial) => trial.block <= seen);
  const first = median(
    own.flatMap(({ slices, block: of }) => (of === 1 && slices ? [slices.round.length] : [])),
  );
  const costs = costsIn(own);
  if (first === null || costs === null) return null;
  const metric = mainMetric(trials[0]?.workload);
  const wanted = arms.labels
    .filter((label) => label !== arms.baseline)
    .flatMap((label) => {
      const sets = pairedSets(own, [arms.baseline, label], metric);
      const rounds = seen === 1 ? byTarget(sets, blocks) : byComponents(sets, costs);
      return rounds === null ? [] : [rounds];
    });
  if (wanted.length === 0) return null;
  // The arm that needs most of them decides: all of a set have the same.
  const rounds = Math.min(first * REACH, Math.max(FEWEST, first / REACH, ...wanted));
  return {
    rounds: Math.ceil(rounds),
    by: seen === 1 ? 'the first set' : `the first ${PILOTS} sets`,
  };
}

/** One set tells how its rounds scatter, not how sets do: enough of them that they do not stand in the way. */
function byTarget(sets: readonly SetSample[], { min, max, target }: Blocks): number | null {
  const variance = roundVariance(sets);
  if (variance === null) return null;
  const fewest = Math.max(min, 2);
  const t = studentBound(
    fewest - 1,
    confidenceAfter(fewest, { min: fewest, max: Math.max(fewest, max) }),
  );
  const allowed = fewest * (Math.log1p(target) / 2 / t) ** 2;
  return variance / (SHARE * allowed);
}

/** Their best number where rounds and sets scatter so, and cost so: the square root of both ratios. */
function byComponents(sets: readonly SetSample[], { set, round }: Costs): number | null {
  const found = componentsOf(sets);
  if (found?.round == null) return null;
  return found.set === 0 ? Infinity : Math.sqrt((set / round) * (found.round / found.set));
}

/** null where it was not measured. */
function costsIn(trials: readonly TrialRecord[]): Costs | null {
  const took = median(trials.flatMap(({ slices }) => slices?.took ?? []));
  const run = median(trials.flatMap(({ slices }) => slices?.rounds_run ?? []));
  const whole = median(trials.flatMap(({ set }) => set?.seconds ?? []));
  if (took === null || run === null || whole === null || run === 0 || took <= 0) return null;
  return { set: Math.max(0, whole - took), round: took / run };
}
