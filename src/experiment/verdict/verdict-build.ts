/** Forwarders that were built to find faults, as notes of the verdict. */
import type { TrialRecord } from '../../data/record/record.js';

/** "nginx is a debug build (-O0): … ." per forwarder and kind of build. */
export function buildNotes(trials: readonly TrialRecord[]): string[] {
  const found = trials.flatMap(({ forwarder, forwarder_detail: { debug_build: build } }) =>
    typeof build === 'string'
      ? `${forwarder} is a debug build (${build}): one without it may be faster, so that its speed here is no verdict on the program.`
      : [],
  );
  return [...new Set(found)];
}
