/** How long a trial waits for what should happen soon. Seconds. */

/** All connections must be up within this time, plus what thousands of them take. */
const CONNECT_TIMEOUT = 10;
const CONNECT_TIMEOUT_PER_CONNECTION = 0.005;

export function connectTimeout(connections: number): number {
  return CONNECT_TIMEOUT + connections * CONNECT_TIMEOUT_PER_CONNECTION;
}

/** A sender whose bytes have all arrived sees the other end close soon. */
export const SENDER_CLOSE = 1;

/** A fixed amount may take long; what bounds it is the stall limit. */
export const LONGEST = 24 * 3600;
