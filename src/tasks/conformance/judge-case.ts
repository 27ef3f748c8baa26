/** What a case's trial says of a forwarder. Pure. */
import type { Interval } from '../../base/statistics/interval.js';
import { exactInterval } from '../../base/statistics/proportions.js';
import { percent } from '../../base/units/quantity.js';
import type { TrialRecord } from '../../data/record/record.js';
import type { FailureKind } from '../../experiment/workload/script/judge-conversation.js';

export type CellVerdict = 'pass' | 'fail' | 'inconclusive' | 'unavailable';

export interface MatrixCell {
  case: string;
  forwarder: string;
  verdict: CellVerdict;
  /** Bytes or ends were wrong. */
  violation: boolean;
  failed: number;
  conversations: number;
  /** Of each time that it was played. More than one kind: its outcome is a matter of chance. */
  runs: CellVerdict[];
  /** Exact 95 % interval of the share of conversations that fail; null where none or nothing failed. */
  rate: Interval | null;
  /** In words: what failed, or why there is no verdict. */
  reasons: string[];
  story: string[];
  seconds: number;
}

const VIOLATIONS: readonly string[] = ['bytes', 'end', 'stuck'] satisfies FailureKind[];
const OF_HOST: readonly string[] = ['time', 'cost'] satisfies FailureKind[];

/** What a cell is before anything is known of it. */
function blankCell(name: string, forwarder: string, seconds: number) {
  const counts = { failed: 0, conversations: 0, rate: null };
  return { case: name, forwarder, seconds, ...counts, violation: false, story: [] };
}

/** The share of conversations that fail, where that is one. */
export function rateOf(failed: number, conversations: number): Interval | null {
  if (failed === 0 || conversations < 2) return null;
  return exactInterval({ hit: Math.min(failed, conversations), of: conversations });
}

/**
 * @param direct what the same case came to without a forwarder; null = that is this one, or not known
 */
export function judgeCell(
  name: string,
  forwarder: string,
  record: TrialRecord,
  direct: MatrixCell | null,
  seconds: number,
): MatrixCell {
  const base = blankCell(name, forwarder, seconds);
  const { script } = record;
  if (script === undefined) {
    return seenOnce(base, 'unavailable', [record.error ?? 'the trial failed']);
  }
  const { failures, failed, conversations, story } = script;
  const reasons = failures.map(({ text, times }) =>
    times > 1 ? `${text} (${times} times)` : text,
  );
  const told = {
    ...base,
    failed,
    conversations,
    story,
    rate: rateOf(failed, conversations),
  };
  if (failures.length === 0) {
    return typeof script.idle === 'string'
      ? seenOnce(told, 'inconclusive', [script.idle])
      : seenOnce(told, 'pass', reasons);
  }
  if (failures.every(({ kind }) => kind === 'start')) return seenOnce(told, 'fail', reasons);
  const violation = failures.some(({ kind }) => VIOLATIONS.includes(kind));
  const onlyHost = failures.every(({ kind }) => OF_HOST.includes(kind));
  if (onlyHost && direct !== null && direct.verdict !== 'pass') {
    const why = `without a forwarder it is missed here, too: ${direct.reasons[0] ?? 'failed'}`;
    return seenOnce(told, 'inconclusive', [why]);
  }
  return seenOnce({ ...told, violation }, 'fail', reasons);
}

function seenOnce(
  cell: Omit<MatrixCell, 'verdict' | 'runs' | 'reasons'>,
  verdict: CellVerdict,
  reasons: string[],
): MatrixCell {
  return { ...cell, verdict, runs: [verdict], reasons };
}

/** A cell that was not played. */
export function unplayed(name: string, forwarder: string, reason: string): MatrixCell {
  return seenOnce(blankCell(name, forwarder, 0), 'unavailable', [reason]);
}

/** Whether its outcome has differed from one time to the next. */
export function isChance({ runs }: MatrixCell): boolean {
  return runs.includes('pass') && runs.includes('fail');
}

/** "pass", "FAIL", "FAIL 3/10", "FAIL 1/3*" by chance: what stands in the matrix. */
export function cellText(cell: MatrixCell): string {
  const { verdict, failed, conversations } = cell;
  switch (verdict) {
    case 'pass':
      return 'pass';
    case 'fail':
      return `FAIL${conversations > 1 ? ` ${failed}/${conversations}` : ''}${isChance(cell) ? '*' : ''}`;
    case 'inconclusive':
      return '?';
    case 'unavailable':
      return '-';
  }
}

/** "12 of 1,000 conversations: 1.2 %, 95 % 0.62 % to 2.1 %". Null where it is no share. */
export function failureRateText({ failed, conversations, rate }: MatrixCell): string | null {
  if (rate === null || failed >= conversations) return null;
  const count = conversations.toLocaleString('en-US');
  const share = percent(failed / conversations);
  return `${failed} of ${count} conversations: ${share}, 95 % ${percent(rate.low)} to ${percent(rate.high)}`;
}
