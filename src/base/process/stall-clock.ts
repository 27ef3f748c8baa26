/**
 * How long nothing has moved, by looks and not by the wall: on a busy machine a process may not run for
 * seconds, and then finds that nothing has moved. That says nothing of the forwarder. So a look counts
 * little, however late it comes, and only together with a sign that the loop itself ran meanwhile. Pure.
 */

/** A look that comes later than after so many intervals counts like one of these. */
const LATE = 2;
/** Looks in which the loop has not run count once it has, at most so many intervals of them. */
const UNSEEN = 10;
/** A loop that never runs again is no excuse for ever: so many times the limit by the wall. */
const LAST = 10;

/** What one look sees. */
export interface Look {
  /** Of the monotonic clock, milliseconds. */
  now: number;
  /** Anything that grows with what the loop moves. */
  progress: number;
  /** CPU time of the loop, which wakes several times a second even when nothing moves. */
  cpuNs: number;
}

export class StallClock {
  /** Milliseconds without progress in which everything that looks was running. */
  private standing = 0;
  /** Milliseconds since the loop was last seen to have run. */
  private unseen = 0;
  private since: number;

  /**
   * @param limit milliseconds without progress
   * @param interval milliseconds from one look to the next
   */
  constructor(
    private readonly limit: number,
    private readonly interval: number,
    private latest: Look,
  ) {
    this.since = latest.now;
  }

  /** True when nothing has moved for the limit. */
  stalled(look: Look): boolean {
    const { now, progress, cpuNs } = this.latest;
    this.latest = look;
    if (look.progress !== progress) {
      this.standing = 0;
      this.unseen = 0;
      this.since = look.now;
      return false;
    }
    this.unseen += Math.min(look.now - now, LATE * this.interval);
    if (look.cpuNs !== cpuNs) {
      this.standing += Math.min(this.unseen, UNSEEN * this.interval);
      this.unseen = 0;
    }
    return this.standing > this.limit || look.now - this.since > LAST * this.limit;
  }
}
