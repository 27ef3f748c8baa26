/**
 * How many incidents are stored. All are counted; the first ones are described, so that neither memory nor
 * the disk is at the mercy of what a forwarder does to its bytes. Every checker keeps at least one, which
 * is how connections that are corrupt are told from those that are not.
 */
import { count } from '../../base/units/quantity.js';

/** Of a trial, all connections and directions together: about 6 MB of incidents.jsonl at most. */
export const STORED_PER_TRIAL = 1000;
/** Of a run, after which a trial keeps only its first STORED_BEYOND: later forwarders have theirs told too. */
export const STORED_PER_RUN = 10_000;
export const STORED_BEYOND = 10;

/** How many incidents of the next trial are stored, when so many of its run are. */
export function storedOfNext(stored: number): number {
  return Math.max(STORED_BEYOND, STORED_PER_RUN - stored);
}

/** How many each of so many checkers keeps. */
export function storedPerChecker(checkers: number): number {
  return Math.max(1, Math.floor(STORED_PER_TRIAL / checkers));
}

/** "1,000 stored of 1,048,575 counted; …", or "12 stored" when that is all. */
export function storedText(stored: number, counted: number): string {
  if (counted <= stored) return `${count(stored)} stored`;
  return (
    `${count(stored)} stored of ${count(counted)} counted; ` +
    `at most ${count(STORED_PER_TRIAL)} of a trial are stored, and ${STORED_BEYOND} once its run has ${count(STORED_PER_RUN)}`
  );
}
