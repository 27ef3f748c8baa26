/** Looks at a forwarder while nothing moves: what CPU it uses then, and what it still holds at the end. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type HeldAfter,
  leftHeld,
  RESTLESS,
  type RestRecord,
  type SocketStateName,
} from '../../data/record/rest-record.js';
import { type Holdings } from '../../machine/role/holdings.js';
import { RoleError } from '../../machine/role/client.js';
import type { ForwarderCost, ForwarderUnderTest } from './forwarder-under-test.js';

/** One look at the CPU, milliseconds. */
const LOOK = 80;
/** A forwarder that is not at rest by then is not: what it had to finish is finished. Milliseconds. */
const PATIENCE = 1000;
/** The same where it was ready to run and others had the CPU, look after look. */
const PATIENCE_WITH_OTHERS = 5000;
/** What is left over must be gone within this time, and is looked at so often; milliseconds. */
const HELD_WAIT = 2000;
const HELD_LOOK = 50;

/** Of one forwarder in one trial. */
export class RestWatch {
  private readonly record: RestRecord = {
    idle_cpu_share: null,
    drained_cpu_share: null,
    held: null,
    unavailable: {},
  };

  /** @param absent why nothing can be said, e.g. because every call is traced; null = it can */
  constructor(
    private readonly forwarder: ForwarderUnderTest,
    private readonly absent: string | null = null,
  ) {}

  /** Connected, before anything flows. */
  async idle(): Promise<void> {
    this.keep('idle_cpu_share', this.absent ?? (await this.shareAtRest()));
  }

  /** The same as it was seen anyway. */
  idleWas(share: number | string): void {
    this.keep('idle_cpu_share', this.absent ?? share);
  }

  /**
   * After the last connection has ended.
   * @param orderly false = a stream did not end as it should, so that nothing follows from what is left
   * @param connections that it had
   */
  async drained(orderly: boolean, connections: number): Promise<void> {
    const absent = this.absent ?? (orderly ? null : 'not every stream came to its end');
    this.keep('drained_cpu_share', absent ?? (await this.shareAtRest()));
    const held = absent ?? (await this.heldAfter(connections));
    if (typeof held === 'string') this.record.unavailable.held = held;
    else this.record.held = held;
  }

  /** null where there is no forwarder. */
  told(): RestRecord | null {
    return this.forwarder.heldAtStart() === null ? null : this.record;
  }

  private keep(name: 'idle_cpu_share' | 'drained_cpu_share', seen: number | string): void {
    if (typeof seen === 'string') this.record.unavailable[name] = seen;
    else this.record[name] = Math.round(seen * 1e4) / 1e4;
  }

  /**
   * The least of some looks: what ends is no restlessness, what goes on is. One that ends with the forwarder ready to
   * run, having had no CPU, is about those who had it.
   */
  private async shareAtRest(): Promise<number | string> {
    if (this.forwarder.heldAtStart() === null) return NO_FORWARDER;
    let least: number | null = null;
    const begun = performance.now();
    const passed = () => performance.now() - begun;
    let from = await unlessGone(this.forwarder.cost());
    while (least === null || (least > RESTLESS && passed() < PATIENCE)) {
      await sleep(LOOK);
      const to = await unlessGone(this.forwarder.cost());
      if (from === null || to === null) return NO_FORWARDER;
      if (from === GONE || to === GONE) return GONE;
      const share = shareOf(from, to);
      const quiet = share !== null && share <= RESTLESS;
      const ready = quiet && (await unlessGone(this.forwarder.ready()));
      if (ready === GONE) return GONE;
      if (share === null) {
        if (passed() >= PATIENCE) return 'its clock stood still';
      } else if (!ready) least = Math.min(least ?? share, share);
      else if (passed() >= PATIENCE_WITH_OTHERS) return least ?? 'others had its CPU all the while';
      from = to;
    }
    return least;
  }

  /** Waits only where something is held that should not be: what a forwarder keeps for the next one is fine. */
  private async heldAfter(connections: number): Promise<HeldAfter | string> {
    const before = this.forwarder.heldAtStart();
    if (before === null) return NO_FORWARDER;
    const begun = performance.now();
    for (;;) {
      const after = await unlessGone(this.forwarder.holdings());
      if (after === null || after === GONE) return GONE;
      if (before.unreadable > 0 || after.unreadable > 0) {
        return `its processes do not let themselves be looked at (/proc/PID/fd of ${after.unreadable} of them)`;
      }
      const held = heldBeyond(before, after);
      const left = leftHeld(held, connections);
      const fine = left.sockets === 0 && left.descriptors === 0;
      if (fine || performance.now() - begun >= HELD_WAIT) return held;
      await sleep(HELD_LOOK);
    }
  }
}

const NO_FORWARDER = 'there is no forwarder';
const GONE = 'it had ended by then';

/** What a forwarder answers, which may have ended by then. */
async function unlessGone<T>(answer: Promise<T>): Promise<T | typeof GONE> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof RoleError) return GONE;
    throw error;
  }
}

function shareOf(from: ForwarderCost, to: ForwarderCost): number | null {
  const time = to.timeNs - from.timeNs;
  return time > 0 ? Math.max(0, to.cpuNs - from.cpuNs) / time : null;
}

/** What there is more of than before. Pure. */
export function heldBeyond(before: Holdings, after: Holdings): HeldAfter {
  const states: HeldAfter['states'] = {};
  for (const [state, count] of Object.entries(after.sockets) as [SocketStateName, number][]) {
    const more = count - (before.sockets[state] ?? 0);
    if (more > 0) states[state] = more;
  }
  return {
    descriptors: after.descriptors - before.descriptors,
    pipes: after.pipes - before.pipes,
    sockets: after.allSockets - before.allSockets,
    states,
  };
}
