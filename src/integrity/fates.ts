/** What became of each connection of a trial: the unit of bounds per connection. Pure. */
import type { ConnectionResult } from '../native-surface.js';
import { FATES, type Fate, type Fates, type Outcome, type TrialRecord } from '../results/record.js';
import type { ChurnEnd } from './churn.js';
import type { HttpCounts } from './http.js';
import { CANCELLED, type StreamEnd, type TrialEnd } from './outcome.js';

export function noFates(): Fates {
  return { intact: 0, corrupt: 0, truncated: 0, extra: 0, stalled: 0, reset: 0, failed: 0 };
}

/** Connections in all. */
export function countFates(fates: Fates): number {
  return FATES.reduce((sum, fate) => sum + fates[fate], 0);
}

/** Connections whose bytes are not those that were sent: what a bound per connection counts. */
export function violatedConnections(fates: Fates): number {
  return fates.corrupt + fates.truncated + fates.extra;
}

/**
 * The connections of a stream or exchange trial, each once, by the worst that befell it in either
 * direction. Every checker stores at least one incident, so the stored ones name all that are corrupt.
 * @param outcome of the trial; at least one connection is counted with it
 */
export function fatesOfStreams(end: TrialEnd, outcome: Outcome): Fates {
  const worst = new Map<number, Fate>();
  const note = (connection: number, fate: Fate) => {
    const before = worst.get(connection) ?? 'intact';
    worst.set(connection, SEVERITY[fate] > SEVERITY[before] ? fate : before);
  };
  for (const stream of end.streams) {
    for (const { connection } of stream.receiver.incidents) note(connection, 'corrupt');
    for (const [connection, fate] of endsOf(stream)) note(connection, fate);
  }
  const fates = noFates();
  for (const fate of worst.values()) fates[fate] += 1;
  fates.failed += Math.max(0, end.connections - worst.size);
  return agreeing(fates, outcome);
}

/**
 * The connections of a churn trial. Both ends count them apart and name only the first failures, so that
 * one which each end saw fail in its own way is counted as what the receiver was not told of.
 */
export function fatesOfChurn({ results, stalled }: ChurnEnd, outcome: Outcome): Fates {
  const { upstream, downstream } = results;
  const most = (of: (side: ChurnEnd['results']['upstream']) => number) =>
    Math.max(of(upstream), of(downstream));
  const { begun } = downstream;
  const wrong = Math.min(
    begun,
    most((side) => side.begun - side.whole),
  );
  const { fates, left } = spread(wrong, [
    ['corrupt', most(({ corrupt }) => corrupt)],
    ['truncated', most(({ truncated }) => truncated)],
    ['extra', most(({ beyond }) => beyond)],
    [stalled ? 'stalled' : 'reset', most(({ broken }) => broken)],
  ]);
  return agreeing({ ...fates, intact: begun - wrong, failed: left }, outcome);
}

/**
 * The connections of an HTTP trial. Faults are counted per response and may share a connection: each
 * is counted as one of its own, as far as there are connections, so that no bound is too low.
 */
export function fatesOfHttp(counts: HttpCounts, connections: number, outcome: Outcome): Fates {
  const { fates, left } = spread(connections, [
    ['corrupt', counts.wrong],
    ['truncated', counts.cut],
    ['stalled', counts.timeouts],
    ['reset', counts.errors],
    ['failed', counts.badStatus],
  ]);
  return agreeing({ ...fates, intact: left }, outcome);
}

/**
 * The connections of a stored trial; null when the record, of an earlier version, cannot tell how many
 * of them were meant by its outcome.
 */
export function fatesOf(trial: TrialRecord): Fates | null {
  if (trial.transfer_fates !== undefined) return trial.transfer_fates;
  const connections = trial.transfers ?? trial.connections;
  if (trial.outcome === 'unchecked') return null;
  if (trial.outcome !== 'intact' && connections > 1) return null;
  return { ...noFates(), [trial.outcome]: connections };
}

/** As judgeTrial orders them: the higher, the more it says. */
const SEVERITY: Readonly<Record<Fate, number>> = {
  intact: 0,
  failed: 1,
  reset: 2,
  stalled: 3,
  extra: 4,
  truncated: 5,
  corrupt: 6,
};

function endsOf({ sender, receiver, stalled }: StreamEnd): [number, Fate][] {
  const open = stalled ? 'stalled' : 'failed';
  const broken = ({ error }: ConnectionResult): Fate => (error === CANCELLED ? open : 'reset');
  const received = receiver.connections.map((one): [number, Fate] => {
    const { connection, orderly, cut = 0, beyondEnd = 0 } = one;
    if (beyondEnd > 0) return [connection, 'extra'];
    if (one.error !== null) return [connection, broken(one)];
    if (!orderly || (stalled && cut > 0)) return [connection, open];
    return [connection, cut > 0 ? 'truncated' : 'intact'];
  });
  const sent = sender.connections
    .filter(({ error }) => error !== null)
    .map((one): [number, Fate] => [one.connection, broken(one)]);
  return [...received, ...sent];
}

/** Counts faults, the worst first, as far as there are connections; `left` = those without one. */
function spread(
  connections: number,
  faults: readonly [Fate, number][],
): { fates: Fates; left: number } {
  const fates = noFates();
  let left = connections;
  for (const [fate, count] of faults) {
    fates[fate] = Math.min(left, count);
    left -= fates[fate];
  }
  return { fates, left };
}

/** What only the trial as a whole shows, such as two connections exchanged, befell one at least. */
function agreeing(fates: Fates, outcome: Outcome): Fates {
  if (outcome === 'unchecked' || outcome === 'intact' || fates[outcome] > 0) return fates;
  const from = fates.intact > 0 ? 'intact' : 'failed';
  if (fates[from] === 0) return fates;
  return { ...fates, [from]: fates[from] - 1, [outcome]: 1 };
}
