/**
 * Lines of `strace -f -ttt -yy -s 0` made into the calls that a flight recorder keeps: which socket, how
 * much asked and got, and where in the stream that was. Pure: fed line by line, it holds the last calls.
 */
import { constants } from 'node:os';
import type { RecordedCall } from '../results/record.js';

/** Where the forwarder listens and what it connects to. */
export interface TracedPlaces {
  listen: { port: number };
  upstream: { port: number };
}

/** Calls kept; and how many more once an incident was seen, since lines come later than the bytes. */
const KEPT = 16_384;
const AFTER_FREEZE = 4096;

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

/** One end of a session as it was seen: the client's port is known of the downstream one only. */
interface Socket {
  side: 'upstream' | 'downstream';
  clientPort: number | null;
  received: number;
  sent: number;
}

interface Entry {
  call: RecordedCall;
  socket: Socket;
}

export class StraceCalls {
  private readonly sockets = new Map<string, Socket>();
  /** Upstream sockets by the pipe that they last shared with a downstream one. */
  private readonly pipes = new Map<string, Socket>();
  /** Beginnings of calls that another thread's line interrupted, by thread. */
  private readonly unfinished = new Map<string, string>();
  private entries: Entry[] = [];
  private started: number | null = null;
  /** Calls that are still taken; null = not frozen. */
  private left: number | null = null;

  constructor(private readonly places: TracedPlaces) {}

  /** An incident was seen: takes a few more calls, then none, so that those around it stay. */
  freeze(): void {
    this.left ??= AFTER_FREEZE;
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
    const downstream = [...this.sockets.values()].filter(({ side }) => side === 'downstream');
    const only = downstream.length === 1 ? (downstream[0]?.clientPort ?? null) : null;
    return this.entries.slice(-KEPT).map(({ call, socket }) => {
      const port = socket.clientPort ?? only;
      return port === null ? call : { ...call, port };
    });
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
    const call = { t, name, asked, got };
    const source = this.socketOf(from);
    const sink = this.socketOf(to);
    if (source !== null) this.record(call, source, 'in');
    if (sink !== null) this.record(call, sink, 'out');
    if (got > 0) this.pair(source, sink, pipeOf(from), pipeOf(to));
  }

  private record(
    call: Pick<RecordedCall, 't' | 'name' | 'asked' | 'got'>,
    socket: Socket,
    side: 'in' | 'out',
  ): void {
    const offset = side === 'in' ? socket.received : socket.sent;
    // Positions go on after the last call that is kept: nothing later is, so nobody asks.
    if (side === 'in') socket.received += Math.max(0, call.got);
    else socket.sent += Math.max(0, call.got);
    if (this.left === 0) return;
    if (this.left !== null) this.left -= 1;
    // Even flows carry downloads: taken from upstream, given to downstream.
    const flow = (socket.side === 'upstream') === (side === 'in') ? 0 : 1;
    this.entries.push({ call: { ...call, flow, offset, side }, socket });
    if (this.entries.length >= 2 * KEPT) this.entries = this.entries.slice(-KEPT);
  }

  /** Two sockets that share a pipe, or a call, belong to one session. */
  private pair(
    source: Socket | null,
    sink: Socket | null,
    fromPipe: string | null,
    toPipe: string | null,
  ): void {
    if (source !== null && toPipe !== null) this.pipes.set(toPipe, source);
    const other = source ?? (fromPipe === null ? null : (this.pipes.get(fromPipe) ?? null));
    if (other === null || sink === null || other.side === sink.side) return;
    const port = other.clientPort ?? sink.clientPort;
    other.clientPort = port;
    sink.clientPort = port;
  }

  /** `5<TCP:[127.0.0.1:4000->127.0.0.1:51000]>`; null for what is no end of a session. */
  private socketOf(argument: string | undefined): Socket | null {
    const name = /^\d+<TCP(?:v6)?:\[(.*)\]>$/.exec(argument ?? '')?.[1];
    if (name === undefined) return null;
    const known = this.sockets.get(name);
    if (known !== undefined) return known;
    const [, local, peer] = /:(\d+)->.*:(\d+)$/.exec(name) ?? [];
    const { listen, upstream } = this.places;
    const side =
      Number(local) === listen.port
        ? 'downstream'
        : Number(peer) === upstream.port
          ? 'upstream'
          : null;
    if (side === null) return null;
    const clientPort = side === 'downstream' ? Number(peer) : null;
    const socket: Socket = { side, clientPort, received: 0, sent: 0 };
    this.sockets.set(name, socket);
    return socket;
  }
}

function pipeOf(argument: string | undefined): string | null {
  return /^\d+<pipe:\[(\d+)\]>$/.exec(argument ?? '')?.[1] ?? null;
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
