/** Whether a workload's connections fit the limit of open files, known before anything starts. */
import type { ForwarderKind } from '../../machine/forwarders/kind.js';
import type { Workload } from '../../data/record/plan.js';

/** What a role's process has open besides its connections: libraries, pipes to us, epoll, timers. */
const RESERVE = 64;
/** A forwarder has both ends of each connection; pipes make room when descriptors run out. */
const PER_FORWARDED = 2;
/** Connections are spread over threads by a hash: none gets more than so many standard deviations above its share. */
const DEVIATIONS = 6;

/** Why so many connections cannot be open at once here, or null when they can. */
export function lacksDescriptors(
  { connections }: Workload,
  { runner }: Pick<ForwarderKind, 'runner'>,
  limit: number | null,
  threads = 1,
): string | null {
  if (limit === null) return null;
  // A program may share its connections among processes: it gets the benefit of the doubt.
  const builtin = runner.kind === 'builtin';
  const forwarder = builtin ? largestShare(connections, threads) * PER_FORWARDED : 0;
  const needed = Math.max(connections, forwarder) + RESERVE;
  if (needed <= limit) return null;
  const [who, wayOut] =
    forwarder < connections
      ? ["each endpoint's process", 'raise it']
      : [
          threads > 1 ? 'a thread of the forwarder' : "the forwarder's process",
          "raise it, or share them among more of the forwarder's threads",
        ];
  return (
    `${connections} connections need ${needed} open files in ${who}, ` +
    `and the hard limit is ${limit} (ulimit -Hn): ${wayOut}`
  );
}

/** The number of connections that hardly ever one of several threads exceeds: the share's binomial spread. */
function largestShare(connections: number, threads: number): number {
  if (threads === 1) return connections;
  const share = connections / threads;
  return Math.min(connections, Math.ceil(share + DEVIATIONS * Math.sqrt(share)));
}
