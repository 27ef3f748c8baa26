/** Where an incident's bytes lie in what a forwarder's calls counted. Pure. */
import type { CallSide, Incident, RecordedCall } from '../record/record.js';

/** Bytes from `start` on, up to but not including `end`. */
export interface Stretch {
  start: number;
  end: number;
}

/** The side of a call. Where the record does not say it, the name may; null = neither does. */
export function sideOf({ side, name }: RecordedCall): CallSide | null {
  if (side !== undefined) return side;
  if (/^(recv|read)/.test(name)) return 'in';
  return /^(send|write)/.test(name) ? 'out' : null;
}

/**
 * The bytes of an incident by the offsets of one side's calls: those of the input count what was sent,
 * those of the output what was received; between them they count as the input's do. null = that side had
 * none of them: bytes that are missing did not go out, and bytes that are too many did not come in.
 */
export function stretchOf(incident: Incident, side: CallSide | null): Stretch | null {
  const { offset, length } = incident;
  const received = side === 'out' || side === null;
  if (incident.class === 'missing' && received) return null;
  if (incident.class === 'inserted' && !received) return null;
  const start = received ? offset : sentOffset(incident);
  return { start, end: start + Math.max(1, length) };
}

/** Offset in the sent stream, bytes. */
export function sentOffset({ offset, source_offset }: Incident): number {
  return source_offset ?? offset;
}

/** Whether a call moved bytes of a stretch. */
export function carries({ offset, got }: RecordedCall, { start, end }: Stretch): boolean {
  return got > 0 && offset < end && offset + got > start;
}
