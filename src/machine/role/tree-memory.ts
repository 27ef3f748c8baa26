/** What a program and everything below it hold in memory, from /proc. */
import { readFileSync } from 'node:fs';

const KIB = 1024;

/**
 * Bytes of memory that processes hold together: the sum of their proportional shares (Pss), so that a
 * page which a program and its forks share counts once, and where the kernel does not give that, of
 * their resident pages (VmRSS), which count it in each. null when none of them could be read.
 * @param proc where /proc is
 */
export function memoryOf(pids: readonly number[], proc = '/proc'): number | null {
  const known = pids.flatMap((pid) => {
    const own =
      amount(`${proc}/${pid}/smaps_rollup`, 'Pss') ?? amount(`${proc}/${pid}/status`, 'VmRSS');
    return own ?? [];
  });
  return known.length === 0 ? null : known.reduce((sum, bytes) => sum + bytes, 0);
}

/** A process may end at any moment: then there is nothing to read. */
function amount(path: string, name: string): number | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return null;
  }
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
  return found === undefined ? null : Number(found) * KIB;
}
