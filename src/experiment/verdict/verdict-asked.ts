/** What was asked of programs and did not happen, as notes of the verdict. */
import { plural } from '../../base/units/quantity.js';
import type { TrialRecord } from '../../data/record/record.js';

/** "haproxy, in 6 trials: splice asked for, and none of … ." per forwarder and kind of finding. */
export function askedNotes(trials: readonly TrialRecord[]): string[] {
  const found = new Map<string, { forwarder: string; first: string; times: number }>();
  for (const { forwarder, asked_in_vain: all = [] } of trials) {
    for (const one of all) {
      // Amounts differ from trial to trial.
      const key = JSON.stringify([forwarder, one.replaceAll(/\d+/g, '')]);
      const known = found.get(key);
      found.set(key, { forwarder, first: known?.first ?? one, times: (known?.times ?? 0) + 1 });
    }
  }
  return [...found.values()].map(
    ({ forwarder, first, times }) =>
      `${forwarder}, in ${plural(times, 'trial')}: ${first}${times > 1 ? ' (the first of them)' : ''}.`,
  );
}
