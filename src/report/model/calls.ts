import type { CallCount, TrialRecord } from '../../data/record/record.js';

/** One system call of a forwarder, summed over trials. */
export interface Call extends CallCount {
  name: string;
}

/** Sums the call counts of some trials by name, the busiest call first. */
export function callsOf(trials: readonly TrialRecord[]): Call[] {
  const sums = new Map<string, Call>();
  for (const trial of trials) {
    for (const [name, one] of Object.entries(trial.calls ?? {})) {
      const sum = sums.get(name) ?? { name, calls: 0, eagain: 0, bytes: 0, histogram: [] };
      sum.calls += one.calls;
      sum.eagain += one.eagain;
      sum.bytes += one.bytes;
      one.histogram.forEach((moved, k) => {
        sum.histogram[k] = (sum.histogram[k] ?? 0) + moved;
      });
      sums.set(name, sum);
    }
  }
  return [...sums.values()].sort((a, b) => b.calls - a.calls || a.name.localeCompare(b.name, 'en'));
}

/** The size class of a histogram's index: "32 KiB" for calls that moved 16 KiB < bytes <= 32 KiB. */
export function sizeClass(k: number): string {
  const size = 2 ** k;
  if (size >= 1024 ** 3) return `${size / 1024 ** 3} GiB`;
  if (size >= 1024 ** 2) return `${size / 1024 ** 2} MiB`;
  return size >= 1024 ? `${size / 1024} KiB` : `${size} B`;
}

/** Histograms of all calls that moved bytes, added up: index k as in CallCount. */
export function movedHistogram(calls: readonly Call[]): number[] {
  const sum: number[] = [];
  for (const call of calls) {
    call.histogram.forEach((moved, k) => {
      sum[k] = (sum[k] ?? 0) + moved;
    });
  }
  return Array.from(sum, (moved) => moved);
}
