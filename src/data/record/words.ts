/** Words that records are made of: outcomes, directions, classes of incidents. */

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

/** What became of one connection, by its worst outcome; `failed` = it did not end in order. */
export type ConnectionOutcome = Exclude<Outcome, 'unchecked'>;
export const CONNECTION_OUTCOMES = OUTCOMES.filter(
  (outcome): outcome is ConnectionOutcome => outcome !== 'unchecked',
);
/** Connections of a trial by what became of them. */
export type ConnectionOutcomes = Record<ConnectionOutcome, number>;

export const CHECKS = ['full', 'none'] as const;
export type Check = (typeof CHECKS)[number];
/**
 * Bytes that nobody compares: pages made once, given by reference and discarded in the kernel, or sent
 * from and received into ordinary buffers.
 */
export const PAYLOADS = ['prepared', 'copied'] as const;
export type Payload = (typeof PAYLOADS)[number];
/**
 * Kinds of the pages of `payload: prepared`: single ones of 4 KiB that do not lie next to each other in physical
 * memory, or parts of one huge page.
 */
export const PAGES = ['4KiB', 'contiguous'] as const;
export type Pages = (typeof PAGES)[number];
/** What a proxy sends to the upstream before each stream: a header of the PROXY protocol. */
export const PREFIXES = ['proxy-v1', 'proxy-v2'] as const;
export type Prefix = (typeof PREFIXES)[number];
/** Where streams of bytes go; `exchange` is requests one way and responses the other. */
export type StreamDirection = 'download' | 'upload' | 'both';
export type Direction = StreamDirection | 'exchange';
export type WorkloadKind = 'stream' | 'exchange' | 'churn' | 'http' | 'script';
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
  'allocator',
  'unknown',
] as const;
export type IncidentClass = (typeof INCIDENT_CLASSES)[number];

/** What a ratio's interval says: all of it above 1, below 1, within the margin of equivalence, or none of these. */
export type Answer = 'higher' | 'lower' | 'equivalent' | 'undecided';
