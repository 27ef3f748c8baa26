import { type Tally, tally, tallyByForwarder } from '../integrity/tally.js';
import type {
  Bottleneck,
  Check,
  RunManifest,
  SeriesPoint,
  StoredIncident,
  SummaryRow,
  TrialColumns,
  TrialRecord,
  WorkloadKind,
} from '../results/record.js';
import type { ThresholdResult } from '../scenario/thresholds.js';
import { isUsable } from '../statistics/summary.js';
import { type UseOf, type Verdict, judge } from '../results/verdict.js';
import { type Speed, judgeCellSpeed } from '../results/verdict-speed.js';
import { type AxisReport, axesOf } from './axis.js';
import { type Ceilings, ceilingsOf } from './ceiling.js';
import { type Condition, conditionNames, conditionTitle, emulationText } from './condition.js';
import { leftOutOf } from '../trial/availability.js';
import { forwarderOrder, registryUse } from './stored-scenarios.js';
import { type HeldInKernel, heldInKernel } from './backlog.js';
import { type Call, callsOf } from './calls.js';
import { medianSeries } from './series.js';

/** Everything any exporter writes is a pure function of this. */
export interface RunReport {
  manifest: RunManifest;
  trials: readonly TrialRecord[];
  incidents: readonly StoredIncident[];
  summary: readonly SummaryRow[];
  thresholds: readonly ThresholdResult[];
  /** Labels in the order of the scenarios. */
  forwarders: string[];
  /** `check: none` cells first; trials compare only within a cell. */
  cells: CellReport[];
  /** One per forwarder. */
  tallies: Tally[];
  total: Tally;
  verdict: Verdict;
  /** Numbers along which conditions or forwarders were varied. */
  axes: AxisReport[];
}

/** One file, or one folder of files, that a run's results are written to. */
export interface Exporter {
  /** File name in the run's folder, or the folder's name when `write` gives a map. */
  file: string;
  /** The file's text, or file names inside the folder with their texts. */
  write(report: RunReport): string | Map<string, string>;
}

/** One condition and the forwarders compared in it. */
export interface CellReport extends Condition {
  workload: WorkloadKind;
  /** "loopback, download, 1 connection" */
  title: string;
  /** What tells this cell from the others, empty when there is one per check. */
  name: string;
  baseline: string | null;
  /** Blocks with at least one trial. */
  blocks: number;
  /** Why the cell stopped; null while unknown. */
  stopping: string | null;
  rows: ForwarderRow[];
  /** What no forwarder gets beyond, of streams; none known for other workloads. */
  ceilings: Ceilings;
  /** Forwarders of the scenario that were left out here, and why. */
  unavailable: { forwarder: string; reason: string }[];
  speed: Speed | null;
}

/** One forwarder in one cell. */
export interface ForwarderRow {
  forwarder: string;
  isBaseline: boolean;
  trials: number;
  /** Trials that failed, stalled or lost bytes at the end, and give no figure. */
  excluded: number;
  figures: Record<MetricName, Figure>;
  limit: Limit;
  /** Median goodput over time of the trials that give figures. */
  series: SeriesPoint[];
  /** Calls in the measured windows of all trials together, the busiest first. */
  calls: Call[];
  syscallSource: TrialRecord['syscall_source'];
  version: string | null;
  detail: Record<string, string | number | boolean>;
  /** Beyond what sockets account for; null where the forwarder knows of none. */
  held: HeldInKernel | null;
}

/** One metric of one forwarder in one cell, with its ratio to the baseline. null = unavailable. */
export interface Figure {
  median: number | null;
  low: number | null;
  high: number | null;
  ratio: number | null;
  ratioLow: number | null;
  ratioHigh: number | null;
  significant: boolean | null;
  /** True when endpoints limited either side: the ratio is then a lower bound. */
  lowerBound: boolean;
  n: number;
  /** Why `median` is null. */
  reason: string | null;
  /** Why there is a ratio without an interval. */
  noInterval: string | null;
}

/** What limited the trials of one forwarder: the most frequent finding. */
export interface Limit {
  bottleneck: Bottleneck | null;
  /** Trials with this finding, of those that name one. */
  trials: number;
  of: number;
  /** In words, from the first such trial. */
  reason: string | null;
}

/** The metrics that reports show, each the median of a column of trials.csv. */
export const METRIC_COLUMNS = {
  goodput: 'goodput_gbps',
  forwarder_cpu_per_gb: 'forwarder_cpu_seconds_per_gb',
  system_cpu_per_gb: 'system_cpu_seconds_per_gb',
  syscalls_per_gb: 'syscalls_per_gb',
  bytes_per_syscall: 'bytes_per_syscall',
  latency_p50: 'latency_p50_us',
  latency_p99: 'latency_p99_us',
  latency_p999: 'latency_p999_us',
  requests_per_second: 'requests_per_second',
  connections_per_second: 'connections_per_second',
  kernel_memory_peak: 'kernel_memory_peak_bytes',
} as const satisfies Record<string, keyof TrialColumns>;
export type MetricName = keyof typeof METRIC_COLUMNS;

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

/** The cells of one check; reports never put the two checks into one comparison. */
export function cellsOf(report: RunReport, check: Check): CellReport[] {
  return report.cells.filter((cell) => cell.check === check);
}

/** True when a cell's own sentence adds to the verdict, which speaks of all cells of one check. */
export function needsSentence(report: RunReport, cell: CellReport): boolean {
  const unchecked = cellsOf(report, 'none').length;
  return cellsOf(report, cell.check).length > 1 || (cell.check === 'full' && unchecked > 0);
}

function cellReports(
  source: ReportSource,
  forwarders: readonly string[],
  useOf: UseOf,
): CellReport[] {
  const firsts = new Map<string, TrialRecord>();
  for (const trial of source.trials) if (!firsts.has(trial.cell)) firsts.set(trial.cell, trial);
  const conditions = [...firsts.values()];
  const named = new Map(
    (['none', 'full'] as const).flatMap((check) => [
      ...conditionNames(conditions.filter((condition) => condition.check === check)),
    ]),
  );
  return conditions
    .map((condition) =>
      cellReport(source, condition, named.get(condition.cell) ?? '', forwarders, useOf),
    )
    .sort((a, b) => checkRank(a.check) - checkRank(b.check) || compareCells(a, b));
}

function checkRank(check: Check): number {
  return check === 'none' ? 0 : 1;
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
  return {
    cell,
    scenario,
    topology,
    check,
    direction,
    connections,
    message_bytes,
    workload: condition.workload ?? 'stream',
    title: conditionTitle(condition) + emulationText(trials),
    name,
    baseline,
    blocks: new Set(trials.map((trial) => trial.block)).size,
    stopping: source.manifest.stopping[cell] ?? null,
    rows: labels.map((label) =>
      forwarderRow(
        label,
        label === baseline,
        trials.filter((trial) => trial.forwarder === label),
        summary.filter((row) => row.forwarder === label),
      ),
    ),
    ceilings:
      (condition.workload ?? 'stream') === 'stream'
        ? ceilingsOf(
            trials,
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
  const figureOf = (metric: MetricName) => figureFor(metric, trials, summary);
  return {
    forwarder,
    isBaseline,
    trials: trials.length,
    excluded: trials.length - finished.length,
    figures: {
      goodput: figureOf('goodput'),
      forwarder_cpu_per_gb: figureOf('forwarder_cpu_per_gb'),
      system_cpu_per_gb: figureOf('system_cpu_per_gb'),
      syscalls_per_gb: figureOf('syscalls_per_gb'),
      bytes_per_syscall: figureOf('bytes_per_syscall'),
      latency_p50: figureOf('latency_p50'),
      latency_p99: figureOf('latency_p99'),
      latency_p999: figureOf('latency_p999'),
      requests_per_second: figureOf('requests_per_second'),
      connections_per_second: figureOf('connections_per_second'),
      kernel_memory_peak: figureOf('kernel_memory_peak'),
    },
    limit: limitOf(finished),
    series: medianSeries(finished.map((trial) => trial.series)),
    calls: callsOf(finished),
    syscallSource: finished.find((trial) => trial.syscall_source !== null)?.syscall_source ?? null,
    version: trials.find((trial) => trial.forwarder_version !== null)?.forwarder_version ?? null,
    detail: detailOf(finished) ?? detailOf(trials) ?? {},
    held: heldInKernel(trials),
  };
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
    lowerBound: row?.lower_bound ?? false,
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
