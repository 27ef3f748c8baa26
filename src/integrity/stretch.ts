/** Where an incident's bytes lie in what a forwarder's calls counted. Pure. */
import type { Incident, RecordedCall } from '../results/record.js';

/** Bytes from `start` on, up to but not including `end`. */
export interface Stretch {
  start: number;
  end: number;
}

/** The side of a call. Where the record does not say it, the name may; null = neither does. */
export function sideOf({ side, name }: RecordedCall): 'in' | 'out' | null {
  if (side !== undefined) return side;
  if (/^(recv|read)/.test(name)) return 'in';
  return /^(send|write)/.test(name) ? 'out' : null;
}

/**
 * The bytes of an incident by the offsets of one side's calls: those of the input count what was sent,
 * those of the output what was received. null = that side had none of them: bytes that are missing did
 * not go out, and bytes that are too many did not come in.
 */
export function stretchOf(incident: Incident, side: 'in' | 'out' | null): Stretch | null {
  const { offset, length } = incident;
  if (incident.class === 'missing' && side !== 'in') return null;
  if (incident.class === 'inserted' && side === 'in') return null;
  const start = side === 'in' ? sentOffset(incident) : offset;
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
