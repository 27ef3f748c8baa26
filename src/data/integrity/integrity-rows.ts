/**
 * The integrity table: what was verified, what was found and which rates that leaves possible, for each
 * forwarder in the whole run and, where a run has several checked conditions, in each of them. Pure.
 */
import type { TrialRecord, Unavailable } from '../record/record.js';
import { leftOutOf } from '../record/left-out.js';
import { tally, type Tally } from './tally.js';

/** One row. Where nothing was verified `unavailable` says why: that is neither zero nor a pass. */
export interface IntegrityRow {
  /** null = the whole run. */
  cell: { key: string; scenario: string } | null;
  /** null = all forwarders. */
  forwarder: string | null;
  sum: Tally;
  /** null where bytes were verified. */
  unavailable: string | null;
}

export interface IntegrityInput {
  trials: readonly TrialRecord[];
  /** Labels in the order wanted; those that were left out everywhere follow. */
  forwarders: readonly string[];
  unavailable: readonly Unavailable[];
}

/** The rows of the whole run: a forwarder each, then the sum of several. */
export function runRows({ trials, forwarders, unavailable }: IntegrityInput): IntegrityRow[] {
  const absent = unavailable.filter(
    ({ forwarder, cell }) => cell === null && !forwarders.includes(forwarder),
  );
  const labels = [...forwarders, ...new Set(absent.map(({ forwarder }) => forwarder))];
  const rows = labels.map((label) => {
    const own = trials.filter(({ forwarder }) => forwarder === label);
    return row(null, label, own, absent.find(({ forwarder }) => forwarder === label)?.reason);
  });
  return forwarders.length > 1 ? [...rows, row(null, null, trials)] : rows;
}

/** The rows of each checked condition, in the order of its first trial; none where there is one only. */
export function conditionRows(input: IntegrityInput): IntegrityRow[] {
  const cells = new Map<string, string>();
  for (const { cell, scenario, check } of input.trials) {
    if (check === 'full') cells.set(cell, scenario);
  }
  if (cells.size < 2) return [];
  return [...cells].flatMap(([key, scenario]) => {
    const cell = { key, scenario };
    const leftOut = leftOutOf(input.unavailable, cell);
    const labels = new Set([...input.forwarders, ...leftOut.map(({ forwarder }) => forwarder)]);
    return [...labels].flatMap((label) => {
      const own = input.trials.filter((one) => one.cell === key && one.forwarder === label);
      const reason = leftOut.find(({ forwarder }) => forwarder === label)?.reason;
      return own.length === 0 && reason === undefined ? [] : [row(cell, label, own, reason)];
    });
  });
}

function row(
  cell: IntegrityRow['cell'],
  forwarder: string | null,
  trials: readonly TrialRecord[],
  leftOut?: string,
): IntegrityRow {
  const sum = tally(forwarder, trials);
  return {
    cell,
    forwarder,
    sum,
    unavailable: sum.checkedTrials > 0 ? null : (leftOut ?? whyNothing(trials)),
  };
}

function whyNothing(trials: readonly TrialRecord[]): string {
  const asked = trials.filter(({ check }) => check === 'full');
  const first = asked[0];
  if (trials.length === 0) return 'no trial ran';
  if (first === undefined) return 'check: none does not look at the bytes';
  return first.error ?? `no trial got far enough to compare a byte (${first.outcome})`;
}
