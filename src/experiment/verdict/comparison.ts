/** What two stored results have in common, figure by figure. Pure. */
import { METRICS } from '../../data/record/metrics.js';
import { estimateMedian } from '../../base/statistics/interval.js';
import { confidenceAfter } from '../../base/statistics/looks.js';
import { type BlockSample, pairedRatio } from '../../base/statistics/ratio.js';
import { independentRatio } from '../../base/statistics/shift.js';
import { JUDGED_ONCE, type Judging } from './answer.js';
import { checkText, sameEnds } from './condition.js';
import { samplesOf } from './summary.js';
import { factsOf } from '../../data/results/environment-changes.js';
import type { HostEnvironment } from '../../data/record/environment-record.js';
import type { RunManifest, TrialRecord } from '../../data/record/record.js';

/** One side of a comparison: a run, or one forwarder of it. */
export interface ComparedSide {
  /** As it was named. */
  name: string;
  manifest: RunManifest;
  trials: readonly TrialRecord[];
  /** null = every forwarder. */
  forwarder: string | null;
}

/** One metric of one forwarder under one condition, on both sides. */
export interface ComparedFigure {
  cell: string;
  forwarder: string;
  metric: string;
  unit: string;
  moreIsBetter: boolean;
  median_a: number | null;
  median_b: number | null;
  /** Figures on either side. */
  n_a: number;
  n_b: number;
  /** b over a. */
  ratio: number | null;
  ratio_ci_low: number | null;
  ratio_ci_high: number | null;
  /** Of the Mann-Whitney test; null where blocks are paired, the interval decides there. */
  p: number | null;
  significant: boolean | null;
  /** `paired` by block inside one run; `independent` between runs. */
  method: 'paired' | 'independent';
  /** What is missing and why; null when nothing is. */
  reason: string | null;
}

export interface SidesComparison {
  a: string;
  b: string;
  figures: ComparedFigure[];
  /** What stands in only one side, or differs in its conditions, a sentence each. */
  notes: string[];
}

/**
 * Compares two sides, b over a: two forwarders of one run pair by block; everything else compares
 * as independent samples.
 * @param metrics names; empty = all that either side has
 * @param judging how often the run of a pair looked at its cells' ratios, by the cells' keys: an interval that
 *   was looked at several times is as wide here as in its report; those not named were looked at once
 */
export function compareSides(
  a: ComparedSide,
  b: ComparedSide,
  metrics: readonly string[] = [],
  judging: ReadonlyMap<string, Judging> = new Map(),
): SidesComparison {
  const paired = a.manifest.run_id === b.manifest.run_id;
  const notes = [
    ...(paired ? [] : differencesOfHosts(a.manifest.environment, b.manifest.environment)),
    ...ownEndsNotes(a, b),
  ];
  const figures: ComparedFigure[] = [];
  for (const cell of cellsIn(a, b)) {
    const { range } = judging.get(cell) ?? JUDGED_ONCE;
    const blocks = Math.max(0, ...inCell(a, cell).map(({ block }) => block));
    const confidence = confidenceAfter(blocks, range);
    for (const [left, right] of forwardersIn(a, b, cell)) {
      for (const metric of METRICS) {
        if (metrics.length > 0 && !metrics.includes(metric.name)) continue;
        const samplesA = samplesOf(inCell(a, cell), left, metric);
        const samplesB = samplesOf(inCell(b, cell), right, metric);
        if (samplesA.length === 0 && samplesB.length === 0) continue;
        const values = (samples: readonly BlockSample[]) => samples.map(({ value }) => value);
        figures.push({
          cell,
          forwarder: left === right ? left : `${right} over ${left}`,
          metric: metric.name,
          unit: metric.unit,
          moreIsBetter: metric.moreIsBetter,
          median_a: estimateMedian(values(samplesA)).median,
          median_b: estimateMedian(values(samplesB)).median,
          n_a: samplesA.length,
          n_b: samplesB.length,
          ...(paired
            ? pairedFigure(samplesA, samplesB, confidence)
            : independentFigure(values(samplesA), values(samplesB))),
        });
      }
    }
  }
  return { a: a.name, b: b.name, figures, notes: [...notes, ...missingNotes(a, b)] };
}

type RatioPart = Pick<
  ComparedFigure,
  'ratio' | 'ratio_ci_low' | 'ratio_ci_high' | 'p' | 'significant' | 'method' | 'reason'
>;

/** By the slices of both where they took turns, as in the run's own report. */
function pairedFigure(
  a: readonly BlockSample[],
  b: readonly BlockSample[],
  confidence: number,
): RatioPart {
  const { median, interval, significant, reason } = pairedRatio(b, a, confidence);
  return {
    ratio: median,
    ratio_ci_low: interval?.low ?? null,
    ratio_ci_high: interval?.high ?? null,
    p: null,
    significant,
    method: 'paired',
    reason,
  };
}

function independentFigure(a: readonly number[], b: readonly number[]): RatioPart {
  const { ratio, interval, p, significant, reason } = independentRatio(a, b);
  return {
    ratio,
    ratio_ci_low: interval?.low ?? null,
    ratio_ci_high: interval?.high ?? null,
    p,
    significant,
    method: 'independent',
    reason,
  };
}

function inCell(side: ComparedSide, cell: string): TrialRecord[] {
  return side.trials.filter((trial) => trial.cell === cell);
}

function cellsIn(a: ComparedSide, b: ComparedSide): string[] {
  const inB = new Set(cellsOf(b));
  return cellsOf(a).filter((cell) => inB.has(cell));
}

function cellsOf({ trials }: ComparedSide): string[] {
  return [...new Set(trials.map(({ cell }) => cell))].sort((x, y) => x.localeCompare(y, 'en'));
}

/** Labels to compare in a cell, [of a, of b]. */
function forwardersIn(a: ComparedSide, b: ComparedSide, cell: string): [string, string][] {
  const [inA, inB] = [labels(inCell(a, cell)), labels(inCell(b, cell))];
  if (a.forwarder !== null || b.forwarder !== null) {
    const left = a.forwarder ?? b.forwarder ?? '';
    const right = b.forwarder ?? a.forwarder ?? '';
    return inA.includes(left) && inB.includes(right) ? [[left, right]] : [];
  }
  return inA.filter((label) => inB.includes(label)).map((label) => [label, label]);
}

function labels(trials: readonly TrialRecord[]): string[] {
  return [...new Set(trials.map(({ forwarder }) => forwarder))].sort((x, y) =>
    x.localeCompare(y, 'en'),
  );
}

/** Forwarders that are compared although their entries give them another check, payload or pages. */
function ownEndsNotes(a: ComparedSide, b: ComparedSide): string[] {
  return cellsIn(a, b).flatMap((cell) =>
    forwardersIn(a, b, cell).flatMap(([left, right]): string[] => {
      const [one, other] = [
        inCell(a, cell).find(({ forwarder }) => forwarder === left),
        inCell(b, cell).find(({ forwarder }) => forwarder === right),
      ];
      if (one === undefined || other === undefined || sameEnds(one, other)) return [];
      const said = `${left} has ${checkText(one)}, ${right} ${checkText(other)}`;
      return [`under ${cell} conditions are compared, not forwarders alone: ${said}`];
    }),
  );
}

/** Conditions and forwarders that only one side has, and conditions that differ in more than name. */
function missingNotes(a: ComparedSide, b: ComparedSide): string[] {
  const notes: string[] = [];
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const there = new Set(cellsOf(other));
    for (const cell of cellsOf(one).filter((name) => !there.has(name))) {
      notes.push(`only in ${one.name}: condition ${cell}`);
    }
    if (a.forwarder !== null || b.forwarder !== null) continue;
    for (const cell of cellsIn(one, other)) {
      const known = labels(inCell(other, cell));
      for (const label of labels(inCell(one, cell)).filter((name) => !known.includes(name))) {
        notes.push(`only in ${one.name}: ${label} under ${cell}`);
      }
    }
  }
  for (const cell of cellsIn(a, b)) {
    if (conditionOf(a.manifest, cell) !== conditionOf(b.manifest, cell)) {
      notes.push(`condition ${cell} is not the same in both: see the scenarios in run.json`);
    }
  }
  return notes;
}

/** A cell's workload and topology as stored, for comparing only. */
function conditionOf(manifest: RunManifest, key: string): string {
  for (const scenario of manifest.scenarios as { cells?: { key?: string }[] }[]) {
    const cell = scenario.cells?.find((one) => one.key === key);
    if (cell !== undefined) return JSON.stringify(cell);
  }
  return '';
}

/** What differs between the hosts of two runs, a sentence per host and property. */
function differencesOfHosts(
  a: readonly HostEnvironment[],
  b: readonly HostEnvironment[],
): string[] {
  const notes: string[] = [];
  for (const before of a) {
    const after = b.find(({ host }) => host === before.host);
    if (after === undefined) {
      notes.push(`host ${before.host} took part in the first run only`);
      continue;
    }
    const facts = factsOf(after);
    for (const [name, { value: was }] of factsOf(before)) {
      const is = facts.get(name)?.value ?? null;
      if (is !== was) notes.push(`host ${before.host}: ${name} was ${shown(was)}, is ${shown(is)}`);
    }
  }
  for (const { host } of b) {
    if (!a.some((one) => one.host === host)) {
      notes.push(`host ${host} took part in the second run only`);
    }
  }
  return notes;
}

function shown(value: string | null): string {
  return value === null ? 'unavailable' : `"${value}"`;
}
