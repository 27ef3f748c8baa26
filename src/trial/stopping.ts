/**
 * When a cell has been measured well enough. Looking after every block and stopping at the first
 * interval that is narrow enough favours intervals that are narrow by luck; with the intervals of
 * interval.ts that costs little: at the stop they cover the truth in 93 to 97 % of simulated runs
 * (test/unit/statistics-interval.test.ts).
 */
import type { TrialRecord } from '../results/record.js';
import type { Blocks } from '../scenario/expand.js';
import { duration } from '../report/quantity.js';
import { formatShare } from '../scenario/sizes.js';
import { mainMetric } from '../statistics/metrics.js';
import { pairedRatio, relativeWidth } from '../statistics/ratio.js';
import { samplesOf } from '../statistics/summary.js';

/** How well the ratio of one forwarder to the baseline is known. */
export interface RatioWidth {
  forwarder: string;
  /** Relative width of the 95 % interval as a fraction; null when there is none yet. */
  width: number | null;
  /** False when no trial of it gave a figure, so that waiting for an interval is pointless. */
  measurable: boolean;
}

export interface StoppingState {
  /** Blocks finished. */
  blocks: number;
  /** null while the cell goes on. */
  reason: string | null;
}

/**
 * The width of every paired ratio of a cell, of what its workload is for: goodput, latency or rate.
 * @param trials of this cell
 * @param forwarders labels, the baseline among them
 */
export function ratioWidths(
  trials: readonly TrialRecord[],
  forwarders: readonly string[],
  baseline: string,
): RatioWidth[] {
  const metric = mainMetric(trials[0]?.workload);
  const reference = samplesOf(trials, baseline, metric);
  return forwarders
    .filter((forwarder) => forwarder !== baseline)
    .map((forwarder) => {
      const samples = samplesOf(trials, forwarder, metric);
      const ratio = pairedRatio(samples, reference);
      return { forwarder, width: relativeWidth(ratio), measurable: ratio.n > 0 };
    });
}

/**
 * Decides after a block whether a cell goes on: it runs the least number of blocks, then until the
 * 95 % interval of every paired ratio is narrower than the target, or the most blocks have run.
 * @param done blocks finished, from 1
 * @returns why it stops, in words, or null when it goes on
 */
export function stopReason(
  done: number,
  blocks: Blocks,
  widths: readonly RatioWidth[],
  baseline: string,
): string | null {
  const count = counted(done);
  const target = formatShare(blocks.target);
  const measured = widths.filter(({ measurable }) => measurable);
  const met =
    blocks.until === undefined &&
    blocks.soak !== true &&
    measured.length > 0 &&
    measured.every(({ width }) => width !== null && width < blocks.target);
  if (done >= blocks.min && met) {
    const without = widths.filter(({ measurable }) => !measurable);
    const rest =
      without.length === 0
        ? ''
        : `; without ${without.map(({ forwarder }) => forwarder).join(', ')}, which gave no figure`;
    return `target met after ${count}: every ratio to ${baseline} is known within ${target}${rest}`;
  }
  if (done < blocks.max) return null;
  if (blocks.until !== undefined || blocks.soak) {
    return `maximum of ${count} reached${missed(blocks)}`;
  }
  return blocks.min === blocks.max
    ? `${count}, as planned${knowledge(widths, blocks)}`
    : `maximum of ${count} reached${knowledge(widths, blocks)}`;
}

/** Why a cell stops whose time is up. */
export function budgetReason(done: number, blocks: Blocks, widths: readonly RatioWidth[]): string {
  return `time budget of ${blocks.budget ?? 0} s used after ${counted(done)}${knowledge(widths, blocks)}`;
}

/** Why a cell stops whose soak is over. */
export function soakReason(done: number, blocks: Blocks): string {
  return `soak of ${duration(blocks.budget)} over after ${counted(done)}${missed(blocks)}`;
}

/** The bounds that a run ends without. */
function missed({ until }: Blocks): string {
  const asked = until?.map(({ text }) => `'${text}'`).join(', ');
  return asked === undefined ? '' : `; ${asked} was not reached`;
}

/** Why a cell stops when the run is interrupted. */
export function interruptedReason(done: number): string {
  return `interrupted after ${counted(done)}`;
}

/** What is known about the ratios of a cell that stops without having met its target. */
function knowledge(widths: readonly RatioWidth[], blocks: Blocks): string {
  const known = widths.flatMap(({ forwarder, width }) =>
    width === null ? [] : [{ forwarder, width }],
  );
  const widest = known.sort((a, b) => b.width - a.width)[0];
  if (widest === undefined) return widths.length === 0 ? '' : '; no ratio has a 95 % interval';
  const unknown = widths.length - known.length;
  return (
    `; the widest interval is ${percent(widest.width)} (${widest.forwarder}, ` +
    `target ${formatShare(blocks.target)})` +
    (unknown > 0 ? `, ${unknown} of ${widths.length} ratios have none` : '')
  );
}

function percent(fraction: number): string {
  return `${Number((fraction * 100).toPrecision(2))}%`;
}

function counted(blocks: number): string {
  return blocks === 1 ? '1 block' : `${blocks} blocks`;
}
