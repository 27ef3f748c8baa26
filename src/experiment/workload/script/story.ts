/** A conversation told as a story: the steps of both ends in the order of time, with the queues. Pure. */
import { noun } from '../../../base/units/quantity.js';
import {
  type ConversationRecord,
  type Queues,
  type ScriptEndRecord,
  type ScriptStepRecord,
  SEEN_ENDS,
  type SocketQueue,
  STEP_OUTCOMES,
} from '../../../data/native/native-script.js';
import type { RecordedCall } from '../../../data/record/record.js';
import type { ScriptPlan, ScriptSide } from '../../../data/record/script-plan.js';
import { SCRIPT_SIDES } from './judge-conversation.js';

/** More steps than this are told of from both ends of the script only. */
const MOST_STEPS = 40;

/** Lines of text, the times in milliseconds since the connection was begun. */
export function storyOf(plan: ScriptPlan, seen: ConversationRecord): string[] {
  if (seen.failure !== null) return [seen.failure];
  const steps = SCRIPT_SIDES.flatMap((side) =>
    seen[side].steps.map((record, index) => ({
      side,
      record,
      text: plan[side].steps[index]?.text ?? '',
      number: index + 1,
    })),
  ).toSorted((a, b) => a.record.beginNs - b.record.beginNs);
  const told = steps.map(({ side, record, text, number }) =>
    stepLine(side, number, text, record, seen.beginNs),
  );
  const left = told.length - MOST_STEPS;
  const shown =
    left <= 0
      ? told
      : [
          ...told.slice(0, MOST_STEPS / 2),
          `… ${left} further steps …`,
          ...told.slice(-MOST_STEPS / 2),
        ];
  return [...shown, ...SCRIPT_SIDES.map((side) => endLine(side, seen))];
}

function stepLine(
  side: ScriptSide,
  number: number,
  text: string,
  record: ScriptStepRecord,
  beginNs: number,
): string {
  const at = (ns: number) => ((ns - beginNs) / 1e6).toFixed(1);
  const outcome = STEP_OUTCOMES[record.outcome] ?? 'failed';
  const how =
    outcome === 'done' ? '' : `; ${outcome}${record.error === null ? '' : ` (${record.error})`}`;
  const moved = record.bytes > 0 ? `: ${record.bytes} ${noun(record.bytes, 'byte')}` : '';
  const time = `${at(record.beginNs)} to ${at(record.endNs)} ms`;
  return `${time}  ${side} ${number}: ${text}${moved}${how}  ${queuesText(record.queues)}`;
}

/** Of tcp_states.h. */
const ESTABLISHED = 1;
const SOCKETS = ['client', 'forwarder⇠client', 'forwarder⇢server', 'server'] as const;

/** "[client: 100 unread | …]": what waits in the four sockets, only those with something in them. */
function queuesText(queues: Queues): string {
  const parts = queues.flatMap((queue, at) => {
    if (queue === null) return [];
    const words = [
      ...(queue.unread > 0 ? [`${queue.unread} unread`] : []),
      ...(queue.unacked > 0 ? [`${queue.unacked} unacknowledged`] : []),
    ];
    return words.length === 0 ? [] : [`${SOCKETS[at] ?? ''}: ${words.join(', ')}`];
  });
  const [, toClient, toServer] = queues;
  if (toClient && toServer && counts(toClient) && counts(toServer)) {
    // The end of stream counts as one byte of those taken.
    const up = toClient.taken - toServer.given;
    const down = toServer.taken - toClient.given;
    if (up > 1) parts.push(`the forwarder holds ${up} for the server`);
    if (down > 1) parts.push(`the forwarder holds ${down} for the client`);
  }
  return parts.length === 0 ? '[nothing queued]' : `[${parts.join(' | ')}]`;
}

/** A socket in TIME-WAIT has no counters any more, and shows zeros. */
function counts({ taken, given, state }: SocketQueue): boolean {
  return taken > 0 || given > 0 || state === ESTABLISHED;
}

function endLine(side: ScriptSide, seen: ConversationRecord): string {
  const end: ScriptEndRecord = seen[side];
  const peer = side === 'client' ? seen.server : seen.client;
  const how = {
    none: 'saw no end',
    orderly: 'saw the end in good order',
    broken: `saw ${end.error ?? 'a reset'}`,
  }[SEEN_ENDS[end.seen] ?? 'none'];
  const lost = end.cut > 0 ? `, the last ${end.cut} did not come` : '';
  const unread =
    end.unreadAtClose > 0
      ? `; closed with ${end.unreadAtClose} ${noun(end.unreadAtClose, 'byte')} unread`
      : '';
  return `${side}: ${end.received} of the ${peer.sent} ${noun(peer.sent, 'byte')} sent came${lost}; it ${how}${unread}`;
}

/** Calls of the forwarder that are told of, the last ones. */
const MOST_CALLS = 24;

/** "recv 16384 of 65536", oldest first; empty where nothing recorded them. */
export function lastCallLines(calls: readonly RecordedCall[]): string[] {
  if (calls.length === 0) return [];
  const lines = calls.slice(-MOST_CALLS).map(({ t, name, got, asked, side }) => {
    const where = side === undefined ? '' : ` ${side}`;
    return `  ${(t * 1e3).toFixed(1)} ms  ${name}${where}  ${got} of ${asked}`;
  });
  return [`the forwarder's last ${lines.length} calls, by its own clock:`, ...lines];
}
