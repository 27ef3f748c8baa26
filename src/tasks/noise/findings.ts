/** What a run of a forwarder against itself says of the host. Pure. */
import {
  bestRepetition,
  componentsOf,
  type Components,
  type Costs,
  varianceOf,
} from '../../base/statistics/components.js';
import { percent } from '../../base/units/quantity.js';
import { median } from '../../base/statistics/interval.js';
import { pairedRatio } from '../../base/statistics/ratio.js';
import {
  HORIZONS,
  type HostNoise,
  type MetricNoise,
  type Shown,
} from '../../data/record/host-noise.js';
import { METRICS } from '../../data/record/metrics.js';
import type { TrialRecord } from '../../data/record/record.js';
import { pairedSets } from '../../experiment/verdict/set-samples.js';
import { samplesOf } from '../../experiment/verdict/summary.js';

/** The metrics that it is about. */
const ABOUT = ['goodput', 'forwarder_cpu_per_gb', 'system_cpu_per_gb'] as const;
/** Horizon by which what would reduce it is judged, seconds. */
const JUDGED_BY = 60;
const MUCH_DRIFT = 0.05;
const MUCH_STOLEN = 0.01;

export type NoiseFindings = Pick<
  HostNoise,
  'sets' | 'rounds' | 'cost' | 'stolen' | 'metrics' | 'advice'
>;

/**
 * @param trials of both arms, alike in all but their labels
 * @param setSeconds the wall time of each set, from before its processes were started
 * @param cpus over which stolen time is spread
 * @returns null where fewer than two sets came to figures
 */
export function noiseFindings(
  trials: readonly TrialRecord[],
  arms: readonly [string, string],
  setSeconds: readonly number[],
  cpus: number,
): NoiseFindings | null {
  const [a, b] = arms.map((label) => trials.filter(({ forwarder }) => forwarder === label));
  const rounds = median((a ?? []).flatMap(({ slices }) => slices?.round.length ?? []));
  const costs = costsOf(a ?? [], setSeconds);
  if (a === undefined || b === undefined || rounds === null || costs === null) return null;
  const metrics = ABOUT.flatMap((name) => metricNoise(name, trials, arms, costs, rounds) ?? []);
  if (metrics.length === 0) return null;
  const stolen = stolenShare([...a, ...b], cpus);
  return {
    sets: Math.max(...metrics.map(({ sets }) => sets)),
    rounds,
    cost: costs,
    stolen,
    metrics: metrics.map(({ noise }) => noise),
    advice: adviceOf(metrics, stolen),
  };
}

/** What a set costs whatever its rounds, and what a round does; null where that was not measured. */
function costsOf(trials: readonly TrialRecord[], setSeconds: readonly number[]): Costs | null {
  const took = median(trials.flatMap(({ slices }) => slices?.took ?? []));
  const turns = median(trials.flatMap(({ slices }) => slices?.rounds_run ?? []));
  const whole = median([...setSeconds]);
  if (took === null || turns === null || whole === null || turns === 0 || took <= 0) return null;
  return { set: Math.max(0, whole - took), round: took / turns };
}

interface OfMetric {
  sets: number;
  components: Components;
  noise: MetricNoise;
}

function metricNoise(
  name: string,
  trials: readonly TrialRecord[],
  arms: readonly [string, string],
  costs: Costs,
  rounds: number,
): OfMetric | null {
  const metric = METRICS.find((one) => one.name === name);
  if (metric === undefined) return null;
  const pairs = pairedSets(trials, arms, metric);
  const components = componentsOf(pairs);
  const [under, over] = arms.map((label) => samplesOf(trials, label, metric));
  const { median: ratio, interval } = pairedRatio(over ?? [], under ?? []);
  if (components === null || ratio === null) return null;
  const noise: MetricNoise = {
    metric: name,
    ratio,
    low: interval?.low ?? null,
    high: interval?.high ?? null,
    shown: HORIZONS.map((seconds) => shownIn(components, costs, seconds, rounds)),
    parts: {
      host: Math.sqrt(varianceOf(pairs.map(({ level }) => level))),
      process: Math.sqrt(components.set),
      slice: components.round === null ? null : Math.sqrt(components.round),
    },
  };
  return { sets: pairs.length, components, noise };
}

/** Figures that slices do not have are known for as many rounds as there were. */
function shownIn(components: Components, costs: Costs, seconds: number, rounds: number): Shown {
  const fixed = components.round === null ? rounds : undefined;
  const best = bestRepetition(components, costs, seconds, fixed);
  return {
    seconds,
    difference: best?.difference ?? null,
    sets: best?.sets ?? null,
    rounds: best?.rounds ?? null,
  };
}

function stolenShare(trials: readonly TrialRecord[], cpus: number): number {
  const slices = trials.flatMap((trial) => trial.slices ?? []);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const stolen = sum(slices.flatMap((one) => one.stolen));
  const seconds = sum(slices.flatMap((one) => one.seconds));
  return seconds > 0 ? stolen / (seconds * cpus) : 0;
}

/** The greatest part of what is left of goodput first. */
function adviceOf(metrics: readonly OfMetric[], stolen: number): string[] {
  const [goodput] = metrics;
  if (goodput === undefined) return [];
  const { components, noise } = goodput;
  const planned = noise.shown.find(({ seconds }) => seconds === JUDGED_BY);
  const advice: string[] = [];
  if (stolen > MUCH_STOLEN) {
    advice.push(
      `the hypervisor took ${percent(stolen)} of the CPU time: a machine, or CPUs, of its own`,
    );
  }
  if (planned?.rounds == null) {
    advice.push(`${JUDGED_BY} s do not suffice for six sets here: more time`);
  } else {
    const ofRounds = (components.round ?? 0) / planned.rounds;
    advice.push(
      ofRounds > components.set
        ? 'most of it is between slices, which other work on the CPUs disturbs: a quieter machine, or more rounds'
        : 'most of it is between processes and their memory, which only more sets average out: more time, or more but shorter sets',
    );
  }
  if (noise.parts.host > MUCH_DRIFT) {
    advice.push(
      `from set to set the speed itself moves by ${percent(noise.parts.host)}: comparing trials that ran alone would show that, so let forwarders take turns`,
    );
  }
  return advice;
}
