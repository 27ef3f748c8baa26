/** Plain tables of the benchmarks. */
import { tableLines } from '../src/base/text/table.js';

/** A table without lines; columns from `numeric` on are flush right. */
export function table(head: string[], rows: string[][], numeric: number): string {
  const right = head.map((_, column) => column >= numeric);
  return tableLines({ head: [head], rows, right }).join('\n');
}
