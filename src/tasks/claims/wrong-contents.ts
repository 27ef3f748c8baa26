/** Claims about wrong contents: the count of bytes is right, but some are not those that were sent. */
import { boundSentence } from '../../data/integrity/bounds.js';
import { tally } from '../../data/integrity/tally.js';
import { listed, plural } from '../../base/units/quantity.js';
import type { TrialRecord } from '../../data/record/record.js';
import { type Count, differenceInterval } from '../../base/statistics/proportions.js';
import type { Test } from './claim.js';
import type { ClaimFinding } from './finding.js';

/**
 * Shares of trials that differ by less than this count as the same. Wide, since there are few trials:
 * with six on either side even equal shares are known to 0.39 to 0.44, and one that is always hit
 * and one that never is still lie outside.
 */
const SAME_WITHIN = 0.5;

/** The 2008 symptom. Lost or added bytes are another fault, and so is a stream without its end. */
function hasWrongContents(trial: TrialRecord): boolean {
  const { outcome, corrupted_bytes, missing_bytes, extra_bytes } = trial;
  const complete = missing_bytes === 0 && extra_bytes === 0;
  return outcome === 'corrupt' && (corrupted_bytes ?? 0) > 0 && complete;
}

/** Trials of some forwarders that compared any byte. */
export function checkedTrials(
  labels: readonly string[],
  trials: readonly TrialRecord[],
): TrialRecord[] {
  return trials.filter(
    ({ forwarder, verified_bytes }) => labels.includes(forwarder) && (verified_bytes ?? 0) > 0,
  );
}

/** Judges whether the symptom was seen at all. */
export function corruption(
  labels: readonly string[],
  trials: readonly TrialRecord[],
): ClaimFinding {
  const checked = checkedTrials(labels, trials);
  const wrong = checked.filter(hasWrongContents);
  const all = tally(null, checked);
  const bound = boundSentence({
    incidents: tally(null, wrong).incidents,
    comparedBytes: all.comparedBytes,
    trials: all.checkedTrials,
  });
  const verdict = wrong.length > 0 ? 'supported' : 'not reproduced';
  const detail = `corrupted stretches in streams of the right length: ${bound}`;
  return { verdict, measured: null, detail: `${detail}${otherFaults(checked)}` };
}

/** Judges how often the symptom was seen in some forwarders as against others. */
export function incidence(
  { of, against, claimed }: Extract<Test, { kind: 'incidence' }>,
  trials: readonly TrialRecord[],
): ClaimFinding {
  const count = (labels: readonly string[]): Count => {
    const checked = checkedTrials(labels, trials);
    return { hit: checked.filter(hasWrongContents).length, of: checked.length };
  };
  const [left, right] = [count(of), count(against)];
  const counts =
    `wrong contents in ${left.hit} of ${plural(left.of, 'trial')} of ${listed(of)}, ` +
    `in ${right.hit} of ${plural(right.of, 'trial')} of ${listed(against)}`;
  const others = otherFaults(checkedTrials([...of, ...against], trials));
  if (left.hit + right.hit === 0) {
    return { verdict: 'not reproduced', measured: null, detail: `${counts}${others}` };
  }
  const { low, high } = differenceInterval(left, right);
  const apart = low > 0 ? 'more' : high < 0 ? 'fewer' : null;
  const bounds = `difference of the shares (95 %): ${low.toFixed(2)} to ${high.toFixed(2)}`;
  return {
    verdict: verdictOf(claimed, apart, Math.max(-low, high) <= SAME_WITHIN),
    measured: null,
    detail: `${counts}; ${bounds}${others}`,
  };
}

/** @param apart what the interval shows of the first as against the second; null where it reaches over 0 */
function verdictOf(
  claimed: Extract<Test, { kind: 'incidence' }>['claimed'],
  apart: 'more' | 'fewer' | null,
  within: boolean,
): ClaimFinding['verdict'] {
  if (claimed === 'same') {
    if (apart !== null) return 'refuted';
    return within ? 'supported' : 'not reproduced';
  }
  if (apart === null) return 'not reproduced';
  return claimed === 'different' || claimed === apart ? 'supported' : 'refuted';
}

/** What is set aside, so that nobody misses it. */
function otherFaults(checked: readonly TrialRecord[]): string {
  const other = checked.filter((trial) => {
    const { incidents, missing_bytes, extra_bytes } = trial;
    const any = (incidents ?? 0) + (missing_bytes ?? 0) + (extra_bytes ?? 0) > 0;
    return any && !hasWrongContents(trial);
  }).length;
  return other === 0
    ? ''
    : `; ${plural(other, 'trial')} with another fault than wrong contents alone (lost or added bytes)`;
}
