/**
 * Tasks of a machine that waited for a CPU, for memory or for a disk (PSI) more than they otherwise do. The traffic
 * makes some of that itself, so that only what goes beyond the usual tells of others. Pure.
 */
import { median } from '../../base/statistics/interval.js';

/** Share of the time beyond what is usual. Fixed beforehand, and the same for slices of an arm and sets of a cell. */
const BEYOND = 0.25;

/**
 * @param shares of the time in which tasks waited, each of a slice or a set; null = not known
 * @returns indices of those by a quarter of the time or more above the median of all
 */
export function unusualWaits(shares: readonly (number | null)[]): number[] {
  const usual = median(shares.flatMap((share) => share ?? [])) ?? 0;
  return shares.flatMap((share, index) =>
    share !== null && share - usual >= BEYOND ? [index] : [],
  );
}
