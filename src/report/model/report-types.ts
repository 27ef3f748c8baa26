/** What a run's report is made of, whoever renders it. */
import type { Crossover } from '../../base/statistics/crossover.js';
import type { Tally } from '../../data/integrity/tally.js';
import type { Bottleneck, WorkloadKind } from '../../data/record/words.js';
import type { TrialColumns } from '../../data/record/trial-columns.js';
import type { SummaryRow } from '../../data/record/summary-columns.js';
import type {
  RunManifest,
  SeriesPoint,
  StoredIncident,
  TrialRecord,
} from '../../data/record/record.js';
import type { Condition } from '../../experiment/verdict/condition.js';
import type { ThresholdResult } from '../../experiment/verdict/thresholds.js';
import type { Speed } from '../../experiment/verdict/verdict-speed.js';
import type { RunVerdict } from '../../experiment/verdict/verdict.js';
import type { HeldInKernel } from './held-in-kernel.js';
import type { Call } from './calls.js';
import type { Ceilings } from './ceiling.js';

/** Everything any exporter writes is a pure function of this. */
export interface RunReport {
  manifest: RunManifest;
  trials: readonly TrialRecord[];
  incidents: readonly StoredIncident[];
  summary: readonly SummaryRow[];
  thresholds: readonly ThresholdResult[];
  /** Labels in the order of the scenarios. */
  forwarders: string[];
  /** Real bytes first, checked ones last; trials compare only within a cell. */
  cells: CellReport[];
  /** One per forwarder. */
  tallies: Tally[];
  total: Tally;
  verdict: RunVerdict;
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
  /** What tells this cell from the others, empty when there is one per kind of ends. */
  name: string;
  baseline: string | null;
  /** Blocks with at least one trial. */
  blocks: number;
  /** Why the cell stopped; null while unknown. */
  stopping: string | null;
  /** Those under the cell's own condition: only they are compared, ranked and drawn. */
  rows: ForwarderRow[];
  /** Those whose entries have another check, payload or pages, named with it. */
  ownConditions: ForwarderRow[];
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
  /** The whole interval of the ratio is within the scenario's margin. */
  equivalent?: boolean;
  /** True when the link, or ends on other hosts, limited either side: the ratio is then a lower bound. */
  lowerBound: boolean;
  /** True when ends on the forwarder's own host did: CPU per GB decides. */
  coLimited: boolean;
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

/** How a figure is headed and written. */
export interface FigureColumn {
  metric: MetricName;
  /** Where width is scarce: name and unit. */
  name: string;
  unit: string;
  title: string;
  format: (value: number | null) => string;
}

export interface Subject extends FigureColumn {
  /** In headings and sentences: "Goodput". */
  heading: string;
  moreIsBetter: boolean;
}

/** What a number of the workload is: how its values are written. */
export type AxisQuantity = 'bytes' | 'count' | 'bits';

export interface AxisKind {
  name: string;
  quantity: AxisQuantity;
}

/** One forwarder along the axis. */
export interface AxisSeries {
  forwarder: string;
  /** What it is, whatever its label says. */
  use: string;
  isBaseline: boolean;
  /** One per value of the axis; null where it has no figure. */
  figures: (Figure | null)[];
  crossover: Crossover | null;
}

export interface AxisReport extends AxisKind {
  /** Unique in the run: letters, digits and dashes. */
  slug: string;
  scenario: string;
  /** What the conditions have in common, for the title. */
  cell: CellReport;
  baseline: string;
  /** Ascending. */
  values: number[];
  series: AxisSeries[];
  /** The figure that the series are of. */
  subject: Subject;
  /** Of offered rates: Gbps that arrived at each; null for other axes. */
  passed: { forwarder: string; gbps: (number | null)[] }[] | null;
}
