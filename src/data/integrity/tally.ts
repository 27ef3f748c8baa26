import { type RateBounds, ratePerConnection, ratePerTb } from './bounds.js';
import {
  countConnections,
  connectionOutcomesOf,
  noConnections,
  violatedConnections,
} from './connection-outcomes.js';
import {
  CONNECTION_OUTCOMES,
  type ConnectionOutcomes,
  INCIDENT_CLASSES,
  type IncidentClass,
  type Outcome,
  VIOLATIONS,
} from '../record/words.js';
import { type TrialRecord } from '../record/record.js';

/** What the byte checks of some trials add up to. */
export interface Tally {
  /** Label of the forwarder, or null for the sum over all. */
  forwarder: string | null;
  /** Trials of which the checker told what came, were it that nothing did. */
  checkedTrials: number;
  /** Connections of those trials: corruption is bursty, so they are counted as well as the bytes. */
  checkedConnections: number;
  /** Bytes compared and found to be what was sent. */
  verifiedBytes: number;
  /** Bytes compared, whatever was found: what rates are per. */
  comparedBytes: number;
  incidents: number;
  byClass: Partial<Record<IncidentClass, number>>;
  corruptedBytes: number;
  missingBytes: number;
  extraBytes: number;
  /** Outcomes of all trials given, of either check. */
  outcomes: Partial<Record<Outcome, number>>;
  /** Trials with an integrity violation, of either check: a count that is wrong needs no contents. */
  violatedTrials: number;
  /** Connections of the checked trials by what became of them. */
  connectionOutcomes: ConnectionOutcomes;
  /** Checked connections of which stored records of an earlier version do not tell it. */
  unknownConnections: number;
  /** Corrupted stretches per TB at 95 %; null when no byte was compared. */
  perTb: RateBounds | null;
  /** Connections that were corrupt, truncated or too long, per connection, at 95 %; null = unknown. */
  perConnection: RateBounds | null;
}

/** True when a trial proves that bytes were not forwarded as sent. */
export function isViolation(trial: TrialRecord): boolean {
  return VIOLATIONS.includes(trial.outcome) || (trial.incidents ?? 0) > 0;
}

/** True when a trial did not come to its end, so that its figures say nothing. */
export function isUnfinished(trial: TrialRecord): boolean {
  return trial.outcome === 'stalled' || trial.outcome === 'reset' || trial.outcome === 'failed';
}

/**
 * True when the checker told what came: where it compared bytes, right or wrong, and where a stream came to
 * an end that was wrong without one, as a stream of which nothing arrived.
 */
function wasChecked(trial: TrialRecord): boolean {
  if (trial.check !== 'full' || trial.verified_bytes === null) return false;
  return trial.verified_bytes + (trial.corrupted_bytes ?? 0) > 0 || isViolation(trial);
}

/** Adds up trials. Those of `check: none` count in `outcomes` and `violatedTrials` only. */
export function tally(forwarder: string | null, trials: readonly TrialRecord[]): Tally {
  const sum: Tally = {
    forwarder,
    checkedTrials: 0,
    checkedConnections: 0,
    verifiedBytes: 0,
    comparedBytes: 0,
    incidents: 0,
    byClass: {},
    corruptedBytes: 0,
    missingBytes: 0,
    extraBytes: 0,
    outcomes: {},
    violatedTrials: 0,
    connectionOutcomes: noConnections(),
    unknownConnections: 0,
    perTb: null,
    perConnection: null,
  };
  for (const trial of trials) add(sum, trial);
  sum.perTb = ratePerTb(sum.incidents, sum.comparedBytes);
  sum.perConnection =
    sum.unknownConnections > 0
      ? null
      : ratePerConnection(violatedConnections(sum.connectionOutcomes), sum.checkedConnections);
  return sum;
}

/** One tally per forwarder, in the order given by `forwarders`. */
export function tallyByForwarder(
  forwarders: readonly string[],
  trials: readonly TrialRecord[],
): Tally[] {
  return forwarders.map((label) =>
    tally(
      label,
      trials.filter((trial) => trial.forwarder === label),
    ),
  );
}

/** The classes found, most frequent first: [["zeros", 12], ["misplaced", 3]]. */
export function classesFound(sum: Tally): [IncidentClass, number][] {
  return INCIDENT_CLASSES.map((name): [IncidentClass, number] => [name, sum.byClass[name] ?? 0])
    .filter(([, events]) => events > 0)
    .sort(([, a], [, b]) => b - a);
}

function add(sum: Tally, trial: TrialRecord): void {
  sum.outcomes[trial.outcome] = (sum.outcomes[trial.outcome] ?? 0) + 1;
  if (isViolation(trial)) sum.violatedTrials += 1;
  if (trial.check !== 'full') return;
  if (wasChecked(trial)) {
    const verified = trial.verified_bytes ?? 0;
    sum.checkedTrials += 1;
    sum.verifiedBytes += verified;
    sum.comparedBytes += verified + (trial.corrupted_bytes ?? 0);
    const outcomes = connectionOutcomesOf(trial);
    const carried = trial.transfers ?? trial.connections;
    if (outcomes === null) sum.unknownConnections += carried;
    else for (const one of CONNECTION_OUTCOMES) sum.connectionOutcomes[one] += outcomes[one];
    sum.checkedConnections += outcomes === null ? carried : countConnections(outcomes);
  }
  sum.incidents += trial.incidents ?? 0;
  sum.corruptedBytes += trial.corrupted_bytes ?? 0;
  sum.missingBytes += trial.missing_bytes ?? 0;
  sum.extraBytes += trial.extra_bytes ?? 0;
  for (const name of INCIDENT_CLASSES) {
    const events = trial.incidents_by_class[name] ?? 0;
    if (events > 0) sum.byClass[name] = (sum.byClass[name] ?? 0) + events;
  }
}
