/** What the pages were that sources gave by reference. Pure. */
import type { StreamEnd } from '../../data/integrity/outcome.js';
import type { PreparedPages } from '../../data/record/record.js';

/** Of each source that sent prepared pages. */
export function preparedPagesOf(streams: readonly StreamEnd[]): PreparedPages[] {
  return streams.flatMap(({ sender: { pages } }) => {
    if (pages === undefined) return [];
    const { hugeBytes, ...others } = pages;
    return [{ ...others, huge_bytes: hugeBytes }];
  });
}
