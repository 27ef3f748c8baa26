import type { Figure } from './report-types.js';

/**
 * What stands before a ratio: `~` where no difference was shown, `≥` where it is a lower bound, `†` where source
 * and sink limited it on the forwarder's own host; else nothing.
 */
export function ratioSign({ significant, lowerBound, coLimited }: Figure): '' | '~' | '≥' | '†' {
  if (significant === false) return '~';
  return lowerBound ? '≥' : coLimited ? '†' : '';
}
