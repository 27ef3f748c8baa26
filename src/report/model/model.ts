import {
  METRIC_COLUMNS,
  type RunReport,
  type CellReport,
  type ForwarderRow,
  type Figure,
  type Limit,
  type MetricName,
} from './report-types.js';
import { tally, tallyByForwarder } from '../../data/integrity/tally.js';
import { type Bottleneck, CHECKS, PAGES, PAYLOADS } from '../../data/record/words.js';
import type { TrialColumns } from '../../data/record/trial-columns.js';
import type { SummaryRow } from '../../data/record/summary-columns.js';
import type { RunManifest, StoredIncident, TrialRecord } from '../../data/record/record.js';
import type { ThresholdResult } from '../../experiment/verdict/thresholds.js';
import { isUsable } from '../../experiment/verdict/summary.js';
import { type UseOf, judge } from '../../experiment/verdict/verdict.js';
import {
  comparesConditions,
  ownConditionName,
} from '../../experiment/verdict/verdict-conditions.js';
import { judgeCellSpeed } from '../../experiment/verdict/verdict-speed.js';
import { axesOf } from './axis.js';
import { ceilingsOf } from './ceiling.js';
import {
  type Condition,
  conditionNames,
  conditionTitle,
  emulationText,
  ENDS_KINDS,
  type EndsKind,
  endsOf,
  sameEnds,
} from '../../experiment/verdict/condition.js';
import { leftOutOf } from '../../data/record/left-out.js';
import { forwarderOrder, registryUse, storedCells } from './stored-scenarios.js';
import { heldInKernel } from './held-in-kernel.js';
import { callsOf } from './calls.js';
import { medianSeries } from './series.js';

/** What a report is built from: the run's folder as read back, and its statistics. */
export interface ReportSource {
  manifest: RunManifest;
  trials: readonly TrialRecord[];
  incidents: readonly StoredIncident[];
  summary: readonly SummaryRow[];
  thresholds?: readonly ThresholdResult[];
}

/** Builds the model of a run's report. Pure; the trials may be in any order. */
export function buildReport(source: ReportSource): RunReport {
  const { manifest, trials, incidents, summary } = source;
  const thresholds = source.thresholds ?? [];
  const useOf = registryUse(manifest);
  const forwarders = forwarderOrder(manifest, trials);
  const tallies = tallyByForwarder(forwarders, trials);
  const total = tally(null, trials);
  // A run that was killed could not say so; without an end it is as good as interrupted.
  const interrupted = manifest.interrupted || manifest.finished === null;
  const verdict = judge({
    trials,
    summary,
    incidents,
    tallies,
    total,
    thresholds,
    interrupted,
    unavailable: manifest.unavailable ?? [],
    changes: manifest.environment_changes ?? [],
    warnings: manifest.warnings ?? [],
    useOf,
  });
  const cells = cellReports(source, forwarders, useOf);
  return {
    manifest,
    trials,
    incidents,
    summary,
    thresholds,
    forwarders,
    cells,
    tallies,
    total,
    verdict,
    axes: axesOf(manifest, cells),
  };
}

/** The cells between ends of one kind; reports never put two kinds into one comparison. */
export function cellsOf(report: RunReport, kind: EndsKind): CellReport[] {
  return report.cells.filter((cell) => endsOf(cell) === kind);
}

/** True when a cell's own sentence adds to the verdict, which speaks first of all cells of one kind of ends. */
export function needsSentence(report: RunReport, cell: CellReport): boolean {
  const isLead = report.cells.every((other) => endsRank(other) >= endsRank(cell));
  return !isLead || cellsOf(report, endsOf(cell)).length > 1;
}

function cellReports(
  source: ReportSource,
  forwarders: readonly string[],
  useOf: UseOf,
): CellReport[] {
  const conditions = conditionsOf(source);
  const named = new Map(
    ENDS_KINDS.flatMap((kind) => [
      ...conditionNames(conditions.filter((condition) => endsOf(condition) === kind)),
    ]),
  );
  return conditions
    .map((condition) =>
      cellReport(source, condition, named.get(condition.cell) ?? '', forwarders, useOf),
    )
    .sort((a, b) => endsRank(a) - endsRank(b) || compareCells(a, b));
}

/** Of each cell with a trial, as its workload has it and not as an entry of its own. */
function conditionsOf({ manifest, trials }: ReportSource): Condition[] {
  const planned = new Map(storedCells(manifest).map((cell) => [cell.key, cell.conditions]));
  const found = new Map<string, Condition>();
  for (const trial of trials) {
    if (found.has(trial.cell)) continue;
    const stored = planned.get(trial.cell);
    const check = CHECKS.find((one) => one === stored?.['workload.check']);
    const payload = PAYLOADS.find((one) => one === stored?.['workload.payload']) ?? null;
    const pages = PAGES.find((one) => one === stored?.['workload.pages']) ?? null;
    const ends = check === undefined ? trial : { check, payload, pages };
    found.set(trial.cell, sameEnds(ends, trial) ? trial : { ...trial, ...ends });
  }
  return [...found.values()];
}

function endsRank(condition: Condition): number {
  return ENDS_KINDS.indexOf(endsOf(condition));
}

function compareCells(a: Condition, b: Condition): number {
  return (
    a.scenario.localeCompare(b.scenario, 'en') ||
    a.topology.localeCompare(b.topology, 'en') ||
    a.direction.localeCompare(b.direction, 'en') ||
    a.connections - b.connections ||
    (a.message_bytes ?? Infinity) - (b.message_bytes ?? Infinity) ||
    a.cell.localeCompare(b.cell, 'en')
  );
}

function cellReport(
  source: ReportSource,
  condition: Condition,
  name: string,
  forwarders: readonly string[],
  useOf: UseOf,
): CellReport {
  const { cell, scenario, topology, check, direction, connections, message_bytes } = condition;
  const trials = source.trials.filter((trial) => trial.cell === cell);
  const summary = source.summary.filter((row) => row.cell === cell);
  const baseline = summary[0]?.baseline ?? null;
  const labels = forwarders.filter((label) => trials.some((trial) => trial.forwarder === label));
  const apart = new Map(
    summary.filter(comparesConditions).map((row) => [row.forwarder, ownConditionName(row)]),
  );
  const rowOf = (label: string) =>
    forwarderRow(
      label,
      label === baseline,
      trials.filter((trial) => trial.forwarder === label),
      summary.filter((row) => row.forwarder === label),
    );
  return {
    cell,
    scenario,
    topology,
    check,
    payload: condition.payload ?? null,
    pages: condition.pages ?? null,
    direction,
    connections,
    message_bytes,
    workload: condition.workload ?? 'stream',
    title: conditionTitle(condition) + emulationText(trials),
    name,
    baseline,
    blocks: new Set(trials.map((trial) => trial.block)).size,
    stopping: source.manifest.stopping[cell] ?? null,
    rows: labels.filter((label) => !apart.has(label)).map(rowOf),
    ownConditions: labels.flatMap((label) => {
      const named = apart.get(label);
      return named === undefined ? [] : [{ ...rowOf(label), forwarder: named }];
    }),
    ceilings:
      (condition.workload ?? 'stream') === 'stream'
        ? ceilingsOf(
            trials.filter(({ forwarder }) => !apart.has(forwarder)),
            (label) =>
              summary.find((row) => row.metric === 'goodput' && row.forwarder === label)?.median ??
              null,
            (label) => useOf(scenario, label) === 'direct',
          )
        : { link: null, direct: null },
    unavailable: leftOutOf(source.manifest.unavailable ?? [], { key: cell, scenario }),
    speed: judgeCellSpeed(summary, cell, useOf),
  };
}

function forwarderRow(
  forwarder: string,
  isBaseline: boolean,
  trials: readonly TrialRecord[],
  summary: readonly SummaryRow[],
): ForwarderRow {
  const finished = trials.filter(isUsable);
  return {
    forwarder,
    isBaseline,
    trials: trials.length,
    excluded: trials.length - finished.length,
    figures: figuresOf((metric) => figureFor(metric, trials, summary)),
    limit: limitOf(finished),
    series: medianSeries(finished.map((trial) => trial.series)),
    calls: callsOf(finished),
    syscallSource: finished.find((trial) => trial.syscall_source !== null)?.syscall_source ?? null,
    version: trials.find((trial) => trial.forwarder_version !== null)?.forwarder_version ?? null,
    detail: detailOf(finished) ?? detailOf(trials) ?? {},
    held: heldInKernel(trials),
  };
}

function figuresOf(figureOf: (metric: MetricName) => Figure): Record<MetricName, Figure> {
  const names = Object.keys(METRIC_COLUMNS) as MetricName[];
  return Object.fromEntries(names.map((name) => [name, figureOf(name)])) as Record<
    MetricName,
    Figure
  >;
}

/** Of the first trial that has any. */
function detailOf(trials: readonly TrialRecord[]): ForwarderRow['detail'] | undefined {
  return trials.find(({ forwarder_detail }) => Object.keys(forwarder_detail).length > 0)
    ?.forwarder_detail;
}

function figureFor(
  metric: MetricName,
  trials: readonly TrialRecord[],
  summary: readonly SummaryRow[],
): Figure {
  const row = summary.find((candidate) => candidate.metric === metric);
  const median = row?.median ?? null;
  return {
    median,
    low: row?.ci_low ?? null,
    high: row?.ci_high ?? null,
    ratio: row?.ratio ?? null,
    ratioLow: row?.ratio_ci_low ?? null,
    ratioHigh: row?.ratio_ci_high ?? null,
    significant: row?.significant ?? null,
    equivalent: row?.answer === 'equivalent',
    lowerBound: row?.lower_bound ?? false,
    coLimited: row?.co_limited ?? false,
    n: row?.n ?? 0,
    noInterval: row?.no_interval ?? null,
    reason: median === null ? reasonFor(METRIC_COLUMNS[metric], trials) : null,
  };
}

/** Shown in place of every figure. */
const UNDER_STRACE = 'under strace: its speed is not a speed';

function reasonFor(column: keyof TrialColumns, trials: readonly TrialRecord[]): string {
  const finished = trials.filter(isUsable);
  const first = trials[0];
  if (finished.length === 0 && first?.under_strace) return UNDER_STRACE;
  if (finished.length === 0 && first !== undefined) {
    return first.error ?? `no trial finished (${first.outcome})`;
  }
  for (const trial of finished) {
    const reason = trial.unavailable[column];
    if (reason !== undefined) return reason;
  }
  return 'not measured';
}

function limitOf(trials: readonly TrialRecord[]): Limit {
  const found = trials.filter((trial) => trial.bottleneck !== null);
  const counts = new Map<Bottleneck, number>();
  for (const { bottleneck } of found) {
    if (bottleneck !== null) counts.set(bottleneck, (counts.get(bottleneck) ?? 0) + 1);
  }
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  if (most === undefined) return { bottleneck: null, trials: 0, of: 0, reason: null };
  const [bottleneck, frequency] = most;
  const example = found.find((trial) => trial.bottleneck === bottleneck);
  return {
    bottleneck,
    trials: frequency,
    of: found.length,
    reason: example?.bottleneck_reason ?? null,
  };
}
