import { isViolation, type Tally } from '../../data/integrity/tally.js';
import { classesText, rateDigits } from '../../data/integrity/tally-text.js';
import { bytes, count, listed, offset, plural } from '../../base/units/quantity.js';
import { type Outcome, OUTCOMES } from '../../data/record/words.js';
import type { StoredIncident, TrialRecord } from '../../data/record/record.js';

export type SafetyAnswer = 'intact' | 'violated' | 'not-checked';

export interface Safety {
  answer: SafetyAnswer;
  sentence: string;
}

/** What the answer about the bytes is a function of. */
export interface SafetyInput {
  trials: readonly TrialRecord[];
  incidents: readonly StoredIncident[];
  tallies: readonly Tally[];
  total: Tally;
  useOf: (scenario: string, label: string) => string;
}

/**
 * Answers "are the bytes the same?". Only bytes that the checker compared count for a yes; a wrong
 * count or a missing end is a no in trials of either check.
 */
export function judgeSafety(input: SafetyInput): Safety {
  const violators = input.tallies.filter((sum) => sum.violatedTrials > 0);
  if (violators.length > 0) return violated(input, violators);
  const { total } = input;
  if (total.checkedTrials === 0) {
    const asked = input.trials.some((trial) => trial.check === 'full');
    const why = asked ? 'no trial got far enough to compare a byte' : 'no trial compared bytes';
    return {
      answer: 'not-checked',
      sentence: `Not checked: ${why}, so nothing is known about the bytes.`,
    };
  }
  const volume = bytes(total.verifiedBytes);
  const trials = `that ${plural(total.checkedTrials, 'trial')} checked`;
  const sentence = `Safe: every one of the ${volume} ${trials} is intact${boundClause(total)}.`;
  return { answer: 'intact', sentence: [sentence, ...uncheckedSentence(input.trials)].join(' ') };
}

/** Of cells in which bytes were compared: forwarders whose entries had theirs not compared. */
function uncheckedSentence(trials: readonly TrialRecord[]): string[] {
  const checked = new Set(trials.filter(wasChecked).map(({ cell }) => cell));
  const others = trials.filter((trial) => checked.has(trial.cell) && !wasChecked(trial));
  const names = [...new Set(others.map(({ forwarder }) => forwarder))];
  if (names.length === 0) return [];
  return [`Of ${listed(names)} no byte was compared beside them (check: none).`];
}

function boundClause(total: Tally): string {
  if (total.perTb === null) return '';
  return ` (below ${rateDigits(total.perTb.high)} corrupted stretches per TB at 95 %)`;
}

function violated(input: SafetyInput, violators: readonly Tally[]): Safety {
  const shown = violators.slice(0, SHOWN_FORWARDERS).map((sum) => forwarderSentence(input, sum));
  const further = violators.length - shown.length;
  if (further > 0) shown.push(`${plural(further, 'further forwarder')} failed the check as well.`);
  const sound = soundSentence(input.tallies);
  const sentence = ['Not safe:', ...shown, ...sound, ...directSentence(input, violators)].join(' ');
  return { answer: 'violated', sentence };
}

const UNSOUND = OUTCOMES.filter((outcome) => outcome !== 'intact' && outcome !== 'unchecked');

/** With more the sentence is no longer read; the tables have the rest. */
const SHOWN_FORWARDERS = 3;

function forwarderSentence(input: SafetyInput, sum: Tally): string {
  const own = input.trials.filter((trial) => trial.forwarder === sum.forwarder);
  const parts = [...corruptionPart(input, sum, own), ...countParts(own)];
  return `${sum.forwarder ?? 'all'} ${listed(parts)}.`;
}

/** "delivered 12 corrupted stretches (10 misplaced, 2 zeros) in 3 of 12 trials, the first at …" */
function corruptionPart(input: SafetyInput, sum: Tally, own: readonly TrialRecord[]): string[] {
  const corrupt = own.filter((trial) => (trial.incidents ?? 0) > 0 || trial.outcome === 'corrupt');
  if (corrupt.length === 0) return [];
  const stretches = plural(sum.incidents, 'corrupted stretch', 'corrupted stretches');
  const trials = `in ${count(corrupt.length)} of ${plural(own.filter(wasChecked).length, 'trial')}`;
  const first = input.incidents.find((incident) => incident.forwarder === sum.forwarder);
  const where =
    first === undefined
      ? ''
      : `, the first at offset ${offset(first.offset)} of connection ${first.connection}, ${plural(first.length, 'byte')}, in trial ${first.trial_id}`;
  return [
    `delivered ${stretches}${sum.incidents === 0 ? '' : ` (${classesText(sum)})`} ${trials}${where}`,
  ];
}

function wasChecked(trial: TrialRecord): boolean {
  return trial.check === 'full';
}

const COUNT_VIOLATIONS: readonly [Outcome, string][] = [
  ['truncated', 'lost the end of the stream'],
  ['extra', 'sent bytes after the end of the stream'],
];

function countParts(own: readonly TrialRecord[]): string[] {
  return COUNT_VIOLATIONS.flatMap(([outcome, words]) => {
    const such = own.filter((trial) => trial.outcome === outcome);
    return such.length === 0
      ? []
      : [`${words} in ${count(such.length)} of ${plural(own.length, 'trial')}`];
  });
}

/** Only forwarders all of whose trials that looked at the bytes were intact: a stall or a reset is not. */
function soundSentence(tallies: readonly Tally[]): string[] {
  const sound = tallies.filter(
    ({ checkedTrials, outcomes }) =>
      checkedTrials > 0 && UNSOUND.every((outcome) => (outcomes[outcome] ?? 0) === 0),
  );
  if (sound.length === 0) return [];
  const volume = sound.reduce((sum, { verifiedBytes }) => sum + verifiedBytes, 0);
  const trials = sound.reduce((sum, { checkedTrials }) => sum + checkedTrials, 0);
  const names = listed(sound.map(({ forwarder }) => forwarder ?? 'all'));
  return [`Intact: ${names}, ${bytes(volume)} in ${plural(trials, 'trial')}.`];
}

/** Corruption without a forwarder points at the endpoints or the kernel, so it is said. */
function directSentence(input: SafetyInput, violators: readonly Tally[]): string[] {
  const direct = input.trials.find(
    (trial) => input.useOf(trial.scenario, trial.forwarder) === 'direct' && isViolation(trial),
  );
  if (direct === undefined || !violators.some((sum) => sum.forwarder === direct.forwarder)) {
    return [];
  }
  return [`${direct.forwarder} has no forwarder, so the fault is not in forwarding alone.`];
}
