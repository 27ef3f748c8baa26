/** How an incident lies to the calls that carried it, to segments and to pages: where causes show. */
import { count, plural } from '../../base/units/quantity.js';
import type { Incident, RecordedCall } from '../record/record.js';
import { carries, sideOf, type Stretch, stretchOf } from './stretch.js';

/** Bytes of a page. */
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
  const taken = passage(incident, 'in');
  const given = passage(incident, 'out');
  const sentences = [
    alignment(incident),
    ...toldOf('came in', taken),
    ...slotOf(incident, taken),
    ...toldOf('went out', given),
  ];
  if (taken.calls.length === 0 && given.calls.length === 0) {
    sentences.push('The calls that carried it are not known.');
  }
  if (taken.stretch === null) sentences.push('It did not come in: nothing of it was sent there.');
  if (given.stretch === null)
    sentences.push('It did not go out, so no call gave it to the output.');
  return { in: fitOf(taken), out: fitOf(given), sentences };
}

/** What one side's calls tell of a stretch. */
interface Passage {
  stretch: Stretch | null;
  /** Calls that moved bytes of it, in order. */
  calls: RecordedCall[];
  /** Bytes of it that they moved. Less than all when the recorder or the list no longer holds the rest. */
  known: number;
}

function passage(incident: Incident, side: 'in' | 'out'): Passage {
  const stretch = stretchOf(incident, side);
  if (stretch === null) return { stretch, calls: [], known: 0 };
  const calls = (incident.calls ?? []).filter(
    (call) => sideOf(call) === side && carries(call, stretch),
  );
  return { stretch, calls, known: covered(calls, stretch) };
}

/** Bytes of a stretch that calls moved, each once. */
function covered(calls: readonly RecordedCall[], { start, end }: Stretch): number {
  let known = 0;
  let reached = start;
  for (const { offset, got } of [...calls].sort((a, b) => a.offset - b.offset)) {
    const until = Math.min(offset + got, end);
    known += Math.max(0, until - Math.max(offset, reached));
    reached = Math.max(reached, until);
  }
  return known;
}

function isWhole({ stretch, known }: Passage): boolean {
  return stretch !== null && known === stretch.end - stretch.start;
}

/** Only of all calls of a stretch: of a part of them the ends are not known. */
function fitOf(side: Passage): CallFit {
  const { stretch, calls } = side;
  const [first] = calls;
  const last = calls.at(-1);
  if (stretch === null || first === undefined || last === undefined) return 'unknown';
  if (!isWhole(side)) return 'unknown';
  const atStart = first.offset === stretch.start;
  const atEnd = last.offset + last.got === stretch.end;
  if (calls.length > 1) return atStart && atEnd ? 'whole calls' : 'across calls';
  if (atStart && atEnd) return 'exactly one call';
  return atStart ? 'the start of a call' : atEnd ? 'the end of a call' : 'inside one call';
}

/** "It came in by one splice of 1,632 bytes, together with the 1,460 bytes after it." */
function toldOf(moved: string, side: Passage): string[] {
  const { stretch, calls, known } = side;
  const [first] = calls;
  const last = calls.at(-1);
  if (stretch === null || first === undefined || last === undefined) return [];
  const total = bytesOf(calls.reduce((sum, { got }) => sum + got, 0));
  const by =
    calls.length === 1
      ? `one ${first.name} of ${total}`
      : `${count(calls.length)} calls of ${first.name} of ${total}`;
  if (!isWhole(side)) {
    const of = `${count(known)} of its ${bytesOf(stretch.end - stretch.start)}`;
    return [`Of it, ${of} ${moved} by ${by}; the calls of the rest are not recorded.`];
  }
  const before = stretch.start - first.offset;
  const after = last.offset + last.got - stretch.end;
  const neighbours = [
    ...(before > 0 ? [`the ${bytesOf(before)} before it`] : []),
    ...(after > 0 ? [`the ${bytesOf(after)} after it`] : []),
  ].join(' and ');
  const together = neighbours === '' ? 'exactly these' : `together with ${neighbours}`;
  return [`It ${moved} by ${by}, ${together}.`];
}

/**
 * Where it began in what a splice put into the pipe. A receiving socket fills a slot per fragment of a
 * packet, and no call tells their sizes: whether it begins at a slot is told for slots of full pages and
 * of full segments, the two that are usual.
 */
function slotOf({ mss }: Incident, { stretch, calls }: Passage): string[] {
  const [first] = calls;
  if (stretch === null || first?.name.endsWith('splice') !== true) return [];
  const into = stretch.start - first.offset;
  if (into < 0) return [];
  if (into === 0) return ['It begins with the first slot that this splice filled in the pipe.'];
  const slots = [slotText(into, PAGE, 'held a page')];
  if (mss !== undefined && mss > 0)
    slots.push(slotText(into, mss, `held a segment of ${count(mss)} bytes`));
  return [`In the pipe it begins ${slots.join(', and ')}.`];
}

/** "at the start of slot 3, if each slot held a page" */
function slotText(into: number, size: number, held: string): string {
  const slot = `slot ${count(Math.floor(into / size) + 1)} of this splice, if each ${held}`;
  return into % size === 0 ? `at the start of ${slot}` : `${bytesOf(into % size)} into ${slot}`;
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
