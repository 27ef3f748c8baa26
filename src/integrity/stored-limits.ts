/**
 * How many incidents are stored. All are counted; the first ones are described, so that neither memory nor
 * the disk is at the mercy of what a forwarder does to its bytes. Every checker keeps at least one, which
 * is how connections that are corrupt are told from those that are not.
 */
import { count } from '../report/quantity.js';

/** Of a trial, all connections and directions together: about 6 MB of incidents.jsonl at most. */
export const STORED_PER_TRIAL = 1000;
/** Of a run. */
export const STORED_PER_RUN = 10_000;

/** How many each of so many checkers keeps. */
export function storedPerChecker(checkers: number): number {
  return Math.max(1, Math.floor(STORED_PER_TRIAL / checkers));
}

/** "1,000 stored of 1,048,575 counted; …", or "12 stored" when that is all. */
export function storedText(stored: number, counted: number): string {
  if (counted <= stored) return `${count(stored)} stored`;
  return (
    `${count(stored)} stored of ${count(counted)} counted; ` +
    `at most ${count(STORED_PER_TRIAL)} of a trial and ${count(STORED_PER_RUN)} of a run are stored`
  );
}
