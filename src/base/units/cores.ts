/**
 * CPU cores that a rate takes: what a user plans with.
 * @param gbps 10^9 bits per second
 * @param secondsPerGb CPU seconds per GB of 10^9 bytes
 */
export function coresFor(gbps: number, secondsPerGb: number): number {
  return (gbps / 8) * secondsPerGb;
}
