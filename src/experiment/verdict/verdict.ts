import { EXIT } from '../../base/errors/errors.js';
import { isUnfinished, isViolation, type Tally } from '../../data/integrity/tally.js';
import type { ThresholdResult } from './thresholds.js';
import { count, listed, plural } from '../../base/units/quantity.js';
import { runWarnings, warningText } from '../../machine/host/run-warnings.js';
import { startWarningText } from '../../machine/host/start-warnings.js';
import type { EnvironmentChange, StartWarning } from '../../data/record/environment-record.js';
import type { Outcome } from '../../data/record/words.js';
import type { SummaryRow } from '../../data/record/summary-columns.js';
import type { StoredIncident, TrialRecord, Unavailable } from '../../data/record/record.js';
import { amountNotes } from './verdict-amount.js';
import { askedNotes } from './verdict-asked.js';
import { buildNotes } from './verdict-build.js';
import { conditionNotes } from './verdict-conditions.js';
import { disturbanceNotes } from './verdict-disturbed.js';
import { littleNotes } from './verdict-little.js';
import { restNotes } from './verdict-rest.js';
import { type Safety, judgeSafety } from './verdict-safety.js';
import { type Speed, judgeSpeed } from './verdict-speed.js';

/** Names the registry entry behind a forwarder's label, e.g. "splice" for "splice pipe=64KiB". */
export type UseOf = (scenario: string, label: string) => string;

/** Everything a verdict is a function of. */
export interface VerdictInput {
  trials: readonly TrialRecord[];
  summary: readonly SummaryRow[];
  incidents: readonly StoredIncident[];
  /** One tally per forwarder. */
  tallies: readonly Tally[];
  total: Tally;
  thresholds: readonly ThresholdResult[];
  interrupted: boolean;
  /** Forwarders that were left out. */
  unavailable: readonly Unavailable[];
  /** What of the hosts did not stay as it was during the run. */
  changes: readonly EnvironmentChange[];
  /** What was found to spoil the run when it began. */
  warnings: readonly StartWarning[];
  useOf: UseOf;
}

/** The answers to the two questions, each a plain sentence or two, and what else must be known. */
export interface RunVerdict {
  speed: Speed;
  safety: Safety;
  /** Failed trials, thresholds that were not met, an interrupted run. */
  notes: string[];
}

/** Judges a run: is it faster, are the bytes the same, and what stands in the way of an answer. */
export function judge(input: VerdictInput): RunVerdict {
  return {
    speed: judgeSpeed(input.summary, input.trials, input.useOf),
    safety: judgeSafety(input),
    notes: [
      ...conditionNotes(input.summary, input.useOf),
      ...interruptedNote(input),
      ...unavailableNotes(input),
      ...unfinishedNotes(input.trials),
      ...emulationNotes(input.trials),
      ...overloadNotes(input.trials),
      ...littleNotes(input.trials),
      ...amountNotes(input.summary),
      ...askedNotes(input.trials),
      ...buildNotes(input.trials),
      ...disturbanceNotes(input.trials),
      ...restNotes(input.trials),
      ...input.warnings.map(startWarningText),
      ...runWarnings(input.changes).map(warningText),
      ...input.thresholds
        .filter(({ verdict }) => verdict !== 'met')
        .map(({ threshold, detail }) => `Threshold not met: ${threshold.text} (${detail}).`),
    ],
  };
}

/** The verdict as lines to print, in order. */
export function verdictLines(verdict: RunVerdict): string[] {
  return [verdict.speed.sentence, verdict.safety.sentence, ...verdict.notes];
}

/**
 * The exit code of a run. The worst finding wins, in this order: a violation (3), because a script
 * that watches for corruption must not lose it to anything else; an interruption (130), because the
 * trial that was cut off is no failure of its own; a trial that failed, or none at all (1), because
 * a threshold judged on what is left means little; a threshold (4); all well (0).
 */
export function runExitCode(
  trials: readonly TrialRecord[],
  thresholds: readonly ThresholdResult[] = [],
  interrupted = false,
): number {
  if (trials.some(isViolation)) return EXIT.violation;
  if (interrupted) return EXIT.interrupted;
  if (trials.length === 0 || trials.some(isUnfinished)) return EXIT.couldNotRun;
  if (thresholds.some(({ verdict }) => verdict !== 'met')) return EXIT.threshold;
  return EXIT.ok;
}

function interruptedNote(input: VerdictInput): string[] {
  if (!input.interrupted) return [];
  const finished = input.trials.length;
  return [`The run was interrupted: the verdict rests on ${plural(finished, 'finished trial')}.`];
}

/** That what looks like a measurement over cards is none. */
function emulationNotes(trials: readonly TrialRecord[]): string[] {
  const emulated = trials.filter((trial) => trial.emulated === true).length;
  if (emulated === 0) return [];
  const who =
    emulated === trials.length ? 'Emulated' : `Emulated in ${emulated} of ${trials.length} trials`;
  return [
    `${who}: parts share a machine without a network card between them, so this is no evidence for a network card.`,
  ];
}

/** That nothing could run, or that there is nothing to compare with. */
function unavailableNotes({ trials, summary, unavailable, interrupted }: VerdictInput): string[] {
  const reasonsOf = (list: readonly Unavailable[]) =>
    listed([...new Set(list.map(({ forwarder, reason }) => `${forwarder}: ${reason}`))]);
  if (trials.length === 0 && unavailable.length > 0 && !interrupted) {
    return [`Nothing ran: every forwarder is unavailable (${reasonsOf(unavailable)}).`];
  }
  const baselines = unavailable.filter(({ forwarder, scenario, cell }) =>
    summary.some(
      (row) =>
        row.scenario === scenario &&
        row.baseline === forwarder &&
        (cell === null || cell === row.cell),
    ),
  );
  return baselines.length === 0
    ? []
    : [`The baseline is unavailable, so there are no ratios to it (${reasonsOf(baselines)}).`];
}

const UNFINISHED: readonly [Outcome, string][] = [
  ['stalled', 'stalled'],
  ['reset', 'ended in a reset connection'],
  ['failed', 'failed'],
];

/** "3 of 12 trials of poc stalled (first: no progress for 5 s)." per forwarder and outcome. */
function unfinishedNotes(trials: readonly TrialRecord[]): string[] {
  const labels = [...new Set(trials.filter(isUnfinished).map((trial) => trial.forwarder))];
  return labels.flatMap((label) => {
    const own = trials.filter((trial) => trial.forwarder === label);
    const said = UNFINISHED.flatMap(([outcome, verb]) => {
      const such = own.filter((trial) => trial.outcome === outcome);
      const first = such[0];
      if (first === undefined) return [];
      const cause =
        first.error === null ? '' : ` (${such.length > 1 ? 'first: ' : ''}${first.error})`;
      const all = such.length === own.length && own.length > 1;
      return [`${all ? 'all' : count(such.length)} ${verb}${cause}`];
    });
    return [`Of ${plural(own.length, 'trial')} of ${label}, ${listed(said)}.`];
  });
}

/** An open loop that got fewer answers than it asked for has a backlog that grows. */
const OVERLOADED = 0.97;

/** "splice was overloaded in latency/load=80%: …", per forwarder and cell. */
function overloadNotes(trials: readonly TrialRecord[]): string[] {
  const notes = new Map<string, { trial: TrialRecord; times: number }>();
  for (const trial of trials) {
    const { intended_rate: intended, requests_per_second: achieved } = trial;
    if (intended == null || achieved == null || achieved >= intended * OVERLOADED) continue;
    const key = JSON.stringify([trial.cell, trial.forwarder]);
    notes.set(key, { trial, times: (notes.get(key)?.times ?? 0) + 1 });
  }
  return [...notes.values()].map(({ trial, times }) => {
    const { forwarder, cell, intended_rate: intended, requests_per_second: achieved } = trial;
    return (
      `${forwarder} was overloaded in ${plural(times, 'trial')} of ${cell}: ` +
      `${count(achieved)} of ${count(intended)} requests per second were answered, ` +
      `so its latencies grow with the length of the trial.`
    );
  });
}
