/** Counters of one interface since it was made. */
export interface InterfaceCounters {
  receivedBytes: number;
  /** A coalesced packet counts once. */
  receivedPackets: number;
  sentBytes: number;
  /** Packets dropped, in either direction, or damaged. */
  lost: number;
}
