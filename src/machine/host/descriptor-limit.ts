import { readFileSync } from 'node:fs';

/** The hard limit of open files of this process, which roles inherit; null = unknown or none. */
export function descriptorLimit(limits = readLimits()): number | null {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1];
  const limit = Number(hard);
  return Number.isSafeInteger(limit) ? limit : null;
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
