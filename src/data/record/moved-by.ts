/** Which kinds of calls moved a forwarder's bytes: whether "zero copy" is what happened. */

/** Kinds of calls, as reports name them. */
export const CALL_KINDS = ['splice', 'recv and send', 'sendfile', 'io_uring', 'no call'] as const;
export type CallKind = (typeof CALL_KINDS)[number];

/** Of a trial with a forwarder. */
export interface MovedBy {
  /** Shares of all bytes that calls moved, 0 to 1, those above 0; null = unknown, `reason` says why. */
  shares: Partial<Record<CallKind, number>> | null;
  /** `own`: the forwarder counted all its calls; `perf`: sampled by a tracepoint after the window. */
  source: 'own' | 'perf' | null;
  reason: string | null;
  /** What the program itself counts since it was started; absent where it does not. */
  program?: ProgramCounters;
}

/** Bytes that a program has sent, and how many of them it spliced, by its own account. */
export interface ProgramCounters {
  bytes: number;
  spliced: number;
}

/** What MovedBy is made of: calls by name with their bytes. */
export type MovedCalls = Record<string, { calls: number; bytes: number }>;

const KINDS: Readonly<Record<string, CallKind>> = {
  splice: 'splice',
  tee: 'splice',
  vmsplice: 'splice',
  'io_uring:splice': 'splice',
  sendfile: 'sendfile',
  copy_file_range: 'sendfile',
  recvfrom: 'recv and send',
  recvmsg: 'recv and send',
  read: 'recv and send',
  readv: 'recv and send',
  sendto: 'recv and send',
  sendmsg: 'recv and send',
  write: 'recv and send',
  writev: 'recv and send',
  pwrite64: 'recv and send',
  'io_uring:recv': 'io_uring',
  'io_uring:send': 'io_uring',
  'io_uring:send_zc': 'io_uring',
};
/** Marks of a window are not taken at one instant: less than this may be missing by that alone. */
const UNSEEN = 0.1;

/**
 * Shares by kind of call. Every byte is moved twice, in and out; what fewer calls than that account for was
 * moved by the kernel without any.
 * @param forwarded bytes that came out meanwhile; null = not known, so that nothing is said of "no call"
 * @returns null where nothing was moved
 */
export function sharesByKind(
  calls: MovedCalls,
  forwarded: number | null,
): Partial<Record<CallKind, number>> | null {
  const sums = new Map<CallKind, number>();
  let total = 0;
  for (const [name, { bytes }] of Object.entries(calls)) {
    const kind = KINDS[name];
    if (kind === undefined || bytes <= 0) continue;
    sums.set(kind, (sums.get(kind) ?? 0) + bytes);
    total += bytes;
  }
  const missing = forwarded === null ? 0 : 2 * forwarded - total;
  if (forwarded !== null && missing > UNSEEN * 2 * forwarded) {
    sums.set('no call', missing);
    total += missing;
  }
  if (total === 0) return null;
  const shares: Partial<Record<CallKind, number>> = {};
  for (const kind of CALL_KINDS) {
    const bytes = sums.get(kind);
    if (bytes !== undefined) shares[kind] = Math.round((bytes / total) * 1e4) / 1e4;
  }
  return shares;
}
