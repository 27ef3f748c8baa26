/** Bars that hold one forwarder against another, paired by block. */
import { count, listed, ratioNumber } from '../../src/base/units/quantity.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import { METRICS } from '../../src/data/record/metrics.js';
import { type BlockSample, pairedRatio } from '../../src/base/statistics/ratio.js';
import { isUsable, samplesOf } from '../../src/experiment/verdict/summary.js';
import { IPERF3 } from './iperf3.js';
import { type Bar, judged } from './judged.js';
import { missing } from './rivals.js';
import type { Measurement } from './samples.js';

/** Everything that the bars are a function of. */
export interface BarsInput {
  trials: readonly TrialRecord[];
  measurements: readonly Measurement[];
}

/** One forwarder under one condition. */
export interface Side {
  scenario: string;
  label: string;
  /** Where the scenario varies them. */
  connections?: number;
}

export interface RatioWish {
  id: string;
  bar: string;
  metric?: string;
  of: Side;
  to: Side;
  atLeast?: number;
  atMost?: number;
  note?: string | null;
}

function ofSide({ scenario, connections }: Side): (trial: TrialRecord) => boolean {
  return (trial) =>
    trial.scenario === scenario && (connections ?? trial.connections) === trial.connections;
}

/** Why a program that is named in a bar could not take part. */
function missingReason({ measurements }: BarsInput, { label }: Side): string | null {
  return missing(measurements).find((each) => each.label === label)?.reason ?? null;
}

/** Unavailable where either side could not take part, or no block has both. */
export function ratioBar(input: BarsInput, wish: RatioWish): Bar {
  const absent = missingReason(input, wish.of) ?? missingReason(input, wish.to);
  const metric = METRICS.find(({ name }) => name === (wish.metric ?? 'goodput'));
  const samples = (side: Side): BlockSample[] =>
    metric === undefined ? [] : samplesOf(input.trials.filter(ofSide(side)), side.label, metric);
  const ratio = pairedRatio(samples(wish.of), samples(wish.to));
  const limit = wish.atLeast ?? wish.atMost ?? Number.NaN;
  const lessIsBetter = wish.atLeast === undefined;
  const notes = [
    wish.note ?? null,
    lessIsBetter ? null : boundNote(input.trials, wish),
    ratio.n === 0 || ratio.bySlices ? null : aloneNote(input.trials, wish),
  ];
  return judged(ratio, {
    id: wish.id,
    bar: wish.bar,
    required: `${lessIsBetter ? '<=' : '>='} ${limit}`,
    limit,
    lessIsBetter,
    show: ratioNumber,
    reason: absent,
    note: notes.filter((note) => note !== null).join(' ') || null,
  });
}

/** Why a ratio is one of whole trials, one after the other, and not of slices moments apart. */
function aloneNote(trials: readonly TrialRecord[], { of, to }: RatioWish): string {
  const reasons = [of, to].flatMap((side) =>
    trials
      .filter((trial) => ofSide(side)(trial) && trial.forwarder === side.label)
      .flatMap(({ ran_alone: reason }) => reason ?? []),
  );
  const why = reasons.length === 0 ? '' : ` (${listed([...new Set(reasons)])})`;
  return `The median of ratios of whole trials, which did not take turns${why}.`;
}

/** Where the endpoints were the limit, a ratio of speeds says less than it seems to. */
function boundNote(trials: readonly TrialRecord[], { of, to }: RatioWish): string | null {
  const limited = (side: Side) => {
    // A trial without forwarder is always limited by its endpoints: that is what it measures.
    if (side.label === 'direct' || side.label === IPERF3.label) return false;
    const own = trials.filter(
      (trial) => ofSide(side)(trial) && trial.forwarder === side.label && isUsable(trial),
    );
    const by = own.filter(({ bottleneck }) => bottleneck === 'source' || bottleneck === 'sink');
    return by.length * 2 > own.length;
  };
  const sides = [of, to].filter(limited);
  if (sides.length === 0) return null;
  const names = sides.map(({ label, connections }) =>
    connections === undefined ? label : `${label} at ${count(connections)} connections`,
  );
  const meaning =
    sides.length === 2
      ? 'either may be faster than measured'
      : sides[0] === of
        ? 'co-limited, so CPU per GB decides'
        : 'the other side may be faster than measured';
  return `The endpoints limited ${listed([...new Set(names)])}: ${meaning}.`;
}
