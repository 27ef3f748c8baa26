/** The bars of precision: what is required, what was measured, and whether it is met. Pure. */
import { count, listed } from '../../src/base/units/quantity.js';
import { median } from '../../src/base/statistics/interval.js';
import { nameOf } from '../../src/tasks/noise/noise-text.js';
import { type Bar, NO_INTERVAL, unavailable, type BarVerdict } from '../bars/judged.js';
import { ABOUT, type MeasuredRun, type RunMetric } from './measured-run.js';
import type { Kind } from './plan.js';

/** Half-widths of 95 % intervals, as fractions. */
const HALF = { aa: 0.015, splice: 0.02, busy: 0.08 };
const AA_RUNS = 40;
const AA_MOST = 5;
const BURNER_RUNS = 20;
const BURNER_LEAST = 19;

const SPLICES: readonly { kind: Kind; when: string; most: number }[] = [
  { kind: 'splice', when: 'at the begin', most: HALF.splice },
  { kind: 'splice-again', when: 'again at the end', most: HALF.splice },
  { kind: 'splice-busy', when: 'with both CPUs half busy', most: HALF.busy },
];

/** Every bar, in the order of the table. */
export function evaluatePrecision(runs: readonly MeasuredRun[]): Bar[] {
  const of = (kind: Kind) => runs.filter((run) => run.kind === kind);
  const [itself] = of('aa');
  return [
    ...(['goodput', 'forwarder_cpu_per_gb'] as const).map((metric) =>
      halfWidth(itself, metric, {
        id: `aa-${metric}`,
        what: 'copy against itself',
        most: HALF.aa,
      }),
    ),
    ...ABOUT.map((metric) => shownDifferent(of('aa-short'), metric)),
    burner(of('burner')),
    ...SPLICES.map(({ kind, when, most }) =>
      halfWidth(of(kind)[0], 'goodput', { id: kind, what: `splice over copy, ${when}`, most }),
    ),
    overlap(SPLICES.map(({ kind }) => of(kind)[0])),
  ];
}

interface HalfWidth {
  id: string;
  what: string;
  most: number;
}

function halfWidth(run: MeasuredRun | undefined, metric: string, asked: HalfWidth): Bar {
  const { id, what, most } = asked;
  const bar = `${what}, ${nameOf({ metric })}: half of the interval's width`;
  const head = { id, bar, required: `<= ${percent(most)}` };
  const found = metricOf(run, metric);
  if (run === undefined) return { ...head, ...NO_INTERVAL, ...unavailable('not run yet') };
  if (found?.ratio == null || found.low === null || found.high === null) {
    return { ...head, ...NO_INTERVAL, ...unavailable(run.error ?? 'fewer than six sets') };
  }
  const half = (found.high - found.low) / 2 / found.ratio;
  return {
    ...{ ...head, ...NO_INTERVAL, value: half, n: run.sets },
    measured: `${percent(half)}: ${ratioText(found)} in ${run.seconds.toFixed(0)} s`,
    verdict: half <= most ? 'met' : 'missed',
    note: setsNote(run),
  };
}

/** How many runs of a forwarder against itself say that it differs. */
function shownDifferent(runs: readonly MeasuredRun[], metric: string): Bar {
  const judged = runs.flatMap((run) => metricOf(run, metric) ?? []).filter(hasInterval);
  const different = judged.filter(({ low, high }) => low > 1 || high < 1).length;
  return {
    ...NO_INTERVAL,
    id: `aa-short-${metric}`,
    bar: `copy against itself in short runs: shown as different in ${nameOf({ metric })}`,
    required: `<= ${AA_MOST} of ${AA_RUNS}`,
    ...{ value: different, n: judged.length },
    ...counted(different, {
      ...{ of: judged.length, runs: runs.length, wanted: AA_RUNS },
      missed: different > AA_MOST,
    }),
  };
}

/** In how many runs the one that uses 5 % more CPU was found to use more. */
function burner(runs: readonly MeasuredRun[]): Bar {
  const judged = runs.flatMap((run) => {
    const found = metricOf(run, 'forwarder_cpu_per_gb');
    return found !== undefined && hasInterval(found) ? [{ run, found }] : [];
  });
  const hits = judged.filter(({ found }) => found.low > 1);
  const took = median(hits.map(({ run }) => run.seconds));
  const ratio = median(judged.map(({ found }) => found.ratio));
  const bar: Bar = {
    ...NO_INTERVAL,
    id: 'burner',
    bar: 'a relay that uses 5 % more CPU than its twin: found',
    required: `>= ${BURNER_LEAST} of ${BURNER_RUNS}`,
    ...{ value: hits.length, n: judged.length },
    ...counted(hits.length, {
      ...{ of: judged.length, runs: runs.length, wanted: BURNER_RUNS },
      missed: judged.length - hits.length > BURNER_RUNS - BURNER_LEAST,
    }),
  };
  if (took === null || ratio === null) return bar;
  return {
    ...bar,
    note: `Found after ${took.toFixed(0)} s, the median; CPU per GB ${ratio.toFixed(3)} of the twin's, the median of all runs.`,
  };
}

interface Counting {
  /** Runs that came to an interval. */
  of: number;
  runs: number;
  wanted: number;
  /** Whatever the runs that are still wanted say. */
  missed: boolean;
}

/** Met only by all runs that are wanted. */
function counted(found: number, counting: Counting): { measured: string; verdict: BarVerdict } {
  const { of, runs, wanted, missed } = counting;
  const measured = `${count(found)} of ${count(of)}`;
  if (missed) return { measured, verdict: 'missed' };
  if (of >= wanted) return { measured, verdict: 'met' };
  const without = runs > of ? `, ${count(runs - of)} more gave no interval` : '';
  return unavailable(`${measured} so far${without}; ${count(wanted)} are wanted`);
}

/** All intervals have a point in common. */
function overlap(runs: readonly (MeasuredRun | undefined)[]): Bar {
  const head = {
    id: 'splice-overlap',
    bar: 'splice over copy, goodput: the three intervals',
    required: 'overlap',
  };
  const found = runs.flatMap((run) => metricOf(run, 'goodput') ?? []).filter(hasInterval);
  if (found.length < runs.length) {
    return { ...head, ...NO_INTERVAL, ...unavailable('not all three have an interval') };
  }
  const low = Math.max(...found.map((one) => one.low));
  const high = Math.min(...found.map((one) => one.high));
  const [first, again] = runs;
  return {
    ...{ ...head, ...NO_INTERVAL, n: found.length },
    measured: listed(found.map(ratioText)),
    verdict: low <= high ? 'met' : 'missed',
    note:
      first === undefined || again === undefined
        ? null
        : `The second was started ${minutesBetween(first, again)} minutes after the first.`,
  };
}

function minutesBetween(first: MeasuredRun, second: MeasuredRun): string {
  return ((Date.parse(second.started) - Date.parse(first.started)) / 60e3).toFixed(0);
}

function setsNote(run: MeasuredRun): string {
  const { sets, sets_left_out: out, rounds, rounds_left_out: roundsOut } = run;
  return `${count(sets)} sets, of which ${count(out)} are left out, and ${count(roundsOut)} of ${count(rounds)} rounds.`;
}

type Known = RunMetric & { ratio: number; low: number; high: number };

function hasInterval(found: RunMetric): found is Known {
  return found.ratio !== null && found.low !== null && found.high !== null;
}

function metricOf(run: MeasuredRun | undefined, metric: string): RunMetric | undefined {
  return run?.metrics.find((one) => one.metric === metric);
}

function ratioText({ ratio, low, high }: RunMetric): string {
  const shown = (value: number | null) => (value ?? NaN).toFixed(3);
  return `${shown(ratio)} [${shown(low)}, ${shown(high)}]`;
}

function percent(fraction: number): string {
  return `${Number((fraction * 100).toPrecision(2))} %`;
}
