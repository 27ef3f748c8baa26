/**
 * When a cell has been measured well enough. It is looked at after planned numbers of blocks only, and the
 * intervals there are such that all of them together hold the truth with 95 %: so whatever they are asked, and
 * when a run stops at what they say, does not spoil the answer (base/statistics/looks.ts).
 */
import type { TrialRecord } from '../../data/record/record.js';
import type { Blocks } from '../scenario/expand.js';
import { duration, percent, plural } from '../../base/units/quantity.js';
import { mainMetric } from '../workload/main-metric.js';
import { confidenceAfter, plannedLooks } from '../../base/statistics/looks.js';
import { type BlockSample, pairedRatio, relativeWidth } from '../../base/statistics/ratio.js';
import type { Answer } from '../../data/record/words.js';
import { intervalAnswer, judgingOf } from '../verdict/answer.js';
import { samplesOf } from '../verdict/summary.js';

/** How well the ratio of one forwarder to the baseline is known. */
export interface RatioWidth {
  forwarder: string;
  /** Relative width of its interval as a fraction; null when there is none yet. */
  width: number | null;
  answer: Answer;
  /** False when no trial of it gave a figure, so that waiting for an interval is pointless. */
  measurable: boolean;
}

/**
 * What is known of every paired ratio of a cell, of what its workload is for: goodput, latency or rate.
 * @param trials of this cell; later blocks than `done` are left out, as those of a run that is resumed
 * @param forwarders labels, the baseline among them
 * @param done blocks finished
 */
export function ratioWidths(
  trials: readonly TrialRecord[],
  forwarders: readonly string[],
  baseline: string,
  { done, blocks }: { done: number; blocks: Blocks },
): RatioWidth[] {
  const metric = mainMetric(trials[0]?.workload);
  const own = trials.filter(({ block }) => block <= done);
  const reference = samplesOf(own, baseline, metric);
  return forwarders
    .filter((forwarder) => forwarder !== baseline)
    .map((forwarder) => ({
      forwarder,
      ...ratioWidth(samplesOf(own, forwarder, metric), reference, { done, blocks }),
    }));
}

/** The same of one ratio. */
export function ratioWidth(
  samples: readonly BlockSample[],
  reference: readonly BlockSample[],
  { done, blocks }: { done: number; blocks: Blocks },
): Omit<RatioWidth, 'forwarder'> {
  const { range, margin } = judgingOf(blocks);
  const ratio = pairedRatio(samples, reference, confidenceAfter(done, range));
  return {
    width: relativeWidth(ratio),
    answer: intervalAnswer(ratio.interval, margin),
    measurable: ratio.n > 0,
  };
}

/**
 * Decides after a block whether a cell goes on: until, at one of the planned looks, every ratio is decided
 * (faster, slower or equivalent) and its interval is narrower than the target, or the most blocks have run.
 * @param done blocks finished, from 1
 * @returns why it stops, in words, or null when it goes on
 */
export function stopReason(
  done: number,
  blocks: Blocks,
  widths: readonly RatioWidth[],
  baseline: string,
): string | null {
  const target = percent(blocks.target);
  const measured = widths.filter(({ measurable }) => measurable);
  const goal = blocks.until !== undefined || blocks.soak === true;
  const met =
    !goal &&
    plannedLooks(blocks).includes(done) &&
    measured.length > 0 &&
    measured.every(
      ({ width, answer }) => width !== null && width < blocks.target && answer !== 'undecided',
    );
  const count = plural(done, 'block');
  if (met) {
    const without = widths.filter(({ measurable }) => !measurable);
    const rest =
      without.length === 0
        ? ''
        : `; without ${without.map(({ forwarder }) => forwarder).join(', ')}, which gave no figure`;
    return `target met after ${count}: every ratio to ${baseline} is decided and known within ${target}${rest}`;
  }
  if (done < blocks.max) return null;
  if (goal) return `maximum of ${count} reached${missed(blocks)}`;
  return blocks.min === blocks.max
    ? `${count}, as planned${knowledge(widths, blocks)}`
    : `maximum of ${count} reached${knowledge(widths, blocks)}`;
}

/** Why a cell stops whose time is up. */
export function budgetReason(done: number, blocks: Blocks, widths: readonly RatioWidth[]): string {
  return `time budget of ${blocks.budget ?? 0} s used after ${plural(done, 'block')}${knowledge(widths, blocks)}`;
}

/** Why a cell stops whose soak is over. */
export function soakReason(done: number, blocks: Blocks): string {
  return `soak of ${duration(blocks.budget)} over after ${plural(done, 'block')}${missed(blocks)}`;
}

/** The bounds that a run ends without. */
function missed({ until }: Blocks): string {
  const asked = until?.map(({ text }) => `'${text}'`).join(', ');
  return asked === undefined ? '' : `; ${asked} was not reached`;
}

/** Why a cell stops when the run is interrupted. */
export function interruptedReason(done: number): string {
  return `interrupted after ${plural(done, 'block')}`;
}

/** What is known about the ratios of a cell that stops without having met its target. */
function knowledge(widths: readonly RatioWidth[], blocks: Blocks): string {
  const known = widths.flatMap(({ forwarder, width, answer }) =>
    width === null ? [] : [{ forwarder, width, answer }],
  );
  const widest = known.sort((a, b) => b.width - a.width)[0];
  if (widest === undefined) return widths.length === 0 ? '' : '; no ratio has a 95 % interval';
  const unknown = widths.length - known.length;
  return (
    `; the widest interval is ${percent(widest.width)} (${widest.forwarder}, ` +
    `target ${percent(blocks.target)})` +
    (unknown > 0 ? `, ${unknown} of ${widths.length} ratios have none` : '') +
    undecidedText(known.filter(({ answer }) => answer === 'undecided'))
  );
}

function undecidedText(undecided: readonly { forwarder: string }[]): string {
  if (undecided.length === 0) return '';
  return `; undecided: ${undecided.map(({ forwarder }) => forwarder).join(', ')}`;
}
