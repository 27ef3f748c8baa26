import type { Incident, RecordedCall } from '../record/record.js';
import type { StreamEnd } from './outcome.js';
import { tellAllocator } from './allocator.js';
import { carries, sentOffset, sideOf, stretchOf } from './stretch.js';

/** Calls shown with an incident: those that carried its bytes, and as many before and after. */
const AROUND = 4;
const MOST = 40;

/** How the forwarder knows the connection of an incident. */
export interface CallsOf {
  /** Of the trial. With one there is nothing to tell apart. */
  connections: number;
  /** The port that the incident's connection came from; null = unknown. */
  clientPort: number | null;
}

/**
 * The recorded calls that moved an incident's bytes, with a few before and after, in the manner of the
 * 2008 report's strace lines. Empty when the recorder no longer holds them, or when it is unknown
 * which of several connections was the incident's.
 * @param recorded the flight recorder, oldest first
 */
export function callsAround(
  incident: Incident,
  recorded: readonly RecordedCall[],
  { connections, clientPort }: CallsOf,
): RecordedCall[] {
  if (connections !== 1 && clientPort === null) return [];
  // Even flows carry downloads, odd ones uploads.
  const parity = incident.direction === 'down' ? 0 : 1;
  const calls = recorded.filter(
    ({ flow, port }) => flow % 2 === parity && (connections === 1 || port === clientPort),
  );
  const carried = calls.flatMap((call, index) => (isNear(incident, call) ? [index] : []));
  const [first] = carried;
  const last = carried.at(-1);
  if (first === undefined || last === undefined) return [];
  const all = calls.slice(Math.max(0, first - AROUND), last + 1 + AROUND);
  return all.length <= MOST ? all : shared(incident, calls);
}

/** Moved its bytes, or those next to where they are missing or were put in. */
function isNear(incident: Incident, call: RecordedCall): boolean {
  const side = sideOf(call);
  const received = side === 'out' || side === null;
  const start = received ? incident.offset : sentOffset(incident);
  return carries(call, stretchOf(incident, side) ?? { start, end: start + 1 });
}

/** At most MOST calls, so that many of one side leave room for the other's; the first ones of each. */
function shared(incident: Incident, calls: readonly RecordedCall[]): RecordedCall[] {
  const sides = (['in', 'out', 'within', null] as const)
    .map((side) => {
      const own = calls.filter((call) => sideOf(call) === side);
      const first = own.findIndex((call) => isNear(incident, call));
      const last = own.findLastIndex((call) => isNear(incident, call));
      return first < 0 ? [] : own.slice(Math.max(0, first - AROUND), last + 1 + AROUND);
    })
    .filter((own) => own.length > 0)
    .sort((a, b) => a.length - b.length);
  const kept = new Set<RecordedCall>();
  for (const [index, own] of sides.entries()) {
    const share = Math.floor((MOST - kept.size) / (sides.length - index));
    for (const call of own.slice(0, share)) kept.add(call);
  }
  return calls.filter((call) => kept.has(call));
}

/**
 * Adds to a trial's incidents what only its ends together know: where they lie in what was sent, the
 * calls that carried them, and the size of the segments in which they arrived.
 * @param streams of the trial; their incidents are changed in place
 * @param recorded the forwarder's flight recorder, oldest first
 */
export function completeIncidents(
  streams: readonly StreamEnd[],
  recorded: readonly RecordedCall[],
  connections: number,
): void {
  place(streams);
  for (const { sender, receiver } of streams) {
    for (const incident of receiver.incidents) {
      const own = [receiver, sender].map((end) =>
        end.connections.find(({ connection }) => connection === incident.connection),
      );
      const clientPort = own.find((one) => (one?.port ?? 0) > 0)?.port ?? null;
      const calls = callsAround(incident, recorded, { connections, clientPort });
      if (calls.length > 0) incident.calls = calls;
    }
  }
}

/**
 * Names the incidents that the kernel's allocator made, which only all of a trial together show: before it is
 * judged, and once.
 */
export function nameIncidents(streams: readonly StreamEnd[]): void {
  place(streams);
  for (const { receiver } of streams) countAllocator(receiver);
}

/** Adds where incidents lie in what was sent and in which segments they came. */
function place(streams: readonly StreamEnd[]): void {
  for (const { receiver } of streams) {
    placeInSource(receiver.incidents);
    for (const incident of receiver.incidents) {
      const own = receiver.connections.find(({ connection }) => connection === incident.connection);
      const mss = own?.mss ?? 0;
      if (mss > 0) incident.mss = mss;
    }
  }
}

/** What is not stored was counted only: it stays what the checker took it for. */
function countAllocator({ incidents, totals }: StreamEnd['receiver']): void {
  const { unknown, zeros } = tellAllocator(incidents);
  if (unknown + zeros === 0) return;
  const { byClass } = totals;
  byClass.unknown = (byClass.unknown ?? 0) - unknown;
  byClass.zeros = (byClass.zeros ?? 0) - zeros;
  byClass.allocator = (byClass.allocator ?? 0) + unknown + zeros;
  for (const name of ['unknown', 'zeros'] as const) {
    if ((byClass[name] ?? 0) <= 0) Reflect.deleteProperty(byClass, name);
  }
}

/** Every incident behind missing or added bytes lies elsewhere in what was sent than in what came. */
function placeInSource(incidents: readonly Incident[]): void {
  const shifts = new Map<string, number>();
  for (const incident of [...incidents].sort((a, b) => a.offset - b.offset)) {
    const stream = `${incident.connection} ${incident.direction}`;
    const shift = shifts.get(stream) ?? 0;
    if (shift !== 0) incident.source_offset = incident.offset + shift;
    if (incident.class === 'missing') shifts.set(stream, shift + incident.length);
    if (incident.class === 'inserted') shifts.set(stream, shift - incident.length);
  }
}
