/** A bar, and how an estimate meets or misses it. */
import type { MedianEstimate } from '../../src/base/statistics/interval.js';

export type BarVerdict = 'met' | 'missed' | 'unavailable';

export interface Bar {
  /** Stable, for scripts. */
  id: string;
  /** What is compared, in words. */
  bar: string;
  /** e.g. ">= 1.2" */
  required: string;
  /** The figure with its interval, or why there is none. */
  measured: string;
  value: number | null;
  ci_low: number | null;
  ci_high: number | null;
  /** Pairs, rounds or connections that it rests on. */
  n: number;
  verdict: BarVerdict;
  /** False when the interval holds the limit, so that another run might say the opposite. */
  certain: boolean | null;
  /** What else must be known, a sentence; null when nothing. */
  note: string | null;
}

/** Of a bar that is no estimate. */
export const NO_INTERVAL = {
  value: null,
  ci_low: null,
  ci_high: null,
  n: 0,
  certain: null,
  note: null,
};

/** A bar without a figure is neither met nor missed. */
export function unavailable(reason: string): { measured: string; verdict: BarVerdict } {
  return { measured: `unavailable: ${reason}`, verdict: 'unavailable' };
}

export interface Judging {
  id: string;
  bar: string;
  required: string;
  limit: number;
  lessIsBetter: boolean;
  show: (value: number) => string;
  /** Why nothing could be measured; null = see the estimate. */
  reason: string | null;
  note: string | null;
}

/** The median decides; the interval says how surely. */
export function judged(estimate: MedianEstimate, judging: Judging): Bar {
  const { id, bar, required, limit, lessIsBetter, show, note } = judging;
  const { median: value, interval, n } = estimate;
  if (judging.reason !== null || value === null) {
    const why = unavailable(judging.reason ?? 'no pair of trials gave a figure');
    return { id, bar, required, ...NO_INTERVAL, ...why };
  }
  const holds = (each: number) => (lessIsBetter ? each <= limit : each >= limit);
  const range =
    interval === null
      ? `, no interval from ${n}`
      : ` [${show(interval.low)}, ${show(interval.high)}]`;
  return {
    id,
    bar,
    required,
    measured: show(value) + range,
    value,
    ci_low: interval?.low ?? null,
    ci_high: interval?.high ?? null,
    n,
    verdict: holds(value) ? 'met' : 'missed',
    certain: interval === null ? null : holds(interval.low) === holds(interval.high),
    note,
  };
}
