/**
 * Calls of a program put into the sessions that it forwards: which side, which flow, where in the stream.
 * Pure: whoever sees the calls (strace, the call recorder) feeds them in order; it holds the last ones.
 */
import type { RecordedCall } from '../../data/record/record.js';

/** Where the forwarder listens and what it connects to. */
export interface TracedPlaces {
  listen: { port: number };
  upstream: { port: number };
}

/** What a call takes bytes from or gives them to. */
export type CallEnd =
  /** A TCP socket; `name` tells it from all others that the program has had. */
  | { kind: 'socket'; name: string; local: number; peer: number }
  | { kind: 'pipe'; name: string }
  | { kind: 'memory' };

export const MEMORY: CallEnd = { kind: 'memory' };

/** Calls kept; and how many more once an incident was seen, since they are heard of later than the bytes. */
const KEPT = 16_384;
const AFTER_FREEZE = 4096;

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

type Seen = Pick<RecordedCall, 't' | 'name' | 'asked' | 'got'>;

export class SessionCalls {
  private readonly sockets = new Map<string, Socket>();
  /** Upstream sockets by the pipe that they last shared with a downstream one. */
  private readonly pipes = new Map<string, Socket>();
  private entries: Entry[] = [];
  /** Calls that are still taken; null = not frozen. */
  private left: number | null = null;

  constructor(private readonly places: TracedPlaces) {}

  /** An incident was seen: takes a few more calls, then none, so that those around it stay. */
  freeze(): void {
    this.left ??= AFTER_FREEZE;
  }

  /**
   * A call that moved bytes, or was asked to.
   * @param offset where in its socket's stream it began, when that is known; else counted from the start
   */
  take(call: Seen, from: CallEnd, to: CallEnd, offset: number | null = null): void {
    const source = this.socketOf(from);
    const sink = this.socketOf(to);
    if (source !== null) this.record(call, source, 'in', offset);
    if (sink !== null) this.record(call, sink, 'out', offset);
    if (call.got > 0) this.pair(source, sink, pipeOf(from), pipeOf(to));
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

  private record(call: Seen, socket: Socket, side: 'in' | 'out', known: number | null): void {
    const offset = known ?? (side === 'in' ? socket.received : socket.sent);
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

  /** null for what is no end of a session. */
  private socketOf(end: CallEnd): Socket | null {
    if (end.kind !== 'socket') return null;
    const known = this.sockets.get(end.name);
    if (known !== undefined) return known;
    const { listen, upstream } = this.places;
    const side =
      end.local === listen.port ? 'downstream' : end.peer === upstream.port ? 'upstream' : null;
    if (side === null) return null;
    const clientPort = side === 'downstream' ? end.peer : null;
    const socket: Socket = { side, clientPort, received: 0, sent: 0 };
    this.sockets.set(end.name, socket);
    return socket;
  }
}

function pipeOf(end: CallEnd): string | null {
  return end.kind === 'pipe' ? end.name : null;
}
