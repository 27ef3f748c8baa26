/** How an incident lies to the calls that carried it, to segments and to pages: where causes show. */
import { count, plural } from '../report/quantity.js';
import type { Incident, RecordedCall } from '../results/record.js';

/** Bytes of a page, and of a pipe's slot as a receiving socket fills it on most kernels. */
const PAGE = 4096;

/** How a stretch lies to the calls of one side. */
export type CallFit =
  | 'exactly one call'
  | 'whole calls'
  | 'the start of a call'
  | 'the end of a call'
  | 'inside one call'
  | 'across calls'
  | 'unknown';

/** How an incident lies. */
export interface Relation {
  /** To the calls that took it from the input, and to those that gave it to the output. */
  in: CallFit;
  out: CallFit;
  /** Sentences about it, for a reader. */
  sentences: string[];
}

/** What is known of how an incident came about. Pure. */
export function relationOf(incident: Incident): Relation {
  const calls = incident.calls ?? [];
  const taken = carriers(incident, calls, 'in');
  const given = carriers(incident, calls, 'out');
  const relation: Relation = {
    in: fitOf(incident, taken),
    out: fitOf(incident, given),
    sentences: [alignment(incident)],
  };
  if (taken.length > 0) relation.sentences.push(`It came in by ${carried(incident, taken)}.`);
  if (given.length > 0) relation.sentences.push(`It went out by ${carried(incident, given)}.`);
  if (taken.length === 0 && given.length === 0) {
    relation.sentences.push('The calls that carried it are not known.');
  }
  return relation;
}

/** Calls of one side that moved bytes of the stretch, in order. */
function carriers(
  { offset, length }: Incident,
  calls: readonly RecordedCall[],
  side: 'in' | 'out',
): RecordedCall[] {
  const end = offset + Math.max(1, length);
  return calls.filter(
    (call) =>
      sideOf(call) === side && call.got > 0 && call.offset < end && call.offset + call.got > offset,
  );
}

/** Where the record does not say it, the name may. */
function sideOf({ side, name }: RecordedCall): 'in' | 'out' | null {
  if (side !== undefined) return side;
  if (/^(recv|read)/.test(name)) return 'in';
  return /^(send|write)/.test(name) ? 'out' : null;
}

function fitOf({ offset, length }: Incident, calls: readonly RecordedCall[]): CallFit {
  const [first] = calls;
  const last = calls.at(-1);
  if (first === undefined || last === undefined) return 'unknown';
  const atStart = first.offset === offset;
  const atEnd = last.offset + last.got === offset + length;
  if (calls.length > 1) return atStart && atEnd ? 'whole calls' : 'across calls';
  if (atStart && atEnd) return 'exactly one call';
  return atStart ? 'the start of a call' : atEnd ? 'the end of a call' : 'inside one call';
}

/** "one splice of 1,632 bytes, together with the 1,460 bytes after it". */
function carried({ offset, length }: Incident, calls: readonly RecordedCall[]): string {
  const [first] = calls;
  const last = calls.at(-1);
  if (first === undefined || last === undefined) return 'unknown calls';
  const before = Math.max(0, offset - first.offset);
  const after = Math.max(0, last.offset + last.got - (offset + length));
  const neighbours = [
    ...(before > 0 ? [`the ${bytesOf(before)} before it`] : []),
    ...(after > 0 ? [`the ${bytesOf(after)} after it`] : []),
  ].join(' and ');
  const together = neighbours === '' ? ', exactly these' : `, together with ${neighbours}`;
  const total = calls.reduce((sum, { got }) => sum + got, 0);
  if (calls.length === 1) return `one ${first.name} of ${bytesOf(total)}${together}`;
  return `${count(calls.length)} calls of ${first.name} of ${bytesOf(total)}${together}`;
}

/** Where the stretch begins in the stream's pages and segments. */
function alignment({ offset, length, mss }: Incident): string {
  const parts = [place(offset, length, PAGE, 'page of the stream')];
  if (mss !== undefined && mss > 0) {
    parts.push(place(offset, length, mss, `segment of ${count(mss)} bytes, were all that large`));
  }
  return `It begins ${parts.join(', and ')}.`;
}

function place(offset: number, length: number, unit: number, name: string): string {
  const into = offset % unit;
  const whole = length > 0 && length % unit === 0;
  const size = whole ? ` and is ${plural(length / unit, 'time')} its size` : '';
  return into === 0 ? `at the start of a ${name}${size}` : `${bytesOf(into)} into a ${name}${size}`;
}

function bytesOf(value: number): string {
  return plural(value, 'byte');
}
