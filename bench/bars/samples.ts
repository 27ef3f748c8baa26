/** What `make bars` stores beside the trials: a line of measurements.jsonl each. */
import type { RecorderSample } from '../recorder/samples.js';

export const MEASUREMENTS_FILE = 'measurements.jsonl';

/** GB/s on a buffer of one size, taken within milliseconds of each other. */
export interface MemorySample {
  kind: 'memory';
  engine: string;
  bytes: number;
  memcpy: number;
  fill: number;
  match: number;
}

/** Many connections that were open at once and moved nothing but their first bytes. */
export interface IdleSample {
  kind: 'idle';
  mechanism: string;
  asked: number;
  /** Connections that came up through the forwarder, and moved their first bytes. */
  held: number;
  failed: number;
  /** Anonymous resident memory that the forwarder's process gained, bytes. */
  resident_bytes: number;
  /** Kernel slab memory that the host gained, bytes: for all sockets, the endpoints' too. */
  slab_bytes: number | null;
  /** Pipes and descriptors that the forwarder gained and had open while all were idle. */
  pipes: number;
  descriptors: number;
  /** Why fewer were asked for than wanted, or why it failed; null = neither. */
  note: string | null;
}

/** A program that cannot take part, and why. */
export interface Missing {
  kind: 'missing';
  label: string;
  reason: string;
}

export type Measurement =
  ((RecorderSample | MemorySample) & { block: number }) | IdleSample | Missing;
