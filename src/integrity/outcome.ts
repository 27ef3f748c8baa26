/** How a trial's streams ended, from what both ends counted. Pure. */
import type { Check, Outcome, StreamDirection } from '../results/record.js';
import type { EndpointResults } from '../native-surface.js';

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

/**
 * The outcome of a trial. Wrong bytes come before everything: a stream that was corrupt and then
 * stalled is corrupt. Then what was not delivered, in the order of how much it says: stalled, reset,
 * truncated, extra. A stream without its end is not intact, even when nothing else is known against it.
 */
export function judgeTrial(end: TrialEnd): Judgement {
  const rules = [incidents, strangers, stalls, resets, truncations, extras, unfinished];
  for (const rule of rules) {
    for (const stream of end.streams) {
      const found = rule(stream, end);
      if (found !== null) return found;
    }
  }
  return { outcome: end.check === 'full' ? 'intact' : 'unchecked', reason: null };
}

type Rule = (stream: StreamEnd, end: TrialEnd) => Judgement | null;

const incidents: Rule = ({ direction, receiver }) => {
  const { incidents: count, byClass } = receiver.totals;
  if (count === 0) return null;
  const classes = Object.entries(byClass)
    .map(([name, times]) => `${times} ${name}`)
    .join(', ');
  return { outcome: 'corrupt', reason: `${direction}: ${count} incidents (${classes})` };
};

/** Each connection's bytes must come out of one connection: no number twice, none that was not sent. */
const strangers: Rule = ({ direction, receiver, sent }, { check, connections }) => {
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
  return { outcome: 'stalled', reason: `${direction}: ${open} connections made no progress` };
};

const resets: Rule = ({ direction, receiver, sender }) => {
  for (const end of [receiver, sender]) {
    const broken = end.connections.filter(({ error }) => error !== null);
    const first = broken[0];
    if (first === undefined) continue;
    const which = end === receiver ? 'receiving' : 'sending';
    return {
      outcome: 'reset',
      reason: `${direction}: ${broken.length} connections ended with ${first.error ?? 'an error'} at the ${which} end`,
    };
  }
  return null;
};

const truncations: Rule = (stream, { check }) => {
  const cut = check === 'full' ? sum(stream, 'cut') : Math.max(0, difference(stream));
  if (cut === 0) return null;
  return {
    outcome: 'truncated',
    reason: `${stream.direction}: the last ${cut} bytes never arrived`,
  };
};

const extras: Rule = (stream, { check }) => {
  const extra = check === 'full' ? sum(stream, 'beyondEnd') : Math.max(0, -difference(stream));
  if (extra === 0) return null;
  return { outcome: 'extra', reason: `${stream.direction}: ${extra} bytes more than were sent` };
};

const unfinished: Rule = ({ direction, receiver }, { connections, pairs = 1 }) => {
  const orderly = receiver.connections.filter((connection) => connection.orderly).length;
  const share = connections / pairs;
  if (orderly >= share) return null;
  const reason = `${direction}: ${orderly} of ${share} connections ended in order`;
  return { outcome: 'failed', reason };
};

function sum({ receiver }: StreamEnd, key: 'cut' | 'beyondEnd'): number {
  return receiver.connections.reduce((total, connection) => total + (connection[key] ?? 0), 0);
}

/** Bytes sent minus bytes received, over all connections. */
function difference({ sent, receiver }: StreamEnd): number {
  const total = sent.reduce((sum, [, bytes]) => sum + bytes, 0);
  return receiver.connections.reduce((left, { received }) => left - received, total);
}
