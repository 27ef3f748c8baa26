/**
 * A CPU is often one of two hardware threads of a core. While the other one works, for whoever owns it, the
 * core's execution units are shared and everything takes up to twice as long, for tens of milliseconds to
 * seconds, and no counter of the guest tells. The time that a fixed piece of work needs does. Pure.
 */

/** Nanoseconds of the same work on the forwarder's CPU, and on that of source and sink. */
export type WorkTimes = readonly [number, number];

/** So many times the shortest: shared. Turbo changes less, a busy sibling half of it and more. */
export const SHARED = 1.25;

/** Whether the work took so long on either CPU that something else had a part of its core. */
export function isShared(work: WorkTimes | null, shortest: WorkTimes): boolean {
  return work?.some((ns, cpu) => ns > SHARED * (shortest[cpu] ?? Infinity)) ?? false;
}

/** On each CPU the longer of two times. */
export function longerOf(a: WorkTimes | null, b: WorkTimes | null): WorkTimes | null {
  if (a === null || b === null) return a ?? b;
  return [Math.max(a[0], b[0]), Math.max(a[1], b[1])];
}
