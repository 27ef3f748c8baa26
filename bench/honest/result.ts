/** What a run of honest traffic says: how much was verified, and how often the checker cried wolf. Pure. */
import type { RateBounds } from '../../src/data/integrity/bounds.js';
import { CONNECTION_OUTCOMES } from '../../src/data/record/words.js';
import { type RunManifest, type TrialRecord } from '../../src/data/record/record.js';
import { type IntegrityRow, runRows } from '../../src/data/integrity/integrity-rows.js';
import { isViolation, tally } from '../../src/data/integrity/tally.js';
import { boundText, perThousandText } from '../../src/data/integrity/tally-text.js';
import { runText } from '../../src/report/model/facts.js';
import { bytes, count, plural } from '../../src/base/units/quantity.js';

/** honest.json. Figures are null where nothing was verified. */
export interface HonestResult {
  run_id: string;
  /** Bytes that were to be verified. */
  asked_bytes: number;
  verified_bytes: number;
  trials: number;
  transfers: number;
  /** Trials in which the checker found anything wrong, and what it counted in them. */
  alarms: number;
  incidents: number;
  incidents_per_tb_high: number | null;
  alarms_per_transfer_high: number | null;
  /** Trials that did not end in order; neither an alarm nor a pass. */
  unfinished: number;
  /** Ids of the trials with an alarm, to look at. */
  alarmed: string[];
  /**
   * `missed`: something was found. `met`: nothing was, all that was asked for is verified, and something of
   * every forwarder that can run here. Else `incomplete`.
   */
  verdict: 'met' | 'missed' | 'incomplete';
  forwarders: HonestForwarder[];
}

export interface HonestForwarder {
  forwarder: string;
  verified_bytes: number | null;
  transfers: number | null;
  incidents: number | null;
  incidents_per_tb_high: number | null;
  /** Why nothing was verified; null when something was. */
  unavailable: string | null;
}

/**
 * Adds up a run.
 * @param labels all forwarders of the scenario
 */
export function honestResult(
  manifest: RunManifest,
  trials: readonly TrialRecord[],
  labels: readonly string[],
  askedBytes: number,
): HonestResult {
  const sum = tally(null, trials);
  const alarmed = trials.filter(isViolation);
  const unavailable = manifest.unavailable ?? [];
  const absent = new Set(
    unavailable.filter(({ cell }) => cell === null).map(({ forwarder }) => forwarder),
  );
  const rows = runRows({
    trials,
    forwarders: labels.filter((label) => !absent.has(label)),
    unavailable,
  }).filter(({ forwarder }) => forwarder !== null);
  const unseen = rows.filter((row) => row.unavailable !== null && !absent.has(row.forwarder ?? ''));
  const complete = sum.verifiedBytes >= askedBytes && unseen.length === 0;
  return {
    run_id: manifest.run_id,
    asked_bytes: askedBytes,
    verified_bytes: sum.verifiedBytes,
    trials: trials.length,
    transfers: CONNECTION_OUTCOMES.reduce(
      (total, outcome) => total + sum.connectionOutcomes[outcome],
      0,
    ),
    alarms: alarmed.length,
    incidents: sum.incidents,
    incidents_per_tb_high: upper(sum.perTb),
    alarms_per_transfer_high: upper(sum.perConnection),
    unfinished: trials.filter(({ outcome }) => ['failed', 'stalled', 'reset'].includes(outcome))
      .length,
    alarmed: alarmed.map(({ trial_id }) => trial_id),
    verdict: alarmed.length > 0 ? 'missed' : complete ? 'met' : 'incomplete',
    forwarders: rows.map(forwarderOf),
  };
}

/** The result in a sentence. */
export function honestSentence(result: HonestResult): string {
  const seen = `${bytes(result.verified_bytes)} of honest traffic, ${plural(result.transfers, 'transfer')} in ${plural(result.trials, 'trial')}`;
  const asked = bytes(result.asked_bytes);
  const alarms =
    result.alarms === 0
      ? 'no false alarm'
      : `${plural(result.alarms, 'trial')} with an alarm (${plural(result.incidents, 'incident')})`;
  const rest = {
    met: `the ${asked} asked for are verified`,
    missed: 'each is a false alarm or a real fault: look at it',
    incomplete: `${asked} of all forwarders were asked for: run it again to go on`,
  }[result.verdict];
  return `${alarms} in ${seen}; ${rest}`;
}

/** honest.md */
export function honestMarkdown(
  manifest: RunManifest,
  result: HonestResult,
  trials: readonly TrialRecord[],
): string {
  const sum = tally(null, trials);
  return [
    '# Honest traffic: does the checker cry wolf?',
    `${honestSentence(result)}.`,
    [
      `- Bounds at 95 %: ${sum.perTb === null ? 'none' : boundText(sum.perTb)}, and per connection ${sum.perConnection === null ? 'unknown' : perThousandText(sum.perConnection)}.`,
      `- Trials that did not end in order: ${count(result.unfinished)}.`,
      `- Measured in ${runText(manifest)}. Made by \`make honest\`; details in report.md, integrity.csv and trials.jsonl beside this file.`,
      ...result.alarmed.map((id) => `- Alarm in trial ${id}: \`splicebench explain\` tells it.`),
    ].join('\n'),
    [
      '| forwarder | verified | transfers | incidents | per TB at 95 %, below |',
      '|---|---:|---:|---:|---:|',
      ...result.forwarders.map(
        (one) =>
          `| ${one.forwarder} | ${one.unavailable === null ? bytes(one.verified_bytes) : `not checked: ${one.unavailable}`} | ${count(one.transfers)} | ${count(one.incidents)} | ${one.incidents_per_tb_high === null ? 'n/a' : count(one.incidents_per_tb_high)} |`,
      ),
    ].join('\n'),
  ]
    .join('\n\n')
    .concat('\n');
}

function forwarderOf({ forwarder, sum, unavailable }: IntegrityRow): HonestForwarder {
  const known = unavailable === null;
  return {
    forwarder: forwarder ?? '',
    verified_bytes: known ? sum.verifiedBytes : null,
    transfers: known ? sum.checkedConnections : null,
    incidents: known ? sum.incidents : null,
    incidents_per_tb_high: upper(sum.perTb),
    unavailable,
  };
}

function upper(bounds: RateBounds | null): number | null {
  return bounds?.high ?? null;
}
