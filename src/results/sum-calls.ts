/** What several forwarders called, as if one had. */
import type { CallCount } from './record.js';

/** Calls by name, added up, histograms bin by bin. Pure. */
export function sumCalls(all: readonly Record<string, CallCount>[]): Record<string, CallCount> {
  const total: Record<string, CallCount> = {};
  for (const [name, count] of all.flatMap((calls) => Object.entries(calls))) {
    const before = total[name] ?? { calls: 0, eagain: 0, bytes: 0, histogram: [] };
    const longest = Math.max(before.histogram.length, count.histogram.length);
    total[name] = {
      calls: before.calls + count.calls,
      eagain: before.eagain + count.eagain,
      bytes: before.bytes + count.bytes,
      histogram: Array.from(
        { length: longest },
        (_, k) => (before.histogram[k] ?? 0) + (count.histogram[k] ?? 0),
      ),
    };
  }
  return total;
}
