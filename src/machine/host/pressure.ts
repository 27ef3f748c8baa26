/** Pressure stall information (PSI, Linux 4.20): how long some task of the machine waited for what it has too little of. */
import { readFileSync } from 'node:fs';

export const PRESSURE_KINDS = ['cpu', 'memory', 'io'] as const;

/** Since boot, seconds in which at least one task waited for a CPU, for memory, for a disk. */
export type Pressure = Readonly<Record<(typeof PRESSURE_KINDS)[number], number>>;

/**
 * Of the machine that this process runs on, to the microsecond: the kernel brings the sums up to date when they are read.
 * @param read the text of a file; throws where there is none
 * @returns null where the kernel has none (CONFIG_PSI, `psi=0`), or hides it
 */
export function readPressure(
  read: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): Pressure | null {
  try {
    const [cpu, memory, io] = PRESSURE_KINDS.map((kind) => totalIn(read(`/proc/pressure/${kind}`)));
    return cpu == null || memory == null || io == null ? null : { cpu, memory, io };
  } catch {
    return null;
  }
}

function totalIn(text: string): number | null {
  const total = /^some .*\btotal=(\d+)/m.exec(text)?.[1];
  return total === undefined ? null : Number(total) / 1e6;
}
