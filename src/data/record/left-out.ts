/** Who was left out of which cell. */
import type { Unavailable } from './record.js';

/** Who was left out of a cell, with the reason. */
export function leftOutOf(
  list: readonly Unavailable[],
  cell: { key: string; scenario: string },
): Unavailable[] {
  return list.filter(
    (one) => one.scenario === cell.scenario && (one.cell === null || one.cell === cell.key),
  );
}
