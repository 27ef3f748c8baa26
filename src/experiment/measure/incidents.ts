/** What becomes of a trial's incidents once it is over: how many are stored, and with which calls. */
import { completeIncidents } from '../../data/integrity/incident-calls.js';
import type { StreamEnd } from '../../data/integrity/outcome.js';
import { STORED_PER_TRIAL } from '../../data/integrity/stored-limits.js';
import type { Incident } from '../../data/record/record.js';
import type { ForwarderUnderTest } from './forwarder-under-test.js';

/**
 * The incidents of a trial that are stored. Of thousands of connections each has kept one; what is left
 * out is gone from the results as well, once it is known what became of each connection.
 */
export function limitIncidents(streams: readonly StreamEnd[]): Incident[] {
  let left = STORED_PER_TRIAL;
  for (const { receiver } of streams) {
    receiver.incidents = receiver.incidents.slice(0, left);
    left -= receiver.incidents.length;
  }
  return streams.flatMap(({ receiver }) => receiver.incidents);
}

/** Adds the forwarder's last calls to the incidents whose bytes they carried. Ends the forwarder. */
export async function addCalls(
  streams: readonly StreamEnd[],
  forwarder: ForwarderUnderTest,
  connections: number,
): Promise<void> {
  if (streams.every(({ receiver }) => receiver.incidents.length === 0)) return;
  completeIncidents(streams, await forwarder.recorded(), connections);
}
