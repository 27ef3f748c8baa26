/**
 * The rows of summary.csv: a pure function of the stored trials.
 */
import type { Bottleneck, Outcome } from '../../data/record/words.js';
import type { SummaryRow } from '../../data/record/summary-columns.js';
import type { TrialRecord, Unavailable } from '../../data/record/record.js';
import {
  type Cell,
  inMachine,
  messageBytes,
  pagesOf,
  payloadOf,
  topologyName,
  type Workload,
} from '../../data/record/plan.js';
import { endsShareHost } from '../../data/record/shared-host.js';
import { leftOutOf } from '../../data/record/left-out.js';
import { confidenceAfter } from '../../base/statistics/looks.js';
import { estimateMedian } from '../../base/statistics/interval.js';
import { intervalAnswer, JUDGED_ONCE, type Judging } from './answer.js';
import { setsLeftOut } from './apart-sets.js';
import { sameEnds } from './condition.js';
import { type Metric, METRICS } from '../../data/record/metrics.js';
import type { RoundSample } from '../../base/statistics/location.js';
import { type BlockSample, pairedRatio } from '../../base/statistics/ratio.js';

/**
 * Outcomes whose figures count. `corrupt` and `extra` were forwarded to the end, so they have a speed;
 * that the bytes were wrong is said elsewhere, and louder.
 */
const USABLE: readonly Outcome[] = ['intact', 'unchecked', 'corrupt', 'extra'];

/**
 * True when a trial came to its end, and neither under strace nor in a virtual machine, so that its
 * figures mean something.
 */
export function isUsable(trial: TrialRecord): boolean {
  return USABLE.includes(trial.outcome) && hasSpeed(trial);
}

function hasSpeed(trial: TrialRecord): boolean {
  return !trial.under_strace && !inMachine(trial);
}

/** True when a trial's figure counts: always where it is usable, and of some metrics even elsewhere. */
function countsFor(metric: Metric, trial: TrialRecord): boolean {
  return isUsable(trial) || (metric.anyOutcome && hasSpeed(trial));
}

/**
 * Summarises trials: one row per cell, forwarder and metric, in the order of the cells, of the first
 * appearance of the forwarders and of `METRICS`. A metric that no forwarder of a cell has is left out,
 * except goodput. Medians are per trial; ratios are paired by block.
 * @param trials of one or more scenarios; those of cells not given are ignored
 * @param cells the conditions, which also say the baseline
 * @param forwarders labels in the order wanted; others follow
 * @param unavailable who was left out: each gets a row of goodput with n = 0 and the reason
 * @param judging how the ratios of a cell are judged, by its key; those not named are looked at once
 */
export function summarise(
  trials: readonly TrialRecord[],
  cells: readonly Cell[],
  forwarders: readonly string[] = [],
  unavailable: readonly Unavailable[] = [],
  judging: ReadonlyMap<string, Judging> = new Map(),
): SummaryRow[] {
  return cells.flatMap((cell) => {
    const rule = judging.get(cell.key) ?? JUDGED_ONCE;
    const ofCell = trials.filter((trial) => trial.cell === cell.key);
    const present = new Set(ofCell.map(({ forwarder }) => forwarder));
    const labels = [...forwarders.filter((label) => present.delete(label)), ...present];
    const metrics = METRICS.filter(
      (metric) =>
        metric.name === 'goodput' ||
        ofCell.some((trial) => countsFor(metric, trial) && metric.of(trial) !== null),
    );
    const leftOut = leftOutOf(unavailable, cell).filter(
      ({ forwarder }) => !labels.includes(forwarder),
    );
    return [
      ...labels.flatMap((label) => metrics.map((metric) => row(cell, label, metric, ofCell, rule))),
      ...leftOut.flatMap(({ forwarder, reason }) =>
        metrics
          .filter(({ name }) => name === 'goodput')
          .map((metric) => ({
            ...row(cell, forwarder, metric, ofCell, rule),
            unavailable: reason,
          })),
      ),
    ];
  });
}

/**
 * The figures of one forwarder, by block; only of trials that count for the metric, and of no set that ran
 * with the CPUs nearer or further apart than in most of its cell.
 */
export function samplesOf(
  trials: readonly TrialRecord[],
  forwarder: string,
  metric: Metric,
): BlockSample[] {
  const leftOut = setsLeftOut(trials);
  return trials.flatMap((trial) => {
    if (trial.forwarder !== forwarder || !countsFor(metric, trial)) return [];
    if (trial.slices !== undefined && leftOut.has(trial.slices.set)) return [];
    const value = metric.of(trial);
    if (value === null) return [];
    const rounds = slicesOf(trial, metric.name);
    const slices =
      trial.slices === undefined || rounds === null
        ? {}
        : { slices: { set: trial.slices.set, rounds } };
    return [{ block: trial.block, value, ...slices }];
  });
}

/** The figure of each slice, of the metrics that slices have; null = this one is of whole sets. */
function slicesOf({ slices }: TrialRecord, metric: string): RoundSample[] | null {
  if (slices === undefined) return null;
  const of = (value: (index: number) => number): RoundSample[] =>
    slices.round.flatMap((round, index) =>
      slices.left_out?.includes(round) === true ? [] : [{ round, value: value(index) }],
    );
  switch (metric) {
    case 'goodput':
      return of((index) => (slices.bytes[index] ?? 0) / (slices.seconds[index] ?? 0));
    case 'forwarder_cpu_per_gb':
      return of((index) => (slices.cpu_seconds[index] ?? NaN) / (slices.all_bytes[index] ?? 0));
    default:
      return null;
  }
}

/** How often each outcome occurred, in the order of first occurrence. */
export function countOutcomes(trials: readonly TrialRecord[]): Partial<Record<Outcome, number>> {
  const counts: Partial<Record<Outcome, number>> = {};
  for (const { outcome } of trials) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

function row(
  cell: Cell,
  forwarder: string,
  metric: Metric,
  ofCell: readonly TrialRecord[],
  { range, margin }: Judging,
): SummaryRow {
  const { workload, topology, baseline } = cell;
  const own = ofCell.filter((trial) => trial.forwarder === forwarder);
  const ends = endsIn(workload, own[0]);
  const samples = samplesOf(ofCell, forwarder, metric);
  const estimate = estimateMedian(samples.map(({ value }) => value));
  const beside = metric.name === 'goodput' ? limitBeside(ofCell, [forwarder, baseline]) : null;
  const confidence = confidenceAfter(Math.max(0, ...ofCell.map(({ block }) => block)), range);
  const ratio =
    forwarder === baseline
      ? null
      : pairedRatio(samples, samplesOf(ofCell, baseline, metric), confidence);
  return {
    scenario: cell.scenario,
    topology: topologyName(topology),
    forwarder,
    baseline,
    check: ends.check,
    metric: metric.name,
    unit: metric.unit,
    n: estimate.n,
    median: estimate.median,
    ci_low: estimate.interval?.low ?? null,
    ci_high: estimate.interval?.high ?? null,
    ratio: ratio?.median ?? null,
    ratio_ci_low: ratio?.interval?.low ?? null,
    ratio_ci_high: ratio?.interval?.high ?? null,
    significant: ratio?.significant ?? null,
    direction: workload.direction,
    connections: workload.connections,
    message_bytes: messageBytes(workload),
    // Only a speed is bounded by who was in the way; a cost is what it is.
    lower_bound: beside === 'bound',
    co_limited: beside === 'co-limited',
    cell: cell.key,
    trials: own.length,
    excluded: own.filter((trial) => !isUsable(trial)).length,
    pairs: ratio?.n ?? 0,
    no_interval: estimate.reason ?? ratio?.reason ?? null,
    workload: workload.kind,
    unavailable: null,
    limited_by: metric.name === 'goodput' ? mostOften(own.filter(isUsable)) : null,
    answer: ratio === null || ratio.n === 0 ? null : intervalAnswer(ratio.interval, margin),
    equivalent_within: margin,
    ratio_confidence: ratio?.interval == null ? null : confidence,
    payload: ends.payload,
    compares: ends.compares,
    pages: ends.pages,
  };
}

/** What becomes of a forwarder's bytes in a cell: as its workload says, or as the forwarder's own entry did. */
function endsIn(
  workload: Workload,
  trial: TrialRecord | undefined,
): Pick<SummaryRow, 'check' | 'payload' | 'pages' | 'compares'> {
  const ofCell = { check: workload.check, payload: payloadOf(workload), pages: pagesOf(workload) };
  if (trial === undefined || sameEnds(trial, ofCell)) {
    return { ...ofCell, compares: 'forwarders' };
  }
  return {
    check: trial.check,
    payload: trial.payload ?? null,
    pages: trial.pages ?? null,
    compares: 'conditions',
  };
}

/** The limit of more than half of the trials. */
function mostOften(trials: readonly TrialRecord[]): Bottleneck | null {
  const names = new Set(trials.flatMap(({ bottleneck }) => bottleneck ?? []));
  const times = (name: Bottleneck) => trials.filter(({ bottleneck }) => bottleneck === name).length;
  return [...names].find((name) => times(name) * 2 > trials.length) ?? null;
}

/** Whether what stood in the way of either side bounds the speed, or is itself the forwarder's doing. */
function limitBeside(
  trials: readonly TrialRecord[],
  sides: readonly string[],
): 'bound' | 'co-limited' | null {
  const isLimited = (limits: readonly Bottleneck[]) =>
    sides.some((label) => limitOfForwarder(trials, label, limits) !== null);
  if (isLimited(trials.some(endsShareHost) ? ['link'] : OTHERS)) return 'bound';
  return isLimited(OTHERS) ? 'co-limited' : null;
}

/** What is in a forwarder's way. */
export const OTHERS: readonly Bottleneck[] = ['source', 'sink', 'link'];

/**
 * Which of these limits held a forwarder back in more than half of its usable trials, together: the one
 * that did so most often; null where they did not.
 */
export function limitOfForwarder(
  trials: readonly TrialRecord[],
  forwarder: string,
  limits: readonly Bottleneck[],
): Bottleneck | null {
  const own = trials.filter((trial) => trial.forwarder === forwarder && isUsable(trial));
  const counts = limits.map((limit) => ({
    limit,
    count: own.filter(({ bottleneck }) => bottleneck === limit).length,
  }));
  if (counts.reduce((sum, { count }) => sum + count, 0) * 2 <= own.length) return null;
  const [most] = counts.toSorted((a, b) => b.count - a.count);
  return most?.limit ?? null;
}
