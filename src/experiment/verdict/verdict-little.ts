/**
 * Whether rates and latencies of a closed loop fit together. Little's law (J. D. C. Little, "A proof for the queuing
 * formula L = λW", Operations Research 9, 1961): connections that always have one request under way are
 * connections = rate × mean latency. Where that does not hold, one of the two is measured wrongly.
 */
import { count, percent, plural } from '../../base/units/quantity.js';
import type { TrialRecord } from '../../data/record/record.js';

/** How far the two may lie apart: requests that begin before the window or end behind it count in one of them only. */
const MOST = 0.05;

/**
 * By how much the latency that follows from the rate differs from the mean that was measured, as a fraction of it;
 * null where the law says nothing: open loops, other workloads, no figures.
 */
export function littleGap(trial: TrialRecord): number | null {
  const { workload, connections, intended_rate: intended, requests_per_second: rate } = trial;
  const { latency_mean_us: mean } = trial;
  if (workload !== 'exchange' && workload !== 'http') return null;
  if (intended != null || rate == null || rate <= 0 || mean === undefined || mean <= 0) return null;
  return ((connections / rate) * 1e6) / mean - 1;
}

/** "splice, in 3 trials of latency: …", per forwarder and cell. */
export function littleNotes(trials: readonly TrialRecord[]): string[] {
  const notes = new Map<string, { trial: TrialRecord; gap: number; times: number }>();
  for (const trial of trials) {
    const gap = littleGap(trial);
    if (gap === null || Math.abs(gap) <= MOST) continue;
    const key = JSON.stringify([trial.cell, trial.forwarder]);
    const known = notes.get(key);
    const worst =
      known === undefined || Math.abs(gap) > Math.abs(known.gap) ? { trial, gap } : known;
    notes.set(key, { ...worst, times: (known?.times ?? 0) + 1 });
  }
  return [...notes.values()].map(({ trial, gap, times }) => {
    const { forwarder, cell, connections, requests_per_second: rate } = trial;
    const apart = `${percent(Math.abs(gap))} ${gap > 0 ? 'more' : 'less'}`;
    return (
      `${forwarder}, in ${plural(times, 'trial')} of ${cell}: rate and latency do not fit together. ` +
      `${count(connections)} connections at ${count(rate)} requests per second make a mean latency ${apart} ` +
      `than the one measured (Little's law): do not trust either.`
    );
  });
}
