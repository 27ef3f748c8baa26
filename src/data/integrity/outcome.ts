/** How a trial's streams ended, from what both ends counted. Pure. */
import { noun } from '../../base/units/quantity.js';
import type { Check, Outcome, StreamDirection } from '../record/words.js';
import type { CheckTotals, EndpointResults } from '../native/native-surface.js';

/** What is known once a trial is over. One entry per direction that carried data. */
export interface TrialEnd {
  check: Check;
  streams: StreamEnd[];
  connections: number;
  /** Of ends, among which the connections are shared; absent = one. */
  pairs?: number;
}

export interface StreamEnd {
  direction: Exclude<StreamDirection, 'both'>;
  /** Bytes sent by connection number, as pairs. */
  sent: [number, number][];
  /** What the sending and the receiving end counted. */
  sender: EndpointResults;
  receiver: EndpointResults;
  /** The receiving end saw no progress for the stall limit while unfinished. */
  stalled: boolean;
}

export interface Judgement {
  outcome: Outcome;
  /** In words, for anything but intact and unchecked. */
  reason: string | null;
}

/** The error of a connection that was ended from outside, by whoever runs the trial. */
export const CANCELLED = 'ECANCELED';

/**
 * The outcome of a trial. What a receiver is not told of comes before what it is told: wrong bytes,
 * then ends that came too early or too late in good order, even where another connection, or the
 * same one at its sending end, was reset. Then what was not delivered: stalled, reset. A stream
 * without its end is not intact, even when nothing else is known against it.
 */
export function judgeTrial(end: TrialEnd): Judgement {
  const rules = [incidents, unknownConnections, truncations, extras, stalls, resets, unfinished];
  for (const rule of rules) {
    for (const stream of end.streams) {
      const found = rule(stream, end);
      if (found !== null) return found;
    }
  }
  return { outcome: end.check === 'full' ? 'intact' : 'unchecked', reason: null };
}

/** What a forwarder's death cannot explain: bytes that are wrong, and those of which none is missing. */
const WHATEVER_DIED: readonly Outcome[] = ['corrupt', 'extra', 'intact', 'unchecked'];

/**
 * Why a trial failed whose forwarder died: where nothing is known against its bytes but that they ended,
 * its death is the reason, and not what it forwarded.
 * @param died how; null = it did not
 * @returns null = the judgement stands
 */
export function failureByDeath({ outcome }: Judgement, died: string | null): string | null {
  return died === null || WHATEVER_DIED.includes(outcome) ? null : `forwarder died: ${died}`;
}

/** Whether every connection of these streams has ended in order, whatever its bytes were. */
export function endedInOrder(streams: readonly StreamEnd[]): boolean {
  return streams.every(
    ({ stalled, receiver }) =>
      !stalled && receiver.connections.every((connection) => connection.orderly),
  );
}

type Rule = (stream: StreamEnd, end: TrialEnd) => Judgement | null;

const incidents: Rule = ({ direction, receiver }) => {
  const { incidents: count, byClass } = receiver.totals;
  if (count === 0) return null;
  const classes = Object.entries(byClass)
    .map(([name, times]) => `${times} ${name}`)
    .join(', ');
  return {
    outcome: 'corrupt',
    reason: `${direction}: ${count} ${noun(count, 'incident')} (${classes})`,
  };
};

/** Each connection's bytes must come out of one connection: no number twice, none that was not sent. */
const unknownConnections: Rule = ({ direction, receiver, sent }, { check, connections }) => {
  if (check !== 'full' || connections < 2) return null;
  const opened = new Set(sent.map(([connection]) => connection));
  const seen = new Set<number>();
  for (const { connection, received } of receiver.connections) {
    if (received === 0) continue;
    if (seen.has(connection)) {
      const reason = `${direction}: the bytes of connection ${connection} arrived on two connections`;
      return { outcome: 'corrupt', reason };
    }
    if (!opened.has(connection)) {
      const reason = `${direction}: bytes of connection ${connection} arrived, which was not opened`;
      return { outcome: 'corrupt', reason };
    }
    seen.add(connection);
  }
  return null;
};

const stalls: Rule = ({ direction, stalled, receiver }) => {
  if (!stalled) return null;
  const open = receiver.connections.filter(({ orderly }) => !orderly).length;
  return {
    outcome: 'stalled',
    reason: `${direction}: ${open} ${noun(open, 'connection')} made no progress`,
  };
};

const resets: Rule = ({ direction, receiver, sender }) => {
  for (const end of [receiver, sender]) {
    const broken = end.connections.filter(({ error }) => error !== null);
    const first = broken[0];
    if (first === undefined) continue;
    const which = end === receiver ? 'receiving' : 'sending';
    return {
      outcome: 'reset',
      reason: `${direction}: ${broken.length} ${noun(broken.length, 'connection')} ended with ${first.error ?? 'an error'} at the ${which} end`,
    };
  }
  return null;
};

const truncations: Rule = (stream, { check }) => {
  const missing = check === 'full' ? endBytes(stream).missing : Math.max(0, difference(stream));
  if (missing === 0) return null;
  return {
    outcome: 'truncated',
    reason: `${stream.direction}: the last ${missing} ${noun(missing, 'byte')} never arrived`,
  };
};

const extras: Rule = (stream, { check }) => {
  const extra = check === 'full' ? endBytes(stream).extra : Math.max(0, -difference(stream));
  if (extra === 0) return null;
  return {
    outcome: 'extra',
    reason: `${stream.direction}: ${extra} ${noun(extra, 'byte')} more than were sent`,
  };
};

const unfinished: Rule = ({ direction, receiver }, { connections, pairs = 1 }) => {
  const orderly = receiver.connections.filter((connection) => connection.orderly).length;
  const share = connections / pairs;
  if (orderly >= share) return null;
  const reason = `${direction}: ${orderly} of ${share} ${noun(share, 'connection')} ended in order`;
  return { outcome: 'failed', reason };
};

/**
 * What a checker found in a stream, with what was lost or added at the ends of its connections, which
 * is no incident: there are no wrong bytes to show.
 */
export function totalsOfStream(stream: StreamEnd): CheckTotals {
  const { totals } = stream.receiver;
  const { missing, extra } = endBytes(stream);
  return { ...totals, missing: totals.missing + missing, extra: totals.extra + extra };
}

/** Bytes that never came before an end in good order, and bytes that came after the last one. */
function endBytes({ receiver, stalled }: StreamEnd): { missing: number; extra: number } {
  const bytes = { missing: 0, extra: 0 };
  for (const { orderly, cut = 0, beyondEnd = 0 } of receiver.connections) {
    // A stream that stalled was ended from outside, in good order at the far end perhaps.
    if (orderly && !stalled) bytes.missing += cut;
    bytes.extra += beyondEnd;
  }
  return bytes;
}

/**
 * Bytes sent minus bytes received, over all connections; 0 where fewer came because one of them broke
 * or stalled.
 */
function difference({ sent, receiver, stalled }: StreamEnd): number {
  const total = sent.reduce((sum, [, bytes]) => sum + bytes, 0);
  const left = receiver.connections.reduce((rest, { received }) => rest - received, total);
  const told = stalled || receiver.connections.some(({ orderly }) => !orderly);
  return told ? Math.min(0, left) : left;
}
