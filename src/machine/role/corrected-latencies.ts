/**
 * Latencies corrected for coordinated omission. A connection that waits for a slow answer does not send what was due
 * meanwhile, so that a forwarder that stands still is charged with one slow request instead of all that it kept waiting. As
 * HdrHistogram does (recordValueWithExpectedInterval), each that was kept back counts too, with what was left to wait when it
 * was due. autocannon's own correction takes a millisecond for the interval whatever the rate is (version 8.0.0,
 * lib/run.js), which is why it is done here.
 */

/**
 * @param ns of one answer, nanoseconds
 * @param intervalNs between two requests of the same connection; null = nothing was due meanwhile
 * @returns the latency itself, then of those that it kept from being sent, whole nanoseconds
 */
export function correctedLatencies(ns: number, intervalNs: number | null): number[] {
  const whole = (value: number) => Math.max(1, Math.round(value));
  const all = [whole(ns)];
  if (intervalNs === null) return all;
  for (let left = ns - intervalNs; left >= intervalNs; left -= intervalNs) all.push(whole(left));
  return all;
}
