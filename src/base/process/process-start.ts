import { readFileSync } from 'node:fs';

/**
 * When a living process started, clock ticks since boot: tells it from a later one of the same number.
 * null when there is none; a zombie has ended, though its entry stays.
 */
export function startOf(pid: number): string | null {
  try {
    // Fields 3 (state) and 22 (start), counted after the command's name, which may hold anything.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}
