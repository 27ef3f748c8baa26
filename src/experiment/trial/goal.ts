/**
 * `run --until`: whether the bounds that a run goes on for are reached, how long that will take, and when
 * they cannot be reached any more. Pure.
 */
import { count, duration, listed, plural } from '../../base/units/quantity.js';
import type { BoundProgress } from '../../data/integrity/bound-reached.js';
import type { TrialRecord } from '../../data/record/record.js';
import { boundRateText } from '../verdict/bound.js';
import { type BoundThreshold, progressOf } from '../verdict/thresholds.js';

/** What is known of the bounds after a block. */
export interface GoalState {
  reached: boolean;
  /** In words, why going on is pointless; null while it is not. */
  impossible: string | null;
  /** Blocks that are still needed if nothing more is found; null when that cannot be told. */
  blocksLeft: number | null;
  /** The furthest from its bound, in words: "splice is below 35 per TB, to be below 1". */
  worst: string;
}

/**
 * Judges the bounds.
 * @param bounds at least one
 * @param trials of the blocks done
 * @param done blocks finished, from 1
 * @param most blocks that may be run
 */
export function goalState(
  bounds: readonly BoundThreshold[],
  trials: readonly TrialRecord[],
  done: number,
  most: number,
): GoalState {
  const states = bounds.map((bound) => ({ bound, progress: progressOf(bound, trials) }));
  const blind = states.find(({ progress }) => progress.length === 0);
  if (blind !== undefined) {
    const who = blind.bound.quantity.forwarder ?? 'any forwarder';
    const reason = `no byte of ${who} was compared, so '${blind.bound.text}' cannot be reached`;
    return { reached: false, impossible: reason, blocksLeft: null, worst: reason };
  }
  const all = states.flatMap(({ bound, progress }) => progress.map((reach) => ({ bound, reach })));
  const left = ({ reach }: (typeof all)[number]) => blocksLeft(reach, done);
  const [furthest] = [...all].sort((a, b) => left(b) - left(a));
  const blocks = furthest === undefined ? 0 : left(furthest);
  return {
    reached: all.every(({ reach }) => reach.reached),
    impossible: impossibility(all, done, most),
    blocksLeft: blocks,
    worst: furthest === undefined ? '' : standing(furthest.bound, furthest.reach),
  };
}

/** Why a run stops whose bounds are reached. */
export function reachedReason(
  bounds: readonly BoundThreshold[],
  trials: readonly TrialRecord[],
  done: number,
): string {
  const parts = bounds.map((bound) => {
    const shown = progressOf(bound, trials).map(
      ({ forwarder, high }) => `${forwarder} below ${boundRateText(high ?? 0, bound.quantity)}`,
    );
    return `'${bound.text}' reached (${listed(shown)})`;
  });
  return `${parts.join('; ')} after ${blocksText(done)}`;
}

/** How far it is, and how long that will take: said after the first block, and now and then. */
export function outlookText(state: GoalState, most: number, done: number, seconds: number): string {
  if (state.reached || state.blocksLeft === null) return state.worst;
  const { blocksLeft: left } = state;
  const within = done + left <= most ? '' : `, more than the ${count(most - done)} left`;
  const time = duration(Math.max(1, Math.round(seconds)));
  return `${state.worst}: about ${plural(left, 'more block')}${within}, ${time}`;
}

function impossibility(
  all: readonly { bound: BoundThreshold; reach: BoundProgress }[],
  done: number,
  most: number,
): string | null {
  for (const { bound, reach } of all) {
    if (reach.events === 0 || reach.reached) continue;
    const found = `${plural(reach.events, 'incident')} of ${reach.forwarder}`;
    if (reach.low === null) {
      return `'${bound.text}' cannot be reached: ${found}, none of whose bytes were compared`;
    }
    if (reach.beyond) {
      const low = boundRateText(reach.low, bound.quantity);
      return `'${bound.text}' cannot be reached: ${found} ${reach.events === 1 ? 'means' : 'mean'} more than ${low} at 95 %`;
    }
    if (done + blocksLeft(reach, done) > most) {
      const blocks = done + blocksLeft(reach, done);
      return `'${bound.text}' cannot be reached: after ${found} it needs ${count(blocks)} blocks, and at most ${count(most)} are run`;
    }
  }
  return null;
}

/** If every block verifies as much as those before, and nothing more is found. */
function blocksLeft({ reached, needed, exposure }: BoundProgress, done: number): number {
  // At the very limit the bound is not yet below it.
  return reached ? 0 : Math.max(1, Math.ceil(((needed - exposure) / exposure) * done));
}

function standing(
  { quantity, limit }: BoundThreshold,
  { forwarder, high, events }: BoundProgress,
): string {
  const found = events === 0 ? '' : ` after ${plural(events, 'incident')}`;
  return `${forwarder} is below ${boundRateText(high ?? 0, quantity)}${found}, to be below ${limit}`;
}

function blocksText(blocks: number): string {
  return plural(blocks, 'block');
}
