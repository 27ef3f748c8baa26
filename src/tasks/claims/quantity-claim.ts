/** Claims about a quantity: a forwarder's median, or its ratio to another's. */
import { figure, ratio, ratioNumber } from '../../base/units/quantity.js';
import type { Bottleneck } from '../../data/record/words.js';
import { endsShareHost } from '../../data/record/shared-host.js';
import type { TrialRecord } from '../../data/record/record.js';
import { estimateMedian, type MedianEstimate } from '../../base/statistics/interval.js';
import { METRICS } from '../../data/record/metrics.js';
import { pairedRatio } from '../../base/statistics/ratio.js';
import { limitOfForwarder, OTHERS, samplesOf } from '../../experiment/verdict/summary.js';
import type { Range, Test } from './claim.js';
import type { ClaimFinding } from './finding.js';

/** What holds goodput below what a forwarder could do: the parts around it, or a rate that was set. */
const LIMITS: readonly Bottleneck[] = [...OTHERS, 'pacing'];

/** Who was held back by what, and so on which side of the figure the forwarder's own may lie. */
interface Bound {
  /** The figure may be higher (`lower` bound), or lower (`upper` bound), without the limit. */
  kind: 'lower' | 'upper';
  forwarder: string;
  limit: Bottleneck;
  /** Source or sink on the forwarder's own host, which decides what they pay. */
  shared: boolean;
}

/** Judges a level. */
export function level(
  test: Extract<Test, { kind: 'level' }>,
  trials: readonly TrialRecord[],
): ClaimFinding {
  const metric = metricNamed(test.metric);
  const values = samplesOf(trials, test.of, metric).map(({ value }) => value);
  return within(estimateMedian(values), test.claimed, {
    name: `${test.of}, ${test.metric}`,
    written: (value) => `${figure(value)} ${metric.unit}`,
    bounds: boundsOf(test.metric, trials, [['lower', test.of]]),
  });
}

/** Judges a ratio. */
export function ratioOf(
  test: Extract<Test, { kind: 'ratio' }>,
  trials: readonly TrialRecord[],
): ClaimFinding {
  const metric = metricNamed(test.metric);
  const found = pairedRatio(
    samplesOf(trials, test.of, metric),
    samplesOf(trials, test.over, metric),
  );
  return within(found, test.claimed, {
    name: `${test.of} over ${test.over}, ${test.metric}`,
    written: (value) => ratio(value),
    bounds: boundsOf(test.metric, trials, [
      ['lower', test.of],
      ['upper', test.over],
    ]),
  });
}

function metricNamed(wanted: string) {
  const metric = METRICS.find(({ name }) => name === wanted);
  if (metric === undefined) throw new RangeError(`no metric ${wanted}`);
  return metric;
}

/** Only a speed is bounded by who was in the way; a cost or a share is what it is. */
function boundsOf(
  metric: string,
  trials: readonly TrialRecord[],
  sides: readonly [Bound['kind'], string][],
): Bound[] {
  if (metric !== 'goodput') return [];
  return sides.flatMap(([kind, forwarder]) => {
    const limit = limitOfForwarder(trials, forwarder, LIMITS);
    if (limit === null) return [];
    const isEnd = limit === 'source' || limit === 'sink';
    return [{ kind, forwarder, limit, shared: isEnd && trials.some(endsShareHost) }];
  });
}

/**
 * The interval decides; where it reaches over an end of the claimed range, nothing is shown. Of a bound
 * it is open on the side where the forwarder's own figure may lie.
 */
function within(
  { median, interval }: MedianEstimate,
  { from = -Infinity, to = Infinity }: Range,
  text: { name: string; written: (value: number) => string; bounds: readonly Bound[] },
): ClaimFinding {
  const { name, written, bounds } = text;
  if (median === null) {
    return { verdict: 'not reproduced', measured: null, detail: `${name}: no trial gave a figure` };
  }
  const limited = bounds.map(
    ({ kind, forwarder, limit, shared }) =>
      `; ${forwarder} is ${shared ? 'co-' : ''}limited by ${LIMIT_NAMES[limit]}` +
      (shared ? ' on its own host' : `: ${BOUND_NAMES[kind]}`),
  );
  if (interval === null) {
    const measured = { value: median, low: null, high: null };
    const detail = `${name}: ${written(median)}, too few blocks for an interval${limited.join('')}`;
    return { verdict: 'not reproduced', measured, detail };
  }
  const { low, high } = interval;
  const least = bounds.some(({ kind }) => kind === 'upper') ? -Infinity : low;
  const most = bounds.some(({ kind }) => kind === 'lower') ? Infinity : high;
  const verdict =
    least >= from && most <= to
      ? 'supported'
      : most < from || least > to
        ? 'refuted'
        : 'not reproduced';
  const ends = `${ratioNumber(low)} to ${ratioNumber(high)}`;
  const found = `${name}: ${written(median)} (95 %: ${ends}), claimed ${rangeText({ from, to })}`;
  return {
    verdict,
    measured: { value: median, low, high },
    detail: `${found}${limited.join('')}`,
  };
}

const LIMIT_NAMES: Readonly<Record<Bottleneck, string>> = {
  forwarder: 'itself',
  source: 'the source',
  sink: 'the sink',
  link: 'the link',
  pacing: 'pacing',
  unknown: 'something unknown',
};
const BOUND_NAMES = { lower: 'a lower bound', upper: 'an upper bound' } as const;

/** "3.33 or more", "at most 1.05", "2.5 to 3.5". */
export function rangeText({ from = -Infinity, to = Infinity }: Range): string {
  if (from > -Infinity && to < Infinity) return `${ratioNumber(from)} to ${ratioNumber(to)}`;
  return from > -Infinity ? `${ratioNumber(from)} or more` : `at most ${ratioNumber(to)}`;
}
