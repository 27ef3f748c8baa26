/** The bars: what is required, what was measured, and whether it is met. Pure. */
import type { TrialRecord } from '../../src/results/record.js';
import { bytes, count, figure, listed, plural, ratioNumber } from '../../src/report/quantity.js';
import { estimateMedian, median, type MedianEstimate } from '../../src/statistics/interval.js';
import { METRICS } from '../../src/statistics/metrics.js';
import { type BlockSample, pairedRatio } from '../../src/statistics/ratio.js';
import { isUsable, samplesOf } from '../../src/statistics/summary.js';
import { recorderCosts } from '../recorder/samples.js';
import { percent } from '../recorder/text.js';
import { IPERF3 } from './iperf3.js';
import type { IdleSample, Measurement } from './samples.js';

export type Verdict = 'met' | 'missed' | 'unavailable';

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
  verdict: Verdict;
  /** False when the interval holds the limit, so that another run might say the opposite. */
  certain: boolean | null;
  /** What else must be known, a sentence; null when nothing. */
  note: string | null;
}

/** Everything that the bars are a function of. */
export interface BarsInput {
  trials: readonly TrialRecord[];
  measurements: readonly Measurement[];
}

/** Names of the scenarios. */
export const SPEED = 'bars';
export const CHECKED = 'bars-checked';
export const ACTIVE = 'bars-active';

const REQUIRED_IDLE = 10_000;
const REQUIRED_ACTIVE = 1000;

const COPYING = ['haproxy-copy', 'nginx', 'socat'];

/** Every bar, in the order of the table. */
export function evaluateBars(input: BarsInput): Bar[] {
  const best = bestCopying(input.trials);
  return [
    ratioBar(input, {
      id: 'direct-iperf3',
      bar: `direct over \`${IPERF3.label}\`, goodput`,
      of: [SPEED, 'direct'],
      to: [SPEED, IPERF3.label],
      atLeast: 1.2,
    }),
    ratioBar(input, {
      id: 'splice-haproxy',
      bar: 'splice over HAProxy splicing, goodput',
      of: [SPEED, 'splice'],
      to: [SPEED, 'haproxy-splice'],
      atLeast: 1.1,
    }),
    ratioBar(input, {
      id: 'splice-haproxy-cpu',
      bar: 'splice over HAProxy splicing, forwarder CPU per GB',
      metric: 'forwarder_cpu_per_gb',
      of: [SPEED, 'splice'],
      to: [SPEED, 'haproxy-splice'],
      atMost: 0.95,
    }),
    ratioBar(input, {
      id: 'splice-direct',
      bar: 'splice over direct, goodput',
      of: [SPEED, 'splice'],
      to: [SPEED, 'direct'],
      atLeast: 0.9,
    }),
    ratioBar(input, {
      id: 'copy-best-proxy',
      bar: `copy over the best copying proxy (${best.label ?? 'none ran'}), goodput`,
      of: [SPEED, 'copy'],
      to: [SPEED, best.label ?? COPYING[0] ?? ''],
      atLeast: 1.2,
      note: best.note,
    }),
    ratioBar(input, {
      id: 'check-full',
      bar: 'copy with every byte checked over copy with none, goodput',
      of: [CHECKED, 'copy'],
      to: [SPEED, 'copy'],
      atLeast: 0.85,
    }),
    memoryBar(input),
    ...['splice', 'copy'].map((mechanism) => recorderBar(input, mechanism)),
    ...['splice', 'copy'].map((mechanism) => idleBar(input, mechanism)),
    activeBar(input),
  ];
}

interface RatioWish {
  id: string;
  bar: string;
  metric?: string;
  of: [scenario: string, label: string];
  to: [scenario: string, label: string];
  atLeast?: number;
  atMost?: number;
  note?: string | null;
}

/** Every program that is named in a bar and could not take part. */
function missingReason({ measurements }: BarsInput, label: string): string | null {
  const found = measurements.find((each) => each.kind === 'missing' && each.label === label);
  return found?.kind === 'missing' ? found.reason : null;
}

function ratioBar(input: BarsInput, wish: RatioWish): Bar {
  const absent = missingReason(input, wish.of[1]) ?? missingReason(input, wish.to[1]);
  const metric = METRICS.find(({ name }) => name === (wish.metric ?? 'goodput'));
  const samples = ([scenario, label]: [string, string]): BlockSample[] =>
    metric === undefined
      ? []
      : samplesOf(
          input.trials.filter((trial) => trial.scenario === scenario),
          label,
          metric,
        );
  const ratio = pairedRatio(samples(wish.of), samples(wish.to));
  const limit = wish.atLeast ?? wish.atMost ?? Number.NaN;
  const lessIsBetter = wish.atLeast === undefined;
  const notes = [wish.note ?? null, lessIsBetter ? null : boundNote(input.trials, wish)];
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

/** Where the endpoints were the limit, a ratio of speeds says less than it seems to. */
function boundNote(trials: readonly TrialRecord[], { of, to }: RatioWish): string | null {
  const limited = ([scenario, label]: [string, string]) => {
    const own = trials.filter(
      (trial) => trial.scenario === scenario && trial.forwarder === label && isUsable(trial),
    );
    const by = own.filter(({ bottleneck }) => bottleneck === 'source' || bottleneck === 'sink');
    return by.length * 2 > own.length;
  };
  // A trial without forwarder is always limited by its endpoints: that is what it measures.
  const forwarding = [of, to].filter(([, label]) => label !== 'direct' && label !== IPERF3.label);
  const named = [...new Set(forwarding.filter(limited).map(([, label]) => label))];
  return named.length === 0
    ? null
    : `The endpoints limited ${listed(named)}: ${named.includes(of[1]) ? 'a lower bound' : 'the other side may be faster than measured'}.`;
}

/** The copying proxy with the highest median goodput, and how copy stands against the others. */
function bestCopying(trials: readonly TrialRecord[]): {
  label: string | null;
  note: string | null;
} {
  const [goodput] = METRICS;
  if (goodput === undefined) return { label: null, note: null };
  const own = trials.filter(({ scenario }) => scenario === SPEED);
  const speeds = COPYING.flatMap((label) => {
    const speed = median(samplesOf(own, label, goodput).map(({ value }) => value));
    return speed === null ? [] : [{ label, speed }];
  }).sort((a, b) => b.speed - a.speed);
  const [first, ...others] = speeds;
  const copy = samplesOf(own, 'copy', goodput);
  const told = others.map(({ label }) => {
    const ratio = pairedRatio(copy, samplesOf(own, label, goodput)).median;
    return `${ratioNumber(ratio)} over ${label}`;
  });
  return {
    label: first?.label ?? null,
    note: told.length === 0 ? null : `Also ${listed(told)}.`,
  };
}

function memoryBar({ measurements }: BarsInput): Bar {
  const samples = measurements.filter((each) => each.kind === 'memory');
  // Rounds of a block are no independent samples of the machine: a block gives one ratio.
  const ratios = [...new Set(samples.map(({ block }) => block))].flatMap((block) => {
    const own = samples.filter((sample) => sample.block === block);
    return median(own.map(({ match, memcpy }) => match / memcpy)) ?? [];
  });
  const speed = (of: (sample: (typeof samples)[number]) => number) =>
    figure(median(samples.map(of)));
  const note =
    samples[0] === undefined
      ? null
      : `Engine ${samples[0].engine}, ${samples[0].bytes / 1024} KiB: match ${speed(({ match }) => match)}, ` +
        `memcpy ${speed(({ memcpy }) => memcpy)}, fill ${speed(({ fill }) => fill)} GB/s.`;
  return judged(estimateMedian(ratios), {
    id: 'match-memcpy',
    bar: 'comparing with the stamp over memcpy, GB/s in L2',
    required: '>= 0.5',
    limit: 0.5,
    lessIsBetter: false,
    show: ratioNumber,
    reason: null,
    note,
  });
}

function recorderBar({ measurements }: BarsInput, mechanism: string): Bar {
  const samples = measurements.filter(
    (each) => each.kind === 'recorder-pair' || each.kind === 'call-costs',
  );
  const cost = recorderCosts(samples).find((each) => each.mechanism === mechanism);
  const byCalls =
    cost?.byCalls == null
      ? null
      : `Counters and recorder together take ${percent(cost.byCalls)} of the forwarder's CPU by their cost per call.`;
  return judged(cost?.goodput ?? estimateMedian([]), {
    id: `recorder-${mechanism}`,
    bar: `flight recorder on against off, goodput lost by ${mechanism}`,
    required: '<= 1 %',
    limit: 0.01,
    lessIsBetter: true,
    show: percent,
    reason: null,
    note: byCalls,
  });
}

function idleBar({ measurements }: BarsInput, mechanism: string): Bar {
  const sample = measurements.find(
    (each): each is IdleSample => each.kind === 'idle' && each.mechanism === mechanism,
  );
  const bar = `idle connections held by ${mechanism}`;
  const required = `${count(REQUIRED_IDLE)}, none fails, no pipe each`;
  const blank = { id: `idle-${mechanism}`, bar, required, ...NO_INTERVAL };
  if (sample === undefined) return { ...blank, ...unavailable('it was not measured') };
  const { asked, held, failed, resident_bytes, slab_bytes, pipes, note } = sample;
  const each = (total: number) => bytes(Math.max(0, total) / Math.max(1, held));
  const good = held >= asked && failed === 0 && pipes < held / 10;
  const enough = asked >= REQUIRED_IDLE;
  const kernel =
    slab_bytes === null
      ? ''
      : `, ${each(slab_bytes)} of kernel slabs (all four sockets, the endpoints' two included)`;
  return {
    ...blank,
    measured:
      (good && !enough ? `unavailable: only ${count(asked)} were asked for: ` : '') +
      `${count(held)} held, ${count(failed)} failed, ${plural(pipes, 'pipe')}; per connection ` +
      `${each(resident_bytes)} resident${kernel}`,
    value: held,
    n: asked,
    verdict: !good ? 'missed' : enough ? 'met' : 'unavailable',
    note: note === null ? null : `${note}.`,
  };
}

function activeBar({ trials }: BarsInput): Bar {
  const own = trials.filter(({ scenario }) => scenario === ACTIVE);
  const blank = {
    id: 'active',
    bar: 'active connections at once, every byte checked',
    required: `${count(REQUIRED_ACTIVE)}, none fails`,
    ...NO_INTERVAL,
  };
  if (own.length === 0) return { ...blank, ...unavailable('it was not measured') };
  const intact = own.filter(({ outcome }) => outcome === 'intact').length;
  const connections = Math.min(...own.map((trial) => trial.connections));
  const first = own.find(({ outcome }) => outcome !== 'intact');
  const labels = [...new Set(own.map(({ forwarder }) => forwarder))];
  return {
    ...blank,
    measured:
      `${count(intact)} of ${plural(own.length, 'trial')} of ${count(connections)} connections ` +
      `intact (${listed(labels)})`,
    value: intact,
    n: own.length,
    verdict: intact === own.length && connections >= REQUIRED_ACTIVE ? 'met' : 'missed',
    note: first === undefined ? null : `First: ${first.outcome}, ${first.error ?? 'no reason'}.`,
  };
}

const NO_INTERVAL = { value: null, ci_low: null, ci_high: null, n: 0, certain: null, note: null };

function unavailable(reason: string): { measured: string; verdict: Verdict } {
  return { measured: `unavailable: ${reason}`, verdict: 'unavailable' };
}

interface Judging {
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
function judged(estimate: MedianEstimate, judging: Judging): Bar {
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
