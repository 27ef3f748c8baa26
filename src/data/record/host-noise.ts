/** What `splicebench noise` has found of a host, as it is kept, and quoted by later runs. */

/** Seconds of which it is said what they can show. */
export const HORIZONS = [10, 60, 600] as const;

/** The smallest difference, as a fraction, that four of five runs of so many seconds show; null = none can. */
export interface Shown {
  seconds: number;
  difference: number | null;
  /** The sets and rounds that do it. */
  sets: number | null;
  rounds: number | null;
}

/** Standard deviations as fractions: what repeated measurements of one figure differ by. */
export interface NoiseParts {
  /** Of the figure itself between sets: drift of the host, which pairing takes out. */
  host: number;
  /** Of the ratio between sets, beyond what their slices explain: other processes, other memory. */
  process: number;
  /** Of the ratio of two slices of one round; null where slices do not have the figure. */
  slice: number | null;
}

export interface MetricNoise {
  metric: string;
  /** Of the forwarder against itself, with its 95 % interval: 1 where nothing is wrong. */
  ratio: number;
  low: number | null;
  high: number | null;
  shown: Shown[];
  parts: NoiseParts;
}

export interface HostNoise {
  version: 1;
  host: string;
  kernel: string;
  splicebench: string;
  build?: string | undefined;
  /** ISO 8601. */
  finished: string;
  seconds: number;
  forwarder: string;
  sets: number;
  /** Of each set. */
  rounds: number;
  /** Seconds. */
  cost: { set: number; round: number };
  /** CPU time that the hypervisor gave to others, of all the time of all CPUs. */
  stolen: number;
  metrics: MetricNoise[];
  /** What would reduce it, a sentence each, the greatest part first. */
  advice: string[];
}
