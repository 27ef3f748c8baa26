/** Plain tables of the benchmarks. */
import Table from 'cli-table3';

const NONE = '';

/** A table without lines; columns from `numeric` on are flush right. */
export function table(head: string[], rows: string[][], numeric: number): string {
  const lines = new Table({
    head,
    colAligns: head.map((_, column) => (column < numeric ? 'left' : 'right')),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: {
      top: NONE,
      'top-mid': NONE,
      'top-left': NONE,
      'top-right': NONE,
      bottom: NONE,
      'bottom-mid': NONE,
      'bottom-left': NONE,
      'bottom-right': NONE,
      left: NONE,
      'left-mid': NONE,
      mid: NONE,
      'mid-mid': NONE,
      right: NONE,
      'right-mid': NONE,
      middle: NONE,
    },
  });
  lines.push(...rows);
  return lines
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
