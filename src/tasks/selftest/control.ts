/** What a control is: a stream of which it is known beforehand what the checker has to say. */
import type { Handover } from '../../data/native/native-surface.js';
import type { IncidentClass, Outcome } from '../../data/record/words.js';
import type { Incident, TrialRecord } from '../../data/record/record.js';
import type { StreamWorkload } from '../../data/record/plan.js';
import { PLAIN_STREAM } from '../../experiment/workload/schema.js';

/** What is proven, by name: classes of incidents, outcomes of streams, and what both rest on. */
export const DETECTORS = [
  'bit-flip',
  'zeros',
  'misplaced',
  'foreign',
  'decoy',
  'missing',
  'inserted',
  'unknown',
  'truncated',
  'extra',
  'stalled',
  'reset',
  'overwritten memory',
  'incidence',
  'no false alarm',
] as const;
export type Detector = (typeof DETECTORS)[number];

/** A source that writes over bytes it has given to the kernel. */
export type FaultySource =
  | { kind: 'overwriting'; handover: Handover; settled: 'arrived' | 'stuck' }
  | { kind: 'graded'; every: number };

/** An incident as it must be told. What is left out may be anything. */
export interface ExpectedIncident {
  class: IncidentClass;
  offset: number;
  length: number;
  connection?: number;
  origin?: { connection?: number; offset: number };
}

/** What has to come out. */
export type ControlExpectation =
  /** Exactly these incidents, in this order of connection and offset. */
  | { kind: 'incidents'; incidents: readonly ExpectedIncident[] }
  /** This end, for which `reason` must be found in the words. */
  | { kind: 'outcome'; outcome: Outcome; reason: string }
  /** Everything that was written over arrived so, and was found to be decoys. */
  | { kind: 'overwritten' }
  /** A buffer was filled again too early: later bytes of the stream came in place of earlier ones. */
  | { kind: 'reused' }
  /** Something was written over, and none of it arrived. */
  | { kind: 'untouched' }
  /** One page in so many, found as such. */
  | { kind: 'incidence'; every: number }
  /** Nothing was done to the stream, and nothing is found. */
  | { kind: 'nothing' };

export interface Control {
  /** Shown in the table. */
  name: string;
  detector: Detector;
  forwarder: { use: string; options?: Record<string, unknown> };
  /** What differs from the usual stream; see workloadOf. */
  workload: Partial<StreamWorkload> & { bytes: number };
  source?: FaultySource;
  expect: ControlExpectation;
}

/** A control's whole workload. */
export function workloadOf({ workload }: Control): StreamWorkload {
  return { ...USUAL, ...workload };
}

const USUAL: StreamWorkload = { ...PLAIN_STREAM, seconds: 0, warmup: 0 };

/** `unavailable`: it cannot happen on this host, so that nothing can be said. Never a pass. */
export type ControlVerdict = 'proven' | 'unproven' | 'unavailable';

export interface ControlResult {
  name: string;
  verdict: ControlVerdict;
  /** What was seen, in words. */
  evidence: string;
}

/** What a control's trial yielded. */
export interface Seen {
  record: TrialRecord;
  incidents: readonly Incident[];
  /** Bytes that the source wrote over. */
  overwritten: number;
}
