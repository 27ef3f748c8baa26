/** What the 2008 report states, judged by trials in a kernel that has its bug. Pure. */
import { count } from '../../base/units/quantity.js';
import type { TrialRecord } from '../../data/record/record.js';
import { isUnfinished, isViolation } from '../../data/integrity/tally.js';
import type { StoredIncident } from '../../data/record/record.js';
import { sentOffset, sideOf } from '../../data/integrity/stretch.js';

/** One of the report's statements. */
export interface Judged {
  /** Of the claim about this host, where `splicebench claims` has one. */
  claim: string | null;
  statement: string;
  verdict: 'confirmed' | 'refuted' | 'not known';
  /** The trials that decide, in words. */
  why: string;
}

interface Statement {
  claim: string | null;
  statement: string;
  /** Labels of the trials that decide. */
  of: readonly string[];
  /** Whether it holds; only asked where all of them came to their end. */
  holds: (trials: readonly TrialRecord[]) => boolean;
}

const corrupt = (trials: readonly TrialRecord[]) => trials.every(isViolation);
const intact = (trials: readonly TrialRecord[]) => !trials.some(isViolation);

const STATEMENTS: readonly Statement[] = [
  {
    claim: '2008-wrong-contents',
    statement: 'the count of bytes is right, but some contents are wrong',
    of: ['poc'],
    holds: ([poc]) => poc !== undefined && isViolation(poc) && poc.outcome === 'corrupt',
  },
  {
    claim: '2008-two-chunks',
    statement: 'each time the splice to the socket had sent two chunks at once',
    of: ['poc-one-chunk'],
    holds: intact,
  },
  {
    claim: '2008-file-hides-it',
    statement: 'with a file in place of the sending socket the problem disappears',
    of: ['file-to-socket'],
    holds: intact,
  },
  {
    claim: '2008-file-hides-it',
    statement: 'with a file in place of the receiving socket the problem disappears',
    of: ['socket-to-file'],
    holds: intact,
  },
  {
    claim: '2008-move',
    statement: 'without SPLICE_F_MOVE it is the same',
    of: ['poc-without-move'],
    holds: corrupt,
  },
  {
    claim: null,
    statement: 'reading only while the pipe is empty does not make it go away',
    of: ['poc-reads-empty-pipe'],
    holds: corrupt,
  },
  {
    claim: '2008-strace',
    statement: 'it can be caught with strace attached',
    of: ['poc under strace'],
    holds: corrupt,
  },
  {
    claim: null,
    statement: 'HAProxy delivers corrupt bytes when it splices, and none when it copies',
    of: ['haproxy-splicing', 'haproxy-copying'],
    holds: ([splicing, copying]) =>
      splicing !== undefined &&
      isViolation(splicing) &&
      copying !== undefined &&
      !isViolation(copying),
  },
  {
    claim: null,
    statement: 'recv and send deliver every byte as it was sent',
    of: ['copy'],
    holds: intact,
  },
];

/** @param trials of `lab-2008` and `lab-2008-programs`, in a kernel with the bug */
export function judgeStatements(trials: readonly TrialRecord[]): Judged[] {
  return STATEMENTS.map(({ claim, statement, of, holds }) => {
    const own = of.map((label) => {
      const all = trials.filter(({ forwarder }) => forwarder === label);
      return all.find(cameToItsEnd) ?? all[0];
    });
    const there = own.filter((trial) => trial !== undefined);
    const known = there.length === of.length && there.every(cameToItsEnd);
    const verdict = !known ? 'not known' : holds(there) ? 'confirmed' : 'refuted';
    const why = of.map((label, index) => `${label}: ${trialText(own[index])}`).join('; ');
    return { claim, statement, verdict, why };
  });
}

function cameToItsEnd(trial: TrialRecord): boolean {
  return isViolation(trial) || !isUnfinished(trial);
}

function trialText(trial: TrialRecord | undefined): string {
  if (trial === undefined) return 'no trial';
  const { outcome, incidents, bytes, forwarder_detail: detail } = trial;
  if (incidents === null || bytes === null)
    return `${outcome}: ${trial.error ?? 'no reason given'}`;
  const joined = detail['joined_writes'];
  const chunks =
    typeof joined === 'number' ? `, ${count(joined)} writes of two chunks or more` : '';
  return `${count(incidents)} incidents in ${count(bytes)} bytes${chunks}`;
}

/**
 * Number, from 1, of the first incident like the report's: its bytes came in by one call of their own and
 * went out in one with others. null = none is.
 */
export function likeTheReports(incidents: readonly StoredIncident[]): number | null {
  const index = incidents.findIndex((incident) => {
    if (incident.class === 'allocator' || incident.class === 'missing') return false;
    const [start, end] = [sentOffset(incident), sentOffset(incident) + incident.length];
    const calls = incident.calls ?? [];
    const alone = calls.some(
      (call) => sideOf(call) === 'in' && call.offset === start && call.offset + call.got === end,
    );
    const joined = calls.some(
      (call) =>
        sideOf(call) === 'out' &&
        call.got > incident.length &&
        call.offset <= incident.offset &&
        call.offset + call.got >= incident.offset + incident.length,
    );
    return alone && joined;
  });
  return index === -1 ? null : index + 1;
}
