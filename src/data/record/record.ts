/**
 * The stored records of a run. Everything a report says is a pure function of these.
 * Field names that are written out as columns or keys are snake_case, exactly as there: users' scripts rely on them.
 */
import type { RoundChoice } from './plan.js';
import type { HostNoise } from './host-noise.js';
import type {
  EnvironmentChange,
  HostEnvironment,
  InterfaceEnvironment,
  StartWarning,
} from './environment-record.js';
import type { MovedBy } from './moved-by.js';
import type { RestRecord } from './rest-record.js';
import type { ScriptOutcome } from './script-outcome.js';
import type { TrialColumns } from './trial-columns.js';
import type { ConnectionOutcomes, IncidentClass } from './words.js';

/** Raised when a stored record changes incompatibly; readers refuse a version they do not know. */
export const RECORD_VERSION = 1;

export type CallSide = 'in' | 'out' | 'within';

/** One call of a forwarder, as the flight recorder, strace or the call recorder has it. */
export interface RecordedCall {
  /** Seconds since the forwarder's loop started. */
  t: number;
  name: string;
  /** Twice the number of the connection, in the order of accepting; one more of what goes up. */
  flow: number;
  /** Bytes asked for. */
  asked: number;
  /** Bytes moved, 0 at end of stream, or a negative errno. */
  got: number;
  /** Stream offset of the first byte this call moved, in its direction. */
  offset: number;
  /** Taken from the input socket, given to the output, or moved between them: to a mirror, a file, a pipe. */
  side?: CallSide;
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

/** What the kernel said of the pages that a source sent by reference. */
export interface PreparedPages {
  pages: number;
  /** Runs of them that follow one another in physical memory; null = hidden from who has no CAP_SYS_ADMIN. */
  runs: number | null;
  /** Bytes of them in transparent huge pages; null = not told. */
  huge_bytes: number | null;
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
  transfer_fates?: ConnectionOutcomes;
  /** Role name to the CPUs it ran on. */
  placement: Record<string, number[]>;
  /** What limits the trial, in words, e.g. "forwarder CPU 99 % busy". */
  bottleneck_reason: string | null;
  /** Version of the program measured, for a command or proxy. */
  forwarder_version: string | null;
  /** How the mechanism ran here: pipe size granted, buffer, and so on. */
  forwarder_detail: Record<string, string | number | boolean>;
  /** What was asked of the program and did not happen, sentences without a subject; absent = nothing known. */
  asked_in_vain?: string[];
  /**
   * Of an arm of a set, in the order of its rounds: the row's figures are made of them. Absent in trials that
   * ran alone, and in what was stored before.
   */
  slices?: SliceSeries;
  /** Of an arm of a set: which, and how many arms it has; absent like `slices`, but there when it failed. */
  set?: {
    id: string;
    arms: number;
    /**
     * From its begin to after its processes had ended, which themselves may have been started when the set
     * before was being ended; absent in what was stored before.
     */
    seconds?: number;
    /** Where earlier sets decided how many rounds it has. */
    choice?: RoundChoice;
  };
  /** Why it ran alone although forwarders take turns, in words; absent where it did not. */
  ran_alone?: string;
  /** Of each source that sent prepared pages; absent in other trials, and in what was stored before. */
  prepared_pages?: PreparedPages[];
  /** Of trials of a script only. */
  script?: ScriptOutcome;
  /** Of exchanges, churn and http with at least one answer, µs; absent in others. */
  latency_mean_us?: number;
  /** Of streams through a forwarder; absent in other trials, and in what was stored before. */
  rest?: RestRecord;
  /** Of trials with a forwarder; absent in others, and in what was stored before. */
  moved_by?: MovedBy;
}

/** The slices of one arm in one set, by round; columns, since there are hundreds. */
export interface SliceSeries {
  /** Slices of the same set pair by round. */
  set: string;
  /** Left out at the begin of each slice, seconds. */
  settle: number;
  round: number[];
  /** Turn inside the round, from 1. */
  turn: number[];
  /** Measured seconds, and the bytes received in them. */
  seconds: number[];
  bytes: number[];
  /** Of the whole slice, from drained to drained. */
  all_bytes: number[];
  /** Forwarder CPU seconds of the whole slice; null = there is no forwarder. */
  cpu_seconds: (number | null)[];
  /** Seconds that the hypervisor gave to others meanwhile. */
  stolen: number[];
  /**
   * Rounds in which time was stolen from a slice of any arm of the set, and those of them that are left out
   * of all figures of all its arms; absent in what was stored before, as those below.
   */
  disturbed?: number[];
  left_out?: number[];
  /**
   * Nanoseconds of a cache line's round trip between the forwarder's CPU and the ends', the longer of before
   * and after the slice; null = not known. And the rounds in which it showed the CPUs apart.
   */
  line_ns?: (number | null)[];
  apart?: number[];
  /**
   * Nanoseconds of a fixed piece of work on the forwarder's CPU and on the ends', the longer of before and after
   * the slice; null = not known. And the rounds in which it showed that something else shared the core of either
   * in this arm's slice; they are among those left out of this arm's figures, where they were the fewer of the set.
   */
  work_ns?: (number[] | null)[];
  shared?: number[];
  /**
   * Nanoseconds that a thread waited for the forwarder's CPU and for the ends' while nothing flowed, the longer of
   * before and after the slice; null = not known. And the rounds in which it showed that other tasks wanted either
   * CPU in this arm's slice; they are left out of this arm's figures, unless hardly any of the set would be left.
   */
  wait_ns?: (number[] | null)[];
  contended?: number[];
  /**
   * Shares of the time of the set's slices in which some task of the machine waited for a CPU, for memory, for a
   * disk (PSI), and the rounds in which they were unusual, which are kept; absent where the kernel tells none.
   */
  pressure?: Readonly<Record<'cpu' | 'memory' | 'io', number>>;
  pressed?: number[];
  /** Seconds that all rounds took, of all arms and those that do not count, and how many these were. */
  took?: number;
  rounds_run?: number;
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
  /** What `splicebench noise` had found of this host when the run began; absent where it was not run. */
  noise?: HostNoise;
}
