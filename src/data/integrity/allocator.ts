/**
 * Incidents that the kernel's allocator made: it keeps a pointer inside of free memory, so that memory which
 * was given back before it was sent has up to 8 bytes changed, at one place of every object. One such incident
 * shows nothing; many at one place of their segments do. Pure.
 */
import type { Incident } from '../record/record.js';
import { gammaP } from './bounds.js';
import { sentOffset } from './stretch.js';

/** A pointer. */
const LONGEST = 8;
const FEWEST = 5;
/** That any place of a segment gets as many by chance. */
const CHANCE = 0.001;

/**
 * Renames incidents of a receiving end in place, from `unknown` or `zeros` to `allocator`.
 * @param incidents with the size of the segments, where it is known
 * @returns how many of each class were renamed
 */
export function tellAllocator(incidents: readonly Incident[]): { unknown: number; zeros: number } {
  const renamed = { unknown: 0, zeros: 0 };
  const streams = new Map<string, Incident[]>();
  for (const incident of incidents) {
    if (!isCandidate(incident)) continue;
    const stream = `${incident.connection} ${incident.direction} ${incident.mss ?? 0}`;
    streams.set(stream, [...(streams.get(stream) ?? []), incident]);
  }
  for (const own of streams.values()) {
    const segment = own[0]?.mss ?? 0;
    if (segment <= LONGEST) continue;
    const places = placesOf(own, segment);
    for (const incident of own) {
      if (!places.some((place) => liesIn(incident, place, segment))) continue;
      renamed[incident.class === 'zeros' ? 'zeros' : 'unknown'] += 1;
      incident.class = 'allocator';
    }
  }
  return renamed;
}

/** Short enough for a pointer, and of no origin that was proven. The last pointer of a list may be zero. */
function isCandidate({ class: kind, length, mss }: Incident): boolean {
  return (kind === 'unknown' || kind === 'zeros') && length <= LONGEST && (mss ?? 0) > 0;
}

/** Offsets in a segment at which too many begin for chance. */
function placesOf(incidents: readonly Incident[], segment: number): number[] {
  const counts = new Map<number, number>();
  for (const incident of incidents) {
    // Zeros prove no place, they only join one.
    if (incident.class === 'zeros') continue;
    const place = sentOffset(incident) % segment;
    counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  const mean = incidents.length / segment;
  return [...counts]
    .filter(([, times]) => times >= FEWEST && segment * gammaP(times, mean) < CHANCE)
    .map(([place]) => place);
}

/** A byte of the pointer may be what was sent, so that the stretch begins later or ends earlier. */
function liesIn(incident: Incident, place: number, segment: number): boolean {
  const behind = (((sentOffset(incident) - place) % segment) + segment) % segment;
  return behind + incident.length <= LONGEST;
}
