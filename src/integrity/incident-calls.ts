import type { Incident, RecordedCall } from '../results/record.js';
import type { StreamEnd } from './outcome.js';

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
  const end = incident.offset + Math.max(1, incident.length);
  const carried = calls.flatMap(({ offset, got }, index) =>
    got > 0 && offset < end && offset + got > incident.offset ? [index] : [],
  );
  const [first] = carried;
  const last = carried.at(-1);
  if (first === undefined || last === undefined) return [];
  return calls.slice(Math.max(0, first - AROUND), last + 1 + AROUND).slice(0, MOST);
}

/**
 * Adds to a trial's incidents what only its ends together know: the calls that carried them, and the
 * size of the segments in which they arrived.
 * @param streams of the trial; their incidents are changed in place
 * @param recorded the forwarder's flight recorder, oldest first
 */
export function completeIncidents(
  streams: readonly StreamEnd[],
  recorded: readonly RecordedCall[],
  connections: number,
): void {
  for (const { sender, receiver } of streams) {
    for (const incident of receiver.incidents) {
      const own = [receiver, sender].map((end) =>
        end.connections.find(({ connection }) => connection === incident.connection),
      );
      const clientPort = own.find((one) => (one?.port ?? 0) > 0)?.port ?? null;
      const mss = own[0]?.mss ?? 0;
      if (mss > 0) incident.mss = mss;
      const calls = callsAround(incident, recorded, { connections, clientPort });
      if (calls.length > 0) incident.calls = calls;
    }
  }
}
