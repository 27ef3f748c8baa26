/**
 * The stored records of a run. Everything a report says is a pure function of these.
 * Field names that are also columns or keys of the contract are snake_case, exactly as written out.
 */
import type {
  EnvironmentChange,
  HostEnvironment,
  InterfaceEnvironment,
  StartWarning,
} from './environment-record.js';

/** Raised when a stored record changes incompatibly; readers refuse a version they do not know. */
export const RECORD_VERSION = 1;

/**
 * How a trial's streams ended. `unchecked` is the best outcome of a `check: none` trial: counts and
 * end of stream were right, the contents were not looked at, so it must not be called intact.
 */
export const OUTCOMES = [
  'intact',
  'unchecked',
  'corrupt',
  'truncated',
  'extra',
  'stalled',
  'reset',
  'failed',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Outcomes that are an integrity violation (exit code 3). */
export const VIOLATIONS: readonly Outcome[] = ['corrupt', 'truncated', 'extra'];

/** What became of one connection, by the worst that befell it; `failed` = it did not end in order. */
export type Fate = Exclude<Outcome, 'unchecked'>;
export const FATES = OUTCOMES.filter((outcome): outcome is Fate => outcome !== 'unchecked');
/** Connections of a trial by what became of them. */
export type Fates = Record<Fate, number>;

export type Check = 'full' | 'none';
/** Where streams of bytes go; `exchange` is requests one way and responses the other. */
export type StreamDirection = 'download' | 'upload' | 'both';
export type Direction = StreamDirection | 'exchange';
export type WorkloadKind = 'stream' | 'exchange' | 'churn' | 'http';
export const BOTTLENECKS = ['forwarder', 'source', 'sink', 'link', 'pacing', 'unknown'] as const;
export type Bottleneck = (typeof BOTTLENECKS)[number];

export const INCIDENT_CLASSES = [
  'bit-flip',
  'zeros',
  'misplaced',
  'foreign',
  'decoy',
  'missing',
  'inserted',
  'unknown',
] as const;
export type IncidentClass = (typeof INCIDENT_CLASSES)[number];

/** One call kept by the flight recorder of a built-in forwarder. */
export interface RecordedCall {
  /** Seconds since the forwarder's loop started. */
  t: number;
  name: string;
  flow: number;
  asked: number;
  /** Bytes moved, 0 at end of stream, or a negative errno. */
  got: number;
  /** Stream offset of the first byte this call moved, in its direction. */
  offset: number;
  /** Taken from the input socket, or given to the output. */
  side?: 'in' | 'out';
  /** The port the session's client connected from. */
  port?: number;
}

/** A maximal stretch of a received stream that is not what was sent. A line of incidents.jsonl. */
export interface Incident {
  connection: number;
  direction: 'down' | 'up';
  /** Offset in the received stream, bytes. */
  offset: number;
  /** Bytes of the stretch; for `missing` the bytes lost. */
  length: number;
  class: IncidentClass;
  origin_connection?: number;
  origin_direction?: 'down' | 'up';
  /** Of decoys: which one's, numbered from 0, and what it kept the bytes in. */
  origin_decoy?: number;
  origin_place?: 'memory' | 'pipe' | 'socket' | 'terminal';
  /** Offset in the origin's stream, bytes. */
  origin_offset?: number;
  /** At most 256 bytes, from `offset` on. */
  expected_hex: string;
  received_hex: string;
  /** Shannon entropy in bits per byte and share of printable ASCII, for `unknown`. */
  entropy?: number;
  printable?: number;
  /** The largest segment that the receiving end got, bytes. */
  mss?: number;
  /** Offset in the sent stream, where bytes missing or too many before it made it another; else absent. */
  source_offset?: number;
  calls?: RecordedCall[];
  /** Why there are no calls, where that is known; absent where there are, and where it is not. */
  calls_absent?: string;
}

export interface StoredIncident extends Incident {
  trial_id: string;
  forwarder: string;
}

/** Cumulative counts of one system call, or operation of an io_uring, by one forwarder. */
export interface CallCount {
  calls: number;
  eagain: number;
  bytes: number;
  /** histogram[k] = calls that moved 2^(k-1) < bytes <= 2^k; histogram[0] = calls that moved 1 byte. */
  histogram: number[];
}

/** Points of a time series: seconds from the start of the measured window, and Gbps up to then. */
export interface SeriesPoint {
  t: number;
  gbps: number;
}

/** What the columns of trials.csv hold. null = unavailable, with the reason under `unavailable`. */
export interface TrialColumns {
  run_id: string;
  trial_id: string;
  block: number;
  position: number;
  scenario: string;
  topology: string;
  forwarder: string;
  direction: Direction;
  connections: number;
  message_bytes: number | null;
  check: Check;
  outcome: Outcome;
  bottleneck: Bottleneck | null;
  /** Length of the measured window by the sink's clock. */
  seconds: number | null;
  /** Bytes the sink took in the window. */
  bytes: number | null;
  goodput_gbps: number | null;
  forwarder_cpu_seconds: number | null;
  forwarder_cpu_seconds_per_gb: number | null;
  system_cpu_seconds_per_gb: number | null;
  syscalls: number | null;
  syscalls_per_gb: number | null;
  bytes_per_syscall: number | null;
  syscall_source: 'perf' | 'own' | 'strace' | null;
  latency_p50_us: number | null;
  latency_p99_us: number | null;
  latency_p999_us: number | null;
  /** Bytes compared over the whole trial, warm-up and drain included. */
  verified_bytes: number | null;
  incidents: number | null;
  corrupted_bytes: number | null;
  missing_bytes: number | null;
  extra_bytes: number | null;
  kernel_memory_peak_bytes: number | null;
  retransmits: number | null;
  error: string | null;
  /** Further columns, after the contract's. Utilisation is CPU seconds per second of the window. */
  forwarder_utilisation: number | null;
  source_utilisation: number | null;
  sink_utilisation: number | null;
  context_switches: number | null;
  /** Kind of the workload. */
  workload: WorkloadKind;
  /** Exchanges: responses that came in the window, per second by the client's clock. */
  requests: number | null;
  requests_per_second: number | null;
  /** Requests per second that an open loop was to send; null = closed loop. */
  intended_rate: number | null;
  /** Requests per second of the closed loop that `load` is a share of. */
  capacity_per_second: number | null;
  /** Churn: connections of the window that ended with everything, per second. */
  connections_per_second: number | null;
  /** Connections begun in the whole trial, and those of them that did not end with everything. */
  transfers: number | null;
  transfers_failed: number | null;
  /** Share of the completed zero-copy sends whose bytes the kernel did not copy after all. */
  zero_copy_share: number | null;
  /** Packets the forwarder received from whoever sends; a coalesced one counts once. */
  packets: number | null;
  bytes_per_packet: number | null;
  /** Packets that the links' interfaces dropped or found damaged. */
  packet_drops: number | null;
  /** Sent and received by the network cards during the whole trial. */
  pause_frames: number | null;
  softirq_cpu_seconds_per_gb: number | null;
  /** The forwarder ran under strace: its speed is not a speed. Absent in what was stored before. */
  under_strace?: boolean;
  /**
   * Speed of the slowest network card between the parts, Gbps; null where there is none or it does not
   * say. Absent in what was stored before.
   */
  link_gbps?: number | null;
  /**
   * True where parts that talk to each other share a machine with no network card between them. Absent on
   * loopback and veth, which never cross a wire.
   */
  emulated?: boolean;
  /** The most that the kernel held of the streams and no socket accounts for; see `backlogOf`. */
  backlog_peak_bytes: number | null;
  /** What was dropped of it at the end of the streams. */
  lost_bytes: number | null;
  /**
   * Memory of the forwarder's process tree: the greater of what it held before the window's begin and
   * after its end. Absent in what was stored before.
   */
  forwarder_memory_bytes?: number | null;
}

/** One line of trials.jsonl. */
export interface TrialRecord extends TrialColumns {
  version: typeof RECORD_VERSION;
  /** Column name to the reason why it is null. */
  unavailable: Partial<Record<keyof TrialColumns, string>>;
  /** The expanded condition this trial belongs to; trials compare only within a cell. */
  cell: string;
  /** ISO 8601. */
  started: string;
  series: SeriesPoint[];
  /** Forwarder calls in the window, by name; null when nothing counted them. */
  calls: Record<string, CallCount> | null;
  incidents_by_class: Partial<Record<IncidentClass, number>>;
  /** Of trials that checked the bytes; absent in others, and in what was stored before. */
  transfer_fates?: Fates;
  /** Role name to the CPUs it ran on. */
  placement: Record<string, number[]>;
  /** What limits the trial, in words, e.g. "forwarder CPU 99 % busy". */
  bottleneck_reason: string | null;
  /** Version of the program measured, for a command or proxy. */
  forwarder_version: string | null;
  /** How the mechanism ran here: pipe size granted, buffer, and so on. */
  forwarder_detail: Record<string, string | number | boolean>;
}

/** One row of summary.csv: one metric of one forwarder in one cell. */
export interface SummaryRow {
  scenario: string;
  topology: string;
  forwarder: string;
  baseline: string;
  check: Check;
  metric: string;
  unit: string;
  n: number;
  median: number | null;
  ci_low: number | null;
  ci_high: number | null;
  ratio: number | null;
  ratio_ci_low: number | null;
  ratio_ci_high: number | null;
  /** null when there is no ratio (the baseline itself, or nothing to pair) or no interval of it. */
  significant: boolean | null;
  /** Further columns. */
  direction: Direction;
  connections: number;
  message_bytes: number | null;
  /** True when endpoints limited either side: the ratio is then a lower bound. */
  lower_bound: boolean;
  cell: string;
  /** Trials of the forwarder in the cell, of any outcome; `n` of them gave this figure. */
  trials: number;
  /** Those that failed, were reset, stalled or truncated: their speed would mean nothing. */
  excluded: number;
  /** Blocks in which both the forwarder and the baseline gave the figure. */
  pairs: number;
  /** Why there is no interval, in words; null when there is one. */
  no_interval: string | null;
  /** Kind of the workload; absent in what was stored before there were kinds. */
  workload?: WorkloadKind;
  /** Why the forwarder was left out of the cell, which has then one row with n = 0; null when it was not. */
  unavailable: string | null;
  /**
   * Of goodput: what limited the forwarder in more than half of its trials; null where nothing did so
   * often. Absent in what was stored before.
   */
  limited_by?: Bottleneck | null;
}

/** What `splicebench selftest` has shown on this host before the run. */
export type ProvenDetectors =
  | {
      state: 'tested';
      /** ISO 8601. */
      when: string;
      proven: string[];
      unproven: string[];
      unavailable: string[];
    }
  /** `reason`, in words, e.g. "no selftest was made on this host". */
  | { state: 'untested'; reason: string };

/** A forwarder that a scenario names and that was left out of the run. */
export interface Unavailable {
  scenario: string;
  forwarder: string;
  /** The cell in which it cannot take part; null = none of the scenario's. */
  cell: string | null;
  /** In words, e.g. "haproxy not found (apt-get install haproxy)". */
  reason: string;
}

/** run.json */
export interface RunManifest {
  version: typeof RECORD_VERSION;
  run_id: string;
  splicebench: string;
  started: string;
  /** null while running or when interrupted. */
  finished: string | null;
  interrupted: boolean;
  /** Decimal digits: a 64-bit value does not fit a JSON number. */
  seed: string;
  /** Normalised scenarios, as validated. */
  scenarios: unknown[];
  environment: HostEnvironment[];
  /** The environment once more after the last trial; absent where none was run, and in what was stored before. */
  environment_after?: HostEnvironment[];
  /** What differs between the two. */
  environment_changes?: EnvironmentChange[];
  /** What spoils this run, as it was found at its start; absent in what was stored before. */
  warnings?: StartWarning[];
  /** The interfaces after the last trial, as they were stored before there was `environment_after`. */
  interfaces_after?: InterfaceEnvironment[];
  /** Why each cell stopped, by cell. */
  stopping: Record<string, string>;
  /** Forwarders left out, since they cannot run here or under a cell's workload. */
  unavailable?: Unavailable[];
  /** Absent in runs of versions that knew no selftest. */
  detectors?: ProvenDetectors;
}
