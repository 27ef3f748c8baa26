/**
 * What the kernel held of a forwarder's streams, and what became of it: told of every trial, since those
 * in which it went wrong give no other figure.
 */
import { backlogOf } from '../../data/record/backlog.js';
import type { TrialRecord } from '../../data/record/record.js';
import { countOutcomes, isUsable } from '../../experiment/verdict/summary.js';
import { bytes, listed, plural } from '../../base/units/quantity.js';

/** Of all trials of one forwarder in one cell, whatever their end. Bytes. */
export interface HeldInKernel {
  /** "2 of 2 trials truncated": those that give no speed; empty when all do. */
  ends: string[];
  /** The most that was held at a time. */
  peak: number;
  /** The least and the most that one trial lost. */
  lost: { least: number; most: number };
  /** The most that TCP's own account of its memory rose; null = not measured. */
  accounted: number | null;
}

/** null where the forwarder has no backlog that it knows of. */
export function heldInKernel(trials: readonly TrialRecord[]): HeldInKernel | null {
  const backlogs = trials.map(({ forwarder_detail }) => backlogOf(forwarder_detail));
  const peaks = backlogs.flatMap(({ peak }) => peak ?? []);
  if (peaks.length === 0) return null;
  const losses = backlogs.flatMap(({ lost }) => lost ?? []);
  const accounted = trials.flatMap(
    ({ kernel_memory_peak_bytes }) => kernel_memory_peak_bytes ?? [],
  );
  const without = countOutcomes(trials.filter((trial) => !isUsable(trial)));
  return {
    ends: Object.entries(without).map(
      ([outcome, times]) => `${times} of ${plural(trials.length, 'trial')} ${outcome}`,
    ),
    peak: Math.max(...peaks),
    lost: { least: losses.length === 0 ? 0 : Math.min(...losses), most: Math.max(0, ...losses) },
    accounted: accounted.length === 0 ? null : Math.max(...accounted),
  };
}

/** One sentence, without its full stop. */
export function heldText(forwarder: string, held: HeldInKernel): string {
  const { least, most } = held.lost;
  const range = least === most ? bytes(most) : `${bytes(least)} to ${bytes(most)}`;
  const lost = most === 0 ? 'lost none of it' : `lost ${range} per trial at the end of the stream`;
  const accounted =
    held.accounted === null ? '' : ` (kernel memory of TCP: up to ${bytes(held.accounted)} more)`;
  const ends = held.ends.length === 0 ? '' : `${listed(held.ends)}; `;
  return (
    `${forwarder}: ${ends}the kernel held up to ${bytes(held.peak)} that no socket accounts ` +
    `for${accounted}, and ${lost}`
  );
}
