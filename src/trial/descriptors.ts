/** Whether a workload's connections fit the limit of open files, known before anything starts. */
import type { ForwarderKind } from '../forwarders/kind.js';
import type { Workload } from '../scenario/plan.js';

/** What a role's process has open besides its connections: libraries, pipes to us, epoll, timers. */
const RESERVE = 64;
/** A forwarder has both ends of each connection; pipes make room when descriptors run out. */
const PER_FORWARDED = 2;

/** Why so many connections cannot be open at once here, or null when they can. */
export function lacksDescriptors(
  { connections }: Workload,
  { runner }: Pick<ForwarderKind, 'runner'>,
  limit: number | null,
): string | null {
  if (limit === null) return null;
  // A program may share its connections among processes: it gets the benefit of the doubt.
  const [who, each] =
    runner.kind === 'builtin' ? ["the forwarder's", PER_FORWARDED] : ["each endpoint's", 1];
  const needed = connections * each + RESERVE;
  if (needed <= limit) return null;
  return (
    `${connections} connections need ${needed} open files in ${who} process, ` +
    `and the hard limit is ${limit} (ulimit -Hn)`
  );
}
