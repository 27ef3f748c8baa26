/**
 * Other work on a CPU of the trial. A mechanism that needs its whole CPU loses as much as the others get, one that
 * leaves half of it idle nothing: their ratio is then of how busy the machine is. Between two slices nothing of the
 * trial wants a CPU, so that whoever makes a thread wait for it is somebody else. Pure.
 */

/** Nanoseconds until a new thread that yields had its CPU: of the forwarder's, and of that of source and sink. */
export type WaitTimes = readonly [number, number];

/** Longer than starting the thread takes, shorter than the least that a task is given. */
export const CONTENDED_NS = 500_000;

/** Whether something else wanted either CPU. */
export function isContended(wait: WaitTimes | null): boolean {
  return wait?.some((ns) => ns > CONTENDED_NS) ?? false;
}
