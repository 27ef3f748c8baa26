/**
 * Waiting for another process as long as it works. A limit by the wall clock would be reached on a busy
 * machine by processes that only lack CPU; so time counts in which the other process did nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { treeCpuNs } from './process-tree.js';
import { StallClock } from './stall-clock.js';

/** The other process is looked at so often during the limit, and no more often than this, milliseconds. */
const LOOKS = 20;
const LEAST_INTERVAL = 50;
/** A process that works for ever answers never: so many times the limit by the wall clock. */
const MOST = 10;

/** What is waited for: CPU time so far, nanoseconds; it grows while the process works. */
export type CpuTime = () => number;

/**
 * Resolves when a process has done nothing for the limit, or at 10 times the limit at the latest. It is first
 * looked at after an interval: a look reads dozens of files, and nearly everything is answered before.
 * @param limit milliseconds
 * @param cpuNs of the process; see `cpuOfTree`
 * @param signal ends the waiting; the promise then never resolves
 */
export async function idleFor(limit: number, cpuNs: CpuTime, signal: AbortSignal): Promise<void> {
  const interval = Math.max(LEAST_INTERVAL, limit / LOOKS);
  const begin = performance.now();
  // The looks themselves are the sign that whoever waits was running: each counts.
  const look = () => ({ now: performance.now(), progress: cpuNs(), cpuNs: performance.now() });
  let clock: StallClock | null = null;
  while (performance.now() - begin < limit * MOST) {
    try {
      await sleep(Math.min(interval, limit), undefined, { signal });
    } catch {
      await new Promise(() => undefined);
    }
    const seen = look();
    if (clock?.stalled(seen)) return;
    clock ??= new StallClock(limit, interval, seen);
  }
}

/** CPU time of a process and what it started; a process that is gone does nothing. */
export function cpuOfTree(pid: number | undefined): CpuTime {
  return () => (pid === undefined ? 0 : treeCpuNs(pid));
}
