/** Who takes part in scenario `bars`, and who is the fastest of a kind. Pure. */
import { listed, ratioNumber } from '../../src/base/units/quantity.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import { median } from '../../src/base/statistics/interval.js';
import { mainMetric } from '../../src/experiment/workload/main-metric.js';
import { type BlockSample, pairedRatio } from '../../src/base/statistics/ratio.js';
import { samplesOf } from '../../src/experiment/verdict/summary.js';
import { IPERF3 } from './iperf3.js';
import type { Measurement, Missing } from './samples.js';

/** What copies among our own: either may meet the bar. */
export const COPYING = ['copy', 'copy-adaptive'];
/** Programs that splice. */
export const SPLICING_PROXIES = ['haproxy-splice', 'go-splice'];
/** Neither a program that forwards nor any of the above. */
const BESIDE = ['direct', 'splice', 'uring-copy', IPERF3.label];

/** The fastest of several forwarders, by its median goodput. */
export interface Fastest {
  /** null = none of them gave a figure. */
  label: string | null;
  others: string[];
}

/**
 * Every program that took part, or should have, and copies: all that is not listed above, so that one
 * more in the scenario is one more rival. A program stands there once for each buffer size tried.
 */
export function copyingProxies(
  trials: readonly TrialRecord[],
  measurements: readonly Measurement[],
): string[] {
  const known = new Set([...COPYING, ...SPLICING_PROXIES, ...BESIDE]);
  const present = trials.map(({ forwarder }) => forwarder);
  const absent = missing(measurements).map(({ label }) => label);
  return [...new Set([...present, ...absent])].filter((label) => !known.has(label));
}

/** @param trials of one scenario and condition */
export function fastest(trials: readonly TrialRecord[], labels: readonly string[]): Fastest {
  const [first, ...others] = labels
    .flatMap((label) => {
      const speed = median(goodput(trials, label).map(({ value }) => value));
      return speed === null ? [] : [{ label, speed }];
    })
    .sort((a, b) => b.speed - a.speed)
    .map(({ label }) => label);
  return { label: first ?? null, others };
}

/** How one stands against those that are not the fastest, and who could not take part; null = neither. */
export function beside(
  trials: readonly TrialRecord[],
  label: string,
  rivals: Fastest,
  absent: readonly Missing[],
): string | null {
  const own = goodput(trials, label);
  const told = rivals.others.map(
    (other) => `${ratioNumber(pairedRatio(own, goodput(trials, other)).median)} over ${other}`,
  );
  const notes = [
    ...(told.length === 0 ? [] : [`Also ${listed(told)}.`]),
    ...(absent.length === 0
      ? []
      : [`Without ${listed(absent.map((each) => `${each.label}: ${each.reason}`))}.`]),
  ];
  return notes.join(' ') || null;
}

/** Every program that a bar names and that could not take part. */
export function missing(measurements: readonly Measurement[]): Missing[] {
  return measurements.filter((each) => each.kind === 'missing');
}

function goodput(trials: readonly TrialRecord[], label: string): BlockSample[] {
  return samplesOf(trials, label, mainMetric('stream'));
}
