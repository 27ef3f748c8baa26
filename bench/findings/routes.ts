/** Which way a loss came about, from the calls that the program was recorded with. Pure. */
import { callText, type RingCall, type RingEnd } from '../../src/machine/role/call-ring.js';

/** As poll(2) has them. */
const IN = 0x001;
const OUT = 0x004;
const HUP = 0x010;
const RDHUP = 0x2000;

/**
 * A: its last event before the close said OUT alone, an earlier one RDHUP. B: that last event said OUT and HUP
 * without IN. `other`: neither.
 */
export type Route = 'A' | 'B' | 'other';

export interface Loss {
  route: Route;
  /** That it threw away. */
  unread: number;
  /** Index in the calls of the close. */
  at: number;
  descriptor: number;
}

/** Every close of a TCP socket with unread bytes, with the way that led to it. */
export function lossesIn(calls: readonly RingCall[]): Loss[] {
  return calls.flatMap((call, at): Loss[] => {
    if (call.name !== 'close' || call.from.kind !== 'tcp' || !call.unread) return [];
    const { descriptor, peer, localPort } = call.from;
    const events = calls
      .slice(0, at)
      .filter(
        ({ name, from }) =>
          name === 'event' &&
          from.descriptor === descriptor &&
          from.peer === peer &&
          from.localPort === localPort,
      )
      .map(({ flags }) => flags);
    return [{ route: routeOf(events), unread: call.unread, at, descriptor }];
  });
}

function routeOf(events: readonly number[]): Route {
  const last = events.at(-1) ?? 0;
  const without = (last & IN) === 0 && (last & OUT) !== 0;
  if (without && (last & HUP) !== 0) return 'B';
  const hungUp = events.some((flags) => (flags & (RDHUP | HUP)) !== 0);
  return without && hungUp ? 'A' : 'other';
}

/** Calls that are told of a loss. */
const TOLD = 40;

/**
 * The calls that led to a loss, a line each: times in milliseconds before the close.
 * @param ports where the program listens and connects, for names
 */
export function lossLines(
  calls: readonly RingCall[],
  { at, descriptor }: Loss,
  ports: { listen: number; server: number },
): string[] {
  const close = calls[at];
  if (close === undefined) return [];
  const nameOf = (end: RingEnd): string => {
    if (end.kind === 'pipe') return 'pipe';
    if (end.kind !== 'tcp') return `fd ${end.descriptor}`;
    const side =
      end.localPort === ports.listen ? 'client' : end.peer === ports.server ? 'server' : '';
    return side === '' ? `fd ${end.descriptor}` : `${side}'s socket`;
  };
  const own = calls
    .slice(0, at + 1)
    .filter(({ name, got }) => name !== 'wait' || got < 0)
    .filter(({ name, from, to }) => name === 'event' || isSession(from) || isSession(to));
  return own.slice(-TOLD).map((call) => {
    const before = ((call.timeNs - close.timeNs) / 1e6).toFixed(3).padStart(10);
    const mark = call === close && call.from.descriptor === descriptor ? '   <- the loss' : '';
    return `${before} ms  ${callText(call, nameOf)}${mark}`;
  });
}

function isSession({ kind }: RingEnd): boolean {
  return kind === 'tcp' || kind === 'pipe';
}
