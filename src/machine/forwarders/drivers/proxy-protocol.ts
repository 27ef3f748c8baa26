/** `proxy-protocol: VERSION` of drivers whose programs can send its header before each stream. Pure. */
import type { Prefix } from '../../../data/record/words.js';
import type { Workload } from '../../../data/record/plan.js';

/** What a workload says that each stream begins with; null = nothing, as kinds without prefixes do. */
export function prefixOf(workload: Workload): Prefix | null {
  return workload.kind === 'stream' || workload.kind === 'script' ? workload.prefix : null;
}

/**
 * Why an entry that was told to send a header cannot take part: the upstream end must know of it.
 * @param version that the program sends; undefined = whatever its configuration says
 */
export function refusesPrefix(workload: Workload, version: 'v1' | 'v2' | undefined): string | null {
  const declared = prefixOf(workload);
  if (version === undefined || declared === `proxy-${version}`) return null;
  const has = declared === null ? 'declares no prefix' : `declares ${declared}`;
  return `'proxy-protocol: ${version}' sends a header, and the workload ${has} (workload.prefix: proxy-${version})`;
}
