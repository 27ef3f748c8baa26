/** Calls by name: what several forwarders called as if one had, and what was called between two readings. */
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

/**
 * What was called between two readings of the same counters; names of which nothing was called are left
 * out. Pure.
 */
export function callsBetween(
  from: Record<string, CallCount>,
  to: Record<string, CallCount>,
): Record<string, CallCount> {
  const calls: Record<string, CallCount> = {};
  for (const [name, after] of Object.entries(to)) {
    const before = from[name];
    const count = {
      calls: after.calls - (before?.calls ?? 0),
      eagain: after.eagain - (before?.eagain ?? 0),
      bytes: after.bytes - (before?.bytes ?? 0),
      histogram: after.histogram.map((n, k) => n - (before?.histogram[k] ?? 0)),
    };
    if (count.calls > 0) calls[name] = count;
  }
  return calls;
}
