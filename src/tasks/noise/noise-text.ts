/** What this host can tell apart, in words. */
import { type TextTable, tableLines } from '../../base/text/table.js';
import { percent, plural } from '../../base/units/quantity.js';
import { HORIZONS, type HostNoise, type MetricNoise } from '../../data/record/host-noise.js';
import type { Warning } from '../../machine/host/warnings.js';

const NAMES: Readonly<Record<string, string>> = {
  goodput: 'goodput',
  forwarder_cpu_per_gb: 'forwarder CPU per GB',
  system_cpu_per_gb: 'system CPU per GB',
};
/** Horizon that reports quote and the doctor judges, seconds. */
const QUOTED = 60;
/** As a fraction: the usual margin of equivalence, which such a host could hardly ever show. */
const BAD = 0.03;

/** The sentence of every report. */
export function noiseSentence(noise: HostNoise | undefined): string {
  if (noise === undefined) {
    return 'Noise of this host: unknown; splicebench noise measures the smallest difference that it can show.';
  }
  const figures = noise.metrics.map((one) => `${shownText(one, QUOTED)} in ${nameOf(one)}`);
  const day = noise.finished.slice(0, 10);
  return `Noise of this host ${day} (${noise.forwarder} against itself): ${QUOTED} s show a difference from ${figures.join(', ')} on, in four of five runs.`;
}

/** The whole result, a line each. */
export function noiseLines(noise: HostNoise): string[] {
  const table: TextTable = {
    head: [
      ['', ...HORIZONS.map(() => 'shown in'), 'itself,', 'differs', 'between', 'between'],
      ['', ...HORIZONS.map((one) => `${one} s`), '95 %', 'host', 'processes', 'slices'],
    ],
    right: [false, ...HORIZONS.map(() => true), true, true, true, true],
    rows: noise.metrics.map((one) => [
      nameOf(one),
      ...HORIZONS.map((seconds) => shownText(one, seconds)),
      one.low === null || one.high === null
        ? one.ratio.toFixed(3)
        : `${one.low.toFixed(3)} to ${one.high.toFixed(3)}`,
      percent(one.parts.host),
      percent(one.parts.process),
      one.parts.slice === null ? '' : percent(one.parts.slice),
    ]),
  };
  const { sets, rounds, seconds, cost, advice } = noise;
  return [
    `${noise.forwarder} against itself: ${plural(sets, 'set')} of ${plural(rounds, 'round')} in ${seconds.toFixed(0)} s`,
    `a set costs ${cost.set.toFixed(2)} s and ${cost.round.toFixed(3)} s per round`,
    '',
    ...tableLines(table),
    '',
    'shown: the smallest difference that four of five such runs show at 95 %, with the best numbers of sets and rounds',
    ...advice.map((one) => `to reduce it: ${one}`),
  ];
}

/** What the doctor says of it. */
export function noiseWarnings(noise: HostNoise | null): Warning[] {
  const bad = noise?.metrics.filter((one) => differenceIn(one, QUOTED) > BAD) ?? [];
  if (noise === null || bad.length === 0) return [];
  const figures = bad.map((one) => `${shownText(one, QUOTED)} in ${nameOf(one)}`);
  return [
    {
      id: 'noise',
      found: `in ${QUOTED} s nothing smaller than ${figures.join(', ')} can be shown (splicebench noise, ${noise.finished.slice(0, 10)})`,
      matters: 'comparisons take long, or end undecided',
      remedy: noise.advice.join('; '),
    },
  ];
}

function differenceIn({ shown }: MetricNoise, seconds: number): number {
  return shown.find((one) => one.seconds === seconds)?.difference ?? Infinity;
}

function shownText(metric: MetricNoise, seconds: number): string {
  const difference = differenceIn(metric, seconds);
  return Number.isFinite(difference) ? percent(difference) : 'none';
}

/** What a metric is called in sentences. */
export function nameOf({ metric }: { metric: string }): string {
  return NAMES[metric] ?? metric;
}
