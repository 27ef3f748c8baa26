/**
 * Lines of `strace -f -ttt -yy -s 0` made into the calls that a flight recorder keeps: which socket, how
 * much asked and got, and where in the stream that was. Pure: fed line by line, it holds the last calls.
 */
import { constants } from 'node:os';
import type { RecordedCall } from '../../data/record/record.js';
import { type CallEnd, MEMORY, SessionCalls, type TracedPlaces } from './session-calls.js';

/** What a call takes bytes from and gives them to, by the place of its arguments; `null` = memory. */
interface Shape {
  from: number | null;
  to: number | null;
  /** Argument that says how much was asked; null = the lengths of an iovec. */
  asked: number | null;
}

const SHAPES: Readonly<Record<string, Shape>> = {
  read: { from: 0, to: null, asked: 2 },
  recvfrom: { from: 0, to: null, asked: 2 },
  recvmsg: { from: 0, to: null, asked: null },
  readv: { from: 0, to: null, asked: null },
  write: { from: null, to: 0, asked: 2 },
  sendto: { from: null, to: 0, asked: 2 },
  sendmsg: { from: null, to: 0, asked: null },
  writev: { from: null, to: 0, asked: null },
  splice: { from: 0, to: 2, asked: 4 },
  sendfile: { from: 1, to: 0, asked: 3 },
  sendfile64: { from: 1, to: 0, asked: 3 },
};

/** System calls that strace is asked for. */
export const TRACED = '%network,splice,tee,vmsplice,sendfile,read,write,readv,writev';

export class StraceCalls {
  private readonly sessions: SessionCalls;
  /** Beginnings of calls that another thread's line interrupted, by thread. */
  private readonly unfinished = new Map<string, string>();
  private started: number | null = null;

  constructor(places: TracedPlaces) {
    this.sessions = new SessionCalls(places);
  }

  /** An incident was seen: takes a few more calls, then none, so that those around it stay. */
  freeze(): void {
    this.sessions.freeze();
  }

  feed(line: string): void {
    const match = /^(\d+) +(\d+\.\d+) (.*)$/.exec(line);
    const [, thread = '', time = '', text = ''] = match ?? [];
    if (match === null) return;
    this.started ??= Number(time);
    const whole = this.joined(thread, text);
    if (whole !== null) this.take(Math.round((Number(time) - this.started) * 1e6) / 1e6, whole);
  }

  /** The last calls, oldest first. */
  calls(): RecordedCall[] {
    return this.sessions.calls();
  }

  /** A call in one piece; null while its end is missing. */
  private joined(thread: string, text: string): string | null {
    const cut = / *<unfinished \.\.\.>$/.exec(text);
    if (cut !== null) {
      this.unfinished.set(thread, text.slice(0, cut.index));
      return null;
    }
    const resumed = /^<\.\.\. \w+ resumed> ?/.exec(text);
    if (resumed === null) return text;
    const begun = this.unfinished.get(thread);
    this.unfinished.delete(thread);
    return begun === undefined ? null : begun + text.slice(resumed[0].length);
  }

  private take(t: number, text: string): void {
    const match = /^(\w+)\((.*)\) += (-?\d+)(?: (E[A-Z0-9]+))?/.exec(text);
    const [, name = '', list = '', result = '', errno] = match ?? [];
    const shape = SHAPES[name];
    if (match === null || shape === undefined) return;
    const args = argumentsOf(list);
    // What is only looked at is not taken.
    if (args.some((one) => one.includes('MSG_PEEK'))) return;
    const got = errno === undefined ? Number(result) : -errnoOf(errno);
    const asked = shape.asked === null ? lengthsOf(list) : Number(args[shape.asked]);
    const from = shape.from === null ? undefined : args[shape.from];
    const to = shape.to === null ? undefined : args[shape.to];
    this.sessions.take({ t, name, asked, got }, endOf(from), endOf(to));
  }
}

/** `5<TCP:[127.0.0.1:4000->127.0.0.1:51000]>`, `7<pipe:[1234]>`; memory for what is neither. */
function endOf(argument = ''): CallEnd {
  const name = /^\d+<TCP(?:v6)?:\[(.*)\]>$/.exec(argument)?.[1];
  if (name !== undefined) {
    const [, local, peer] = /:(\d+)->.*:(\d+)$/.exec(name) ?? [];
    return { kind: 'socket', name, local: Number(local), peer: Number(peer) };
  }
  const pipe = /^\d+<pipe:\[(\d+)\]>$/.exec(argument)?.[1];
  return pipe === undefined ? MEMORY : { kind: 'pipe', name: pipe };
}

/** Arguments at the top level: commas inside brackets of any kind separate nothing. */
function argumentsOf(list: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let begin = 0;
  for (let at = 0; at < list.length; at++) {
    const sign = list.charAt(at);
    if ('[{('.includes(sign)) depth += 1;
    else if (']})'.includes(sign)) depth -= 1;
    else if (sign === ',' && depth === 0) {
      found.push(list.slice(begin, at).trim());
      begin = at + 1;
    }
  }
  return [...found, list.slice(begin).trim()];
}

function lengthsOf(list: string): number {
  const lengths = [...list.matchAll(/iov_len=(\d+)/g)].map(([, length]) => Number(length));
  return lengths.reduce((sum, length) => sum + length, 0);
}

function errnoOf(name: string): number {
  const numbers: Readonly<Record<string, number | undefined>> = constants.errno;
  return numbers[name] ?? 1;
}
