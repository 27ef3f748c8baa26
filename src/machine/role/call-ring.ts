/**
 * The files of the preloaded call recorder, as native/recorder/ring.h lays them out, read into calls.
 * Pure but for freezing.
 */
import { readSync, writeSync } from 'node:fs';
import type { RecordedCall } from '../../data/record/record.js';
import { type CallEnd, MEMORY, SessionCalls, type TracedPlaces } from './session-calls.js';

const MAGIC = 0x31534c4c41435053n;
const AT = { recordBytes: 12, capacity: 16, next: 24, last: 32, pid: 40, startNs: 48, end: 56 };
/** Calls that are recorded after a ring was frozen. */
const AFTER_FREEZE = 4096n;

/** In the order of the numbers in the file. */
const NAMES = [
  'event',
  'wait',
  'read',
  'readv',
  'recv',
  'recvmsg',
  'write',
  'writev',
  'send',
  'sendmsg',
  'splice',
  'tee',
  'vmsplice',
  'sendfile',
  'shutdown',
  'close',
] as const;
export type RingCallName = (typeof NAMES)[number];

/** Calls that move no bytes, and so have no place in a stream. */
const MOVES_NOTHING: readonly RingCallName[] = ['event', 'wait', 'shutdown', 'close'];

/** What a call was about. */
export interface RingEnd {
  descriptor: number;
  kind: 'memory' | 'other' | 'tcp' | 'pipe';
  /** Of a TCP socket. */
  localPort: number;
  /** Of a TCP socket the port of its peer, of a pipe its number. */
  peer: number;
}

/** One call of a recorded program. */
export interface RingCall {
  /** CLOCK_MONOTONIC at its return. */
  timeNs: number;
  name: RingCallName;
  from: RingEnd;
  to: RingEnd;
  asked: number;
  /** As returned, or the negative errno. */
  got: number;
  /** Bytes that the socket had taken in, or given out, before. */
  offset: number;
  /** Of an event as poll(2) has them, of a shutdown how; else flags of the call. */
  flags: number;
  /** Of a close: bytes that nobody has read. */
  unread: number | null;
  thread: number;
  pid: number;
}

/** The ring of one process. */
export interface Ring {
  pid: number;
  startNs: number;
  /** Calls in all, those that are no longer held included. */
  seen: number;
  /** Oldest first. */
  calls: RingCall[];
}

/** A ring's file; null when it is none, or one that could not be begun. */
export function parseRing(file: Buffer): Ring | null {
  if (file.length < AT.end || file.readBigUInt64LE(0) !== MAGIC) return null;
  const headerBytes = file.readUInt32LE(8);
  const recordBytes = file.readUInt32LE(AT.recordBytes);
  const capacity = numberAt(file, AT.capacity);
  const last = file.readBigUInt64LE(AT.last);
  const next = numberAt(file, AT.next);
  const end = BigInt(next) < last ? next : Number(last);
  const pid = file.readUInt32LE(AT.pid);
  const calls: RingCall[] = [];
  for (let number = Math.max(0, end - capacity); number < end; number++) {
    const at = headerBytes + (number % capacity) * recordBytes;
    // One that was being written, or that a later one has taken the place of, is left out.
    if (at + recordBytes > file.length || numberAt(file, at) !== number + 1) continue;
    calls.push(callAt(file, at, pid));
  }
  return { pid, startNs: numberAt(file, AT.startNs), seen: next, calls };
}

function callAt(file: Buffer, at: number, pid: number): RingCall {
  const name = NAMES[file.readUInt16LE(at + 68)] ?? 'wait';
  const asked = numberAt(file, at + 32);
  return {
    timeNs: numberAt(file, at + 8),
    name,
    from: endAt(file, at + 40),
    to: endAt(file, at + 52),
    asked: name === 'close' ? 0 : asked,
    got: Number(file.readBigInt64LE(at + 24)),
    offset: numberAt(file, at + 16),
    flags: file.readUInt16LE(at + 70),
    unread: name === 'close' ? asked : null,
    thread: file.readUInt32LE(at + 64),
    pid,
  };
}

const KINDS = ['memory', 'other', 'tcp', 'pipe'] as const;

function endAt(file: Buffer, at: number): RingEnd {
  return {
    descriptor: file.readInt32LE(at),
    kind: KINDS[file.readUInt8(at + 4)] ?? 'other',
    localPort: file.readUInt16LE(at + 6),
    peer: file.readUInt32LE(at + 8),
  };
}

function numberAt(file: Buffer, at: number): number {
  return Number(file.readBigUInt64LE(at));
}

/** Has a ring record a few more calls, then none. @param file open for reading and writing */
export function freezeRing(file: number): void {
  const header = Buffer.alloc(AT.end);
  if (readSync(file, header, 0, AT.end, 0) < AT.end) return;
  const last = Buffer.alloc(8);
  last.writeBigUInt64LE(header.readBigUInt64LE(AT.next) + AFTER_FREEZE);
  writeSync(file, last, 0, 8, AT.last);
}

/** All calls of several processes in the order of their time. */
function inOrder(rings: readonly Ring[]): RingCall[] {
  return rings.flatMap(({ calls }) => calls).sort((a, b) => a.timeNs - b.timeNs);
}

/** The calls that moved bytes, as the flight recorder tells them. Times are since the first process began. */
export function recordedCalls(rings: readonly Ring[], places: TracedPlaces): RecordedCall[] {
  const sessions = new SessionCalls(places);
  const begun = Math.min(...rings.map(({ startNs }) => startNs));
  for (const { timeNs, name, from, to, asked, got, offset } of inOrder(rings)) {
    if (MOVES_NOTHING.includes(name)) continue;
    const t = Math.max(0, Math.round((timeNs - begun) / 1e3) / 1e6);
    sessions.take({ t, name, asked, got }, callEnd(from), callEnd(to), offset);
  }
  return sessions.calls();
}

function callEnd({ kind, localPort, peer }: RingEnd): CallEnd {
  if (kind === 'pipe') return { kind: 'pipe', name: String(peer) };
  if (kind !== 'tcp') return MEMORY;
  return { kind: 'socket', name: `${localPort}->${peer}`, local: localPort, peer };
}

const EVENTS: readonly [number, string][] = [
  [0x001, 'IN'],
  [0x002, 'PRI'],
  [0x004, 'OUT'],
  [0x008, 'ERR'],
  [0x010, 'HUP'],
  [0x2000, 'RDHUP'],
];

/** A call in one line, as `strace` would put it: `recv(client, 15360) = 15360`. */
export function callText(
  { name, from, to, asked, got, flags, unread }: RingCall,
  nameOf: (end: RingEnd) => string,
): string {
  switch (name) {
    case 'event': {
      const events = EVENTS.filter(([bit]) => (flags & bit) !== 0).map(([, word]) => word);
      return `event ${nameOf(from)}: ${events.join(' ')}`;
    }
    case 'wait':
      return `wait = ${got}`;
    case 'shutdown':
      return `shutdown(${nameOf(from)}, ${['SHUT_RD', 'SHUT_WR', 'SHUT_RDWR'][flags] ?? flags}) = ${got}`;
    case 'close':
      return `close(${nameOf(from)}) with ${unread ?? 0} bytes unread`;
    default:
      return `${name}(${[from, to]
        .filter(({ kind }) => kind !== 'memory')
        .map(nameOf)
        .join(', ')}, ${asked}) = ${got}`;
  }
}
