/** What went wrong in a scripted conversation, by what its ends were to see. Pure. */
import { noun } from '../../../base/units/quantity.js';
import {
  type ConversationRecord,
  type ScriptEndRecord,
  SEEN_ENDS,
  STEP_OUTCOMES,
} from '../../../data/native/native-script.js';
import type {
  EndExpectation,
  ScriptEnd,
  ScriptPlan,
  ScriptSide,
} from '../../../data/record/script-plan.js';
import type { ConnectionOutcome } from '../../../data/record/words.js';
import { formatDuration } from '../../../base/units/sizes.js';

export const SCRIPT_SIDES: readonly ScriptSide[] = ['client', 'server'];

/**
 * `bytes` and `end` are violations of integrity; `stuck`: a step did not come about; `backpressure`: there is
 * none; `time`: it took too long.
 */
export type FailureKind = 'bytes' | 'end' | 'stuck' | 'backpressure' | 'time' | 'cost' | 'start';

export interface ScriptFailure {
  kind: FailureKind;
  end: ScriptSide | null;
  text: string;
  /** What became of the connection, in the words of other workloads. */
  outcome: ConnectionOutcome;
}

/** Everything that is wrong with one conversation but its times, the gravest first; empty = all is well. */
export function judgeConversation(plan: ScriptPlan, seen: ConversationRecord): ScriptFailure[] {
  if (seen.failure !== null) {
    return [{ kind: 'start', end: null, text: seen.failure, outcome: 'failed' }];
  }
  const found = SCRIPT_SIDES.flatMap((side) => {
    const peer = side === 'client' ? 'server' : 'client';
    const expected = plan.expect[side];
    return [
      ...wrongBytes(side, seen[side], seen[peer]),
      ...wrongEnd(side, expected, seen[side]),
      ...unfinishedSteps(side, plan[side], seen[side], plan.expect[side]),
    ];
  });
  // An end that was not asked to stop sending has not come to its reading.
  const endless = found.some(({ kind }) => kind === 'backpressure');
  const told = found.filter(({ kind }) => !endless || kind === 'backpressure' || kind === 'bytes');
  return told.toSorted((a, b) => GRAVITY.indexOf(a.kind) - GRAVITY.indexOf(b.kind));
}

const GRAVITY: readonly FailureKind[] = [
  'bytes',
  'end',
  'stuck',
  'backpressure',
  'time',
  'cost',
  'start',
];

function wrongBytes(
  side: ScriptSide,
  end: ScriptEndRecord,
  peer: ScriptEndRecord,
): ScriptFailure[] {
  const failures: ScriptFailure[] = [];
  const { incidents, byClass } = end.totals;
  if (incidents > 0) {
    const classes = Object.entries(byClass).map(([name, times]) => `${times} ${name}`);
    const first = end.incidents[0];
    const where =
      first === undefined
        ? ''
        : `, the first at offset ${first.offset}, ${first.length} ${noun(first.length, 'byte')}`;
    const text = `${side}: wrong bytes (${classes.join(', ')}${where})`;
    failures.push({ kind: 'bytes', end: side, text, outcome: 'corrupt' });
  }
  if (end.beyondEnd > 0) {
    const text = `${side}: ${end.beyondEnd} ${noun(end.beyondEnd, 'byte')} more than the ${peer.sent} that were sent`;
    failures.push({ kind: 'bytes', end: side, text, outcome: 'extra' });
  }
  return failures;
}

function wrongEnd(
  side: ScriptSide,
  expected: EndExpectation,
  end: ScriptEndRecord,
): ScriptFailure[] {
  const seen = SEEN_ENDS[end.seen] ?? 'none';
  if (expected === 'intact') return [];
  const fail = (kind: FailureKind, text: string, outcome: ConnectionOutcome): ScriptFailure[] => [
    { kind, end: side, text: `${side}: ${text}`, outcome },
  ];
  if (seen === 'none') {
    const text = `no end came, after ${end.received} ${noun(end.received, 'byte')}`;
    return fail('end', text, 'stalled');
  }
  if (seen === 'orderly') {
    if (end.cut > 0 && expected !== 'everything') {
      const of = `of ${end.received + end.cut} ${noun(end.received + end.cut, 'byte')}`;
      const text = `an end in good order, the last ${end.cut} ${of} missing: the reset was not passed on`;
      return fail('bytes', text, 'truncated');
    }
    if (end.cut > 0) {
      const text = `the last ${end.cut} of ${end.received + end.cut} ${noun(end.received + end.cut, 'byte')} never came, and the end was in good order`;
      return fail('bytes', text, 'truncated');
    }
    if (expected === 'reset') {
      return fail('end', `an end in good order instead of a reset`, 'extra');
    }
    return [];
  }
  if (expected !== 'everything') return [];
  const lost = end.cut > 0 ? `, with ${end.cut} ${noun(end.cut, 'byte')} missing` : '';
  return fail('end', `${end.error ?? 'a reset'} instead of the end${lost}`, 'reset');
}

/** Steps that did not come about. What a reset keeps an end from doing is not held against anybody. */
function unfinishedSteps(
  side: ScriptSide,
  plan: ScriptEnd,
  end: ScriptEndRecord,
  expected: EndExpectation,
): ScriptFailure[] {
  return end.steps.flatMap((record, index): ScriptFailure[] => {
    const outcome = STEP_OUTCOMES[record.outcome] ?? 'failed';
    const step = plan.steps[index];
    if (outcome === 'done' || step === undefined) return [];
    const what = `step ${index + 1}, ${step.text}`;
    if (outcome === 'unbounded') {
      const text = `${side}: ${what}: the forwarder took ${record.bytes} ${noun(record.bytes, 'byte')} that nobody read, without backpressure`;
      return [{ kind: 'backpressure', end: side, text, outcome: 'failed' }];
    }
    if (outcome !== 'timeout' && expected !== 'everything') return [];
    if (outcome === 'timeout') {
      const text = `${side}: ${what}: did not come about within ${formatDuration(step.within)}, after ${record.bytes} ${noun(record.bytes, 'byte')}`;
      return [{ kind: 'stuck', end: side, text, outcome: 'stalled' }];
    }
    // A wait for an end that is over already: why it is over is told by that end.
    if (step.do === 'wait') return [];
    const why = record.error ?? (outcome === 'ended' ? 'the stream had ended' : 'not possible');
    const text = `${side}: ${what}: ${why}, after ${record.bytes} ${noun(record.bytes, 'byte')}`;
    return [{ kind: 'end', end: side, text, outcome: 'reset' }];
  });
}

/** Seconds that each step of a name took. */
function timesOf(plan: ScriptEnd, end: ScriptEndRecord, name: string): number[] {
  return end.steps.flatMap(({ beginNs, endNs }, index) =>
    plan.steps[index]?.as === name ? [(endNs - beginNs) / 1e9] : [],
  );
}

/** Expectations in time that a conversation misses. */
export function lateSteps(plan: ScriptPlan, seen: ConversationRecord): ScriptFailure[] {
  if (seen.failure !== null) return [];
  return plan.expect.within.flatMap(({ end, step, time }): ScriptFailure[] => {
    const slowest = Math.max(0, ...timesOf(plan[end], seen[end], step));
    if (slowest <= time) return [];
    const text = `${end}: ${step} took ${milliseconds(slowest)} ms, at most ${milliseconds(time)} are right`;
    return [{ kind: 'time', end, text, outcome: 'intact' }];
  });
}

function milliseconds(seconds: number): string {
  return (seconds * 1e3).toFixed(1);
}
