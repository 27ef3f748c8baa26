/** What became of each connection of a trial: the unit of bounds per connection. Pure. */
import type { ConnectionResult } from '../native/native-surface.js';
import {
  CONNECTION_OUTCOMES,
  type ConnectionOutcome,
  type ConnectionOutcomes,
  type Outcome,
} from '../record/words.js';
import { type TrialRecord } from '../record/record.js';
import type { ChurnEnd } from './churn.js';
import type { HttpCounts } from './http.js';
import { CANCELLED, type StreamEnd, type TrialEnd } from './outcome.js';

export function noConnections(): ConnectionOutcomes {
  return { intact: 0, corrupt: 0, truncated: 0, extra: 0, stalled: 0, reset: 0, failed: 0 };
}

/** Connections in all. */
export function countConnections(outcomes: ConnectionOutcomes): number {
  return CONNECTION_OUTCOMES.reduce((sum, one) => sum + outcomes[one], 0);
}

/** Connections whose bytes are not those that were sent: what a bound per connection counts. */
export function violatedConnections(outcomes: ConnectionOutcomes): number {
  return outcomes.corrupt + outcomes.truncated + outcomes.extra;
}

/**
 * The connections of a stream or exchange trial, each once, by its worst outcome in either
 * direction. Every checker stores at least one incident, so the stored ones name all that are corrupt.
 * @param outcome of the trial; at least one connection is counted with it
 */
export function outcomesOfStreams(end: TrialEnd, outcome: Outcome): ConnectionOutcomes {
  const worst = new Map<number, ConnectionOutcome>();
  const note = (connection: number, one: ConnectionOutcome) => {
    const before = worst.get(connection) ?? 'intact';
    worst.set(connection, SEVERITY[one] > SEVERITY[before] ? one : before);
  };
  for (const stream of end.streams) {
    for (const { connection } of stream.receiver.incidents) note(connection, 'corrupt');
    for (const [connection, one] of endsOf(stream)) note(connection, one);
  }
  const outcomes = noConnections();
  for (const one of worst.values()) outcomes[one] += 1;
  outcomes.failed += Math.max(0, end.connections - worst.size);
  return agreeing(outcomes, outcome);
}

/**
 * The connections of a churn trial. Both ends count them apart and name only the first failures, so that
 * one which each end saw fail in its own way is counted as what the receiver was not told of.
 */
export function outcomesOfChurn(
  { results, stalled }: ChurnEnd,
  outcome: Outcome,
): ConnectionOutcomes {
  const { upstream, downstream } = results;
  const most = (of: (side: ChurnEnd['results']['upstream']) => number) =>
    Math.max(of(upstream), of(downstream));
  const { begun } = downstream;
  const wrong = Math.min(
    begun,
    most((side) => side.begun - side.whole),
  );
  const { outcomes, left } = spread(wrong, [
    ['corrupt', most(({ corrupt }) => corrupt)],
    ['truncated', most(({ truncated }) => truncated)],
    ['extra', most(({ beyond }) => beyond)],
    [stalled ? 'stalled' : 'reset', most(({ broken }) => broken)],
  ]);
  return agreeing({ ...outcomes, intact: begun - wrong, failed: left }, outcome);
}

/**
 * The connections of an HTTP trial. Faults are counted per response and may share a connection: each
 * is counted as one of its own, as far as there are connections, so that no bound is too low.
 */
export function outcomesOfHttp(
  counts: HttpCounts,
  connections: number,
  outcome: Outcome,
): ConnectionOutcomes {
  const { outcomes, left } = spread(connections, [
    ['corrupt', counts.wrong],
    ['truncated', counts.cut],
    ['stalled', counts.timeouts],
    ['reset', counts.errors],
    ['failed', counts.badStatus],
  ]);
  return agreeing({ ...outcomes, intact: left }, outcome);
}

/**
 * The connections of a stored trial; null when the record, of an earlier version, cannot tell how many
 * of them were meant by its outcome.
 */
export function connectionOutcomesOf(trial: TrialRecord): ConnectionOutcomes | null {
  if (trial.transfer_fates !== undefined) return trial.transfer_fates;
  const connections = trial.transfers ?? trial.connections;
  if (trial.outcome === 'unchecked') return null;
  if (trial.outcome !== 'intact' && connections > 1) return null;
  return { ...noConnections(), [trial.outcome]: connections };
}

/** As judgeTrial orders them: the higher, the more it says. */
const SEVERITY: Readonly<Record<ConnectionOutcome, number>> = {
  intact: 0,
  failed: 1,
  reset: 2,
  stalled: 3,
  extra: 4,
  truncated: 5,
  corrupt: 6,
};

function endsOf({ sender, receiver, stalled }: StreamEnd): [number, ConnectionOutcome][] {
  const open = stalled ? 'stalled' : 'failed';
  const broken = ({ error }: ConnectionResult): ConnectionOutcome =>
    error === CANCELLED ? open : 'reset';
  const received = receiver.connections.map((one): [number, ConnectionOutcome] => {
    const { connection, orderly, cut = 0, beyondEnd = 0 } = one;
    if (beyondEnd > 0) return [connection, 'extra'];
    if (one.error !== null) return [connection, broken(one)];
    if (!orderly || (stalled && cut > 0)) return [connection, open];
    return [connection, cut > 0 ? 'truncated' : 'intact'];
  });
  const sent = sender.connections
    .filter(({ error }) => error !== null)
    .map((one): [number, ConnectionOutcome] => [one.connection, broken(one)]);
  return [...received, ...sent];
}

/** Counts faults, the worst first, as far as there are connections; `left` = those without one. */
function spread(
  connections: number,
  faults: readonly [ConnectionOutcome, number][],
): { outcomes: ConnectionOutcomes; left: number } {
  const outcomes = noConnections();
  let left = connections;
  for (const [one, count] of faults) {
    outcomes[one] = Math.min(left, count);
    left -= outcomes[one];
  }
  return { outcomes, left };
}

/** What only the trial as a whole shows, such as two connections exchanged, happened to one at least. */
function agreeing(outcomes: ConnectionOutcomes, outcome: Outcome): ConnectionOutcomes {
  if (outcome === 'unchecked' || outcome === 'intact' || outcomes[outcome] > 0) return outcomes;
  const from = outcomes.intact > 0 ? 'intact' : 'failed';
  if (outcomes[from] === 0) return outcomes;
  return { ...outcomes, [from]: outcomes[from] - 1, [outcome]: 1 };
}
