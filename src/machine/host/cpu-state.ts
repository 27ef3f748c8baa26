/**
 * What others do with the CPUs of a trial while it runs: how far apart a hypervisor has put them, whether something
 * else shares their cores, and whether other tasks of the machine want them; see apart.ts, shared-core.ts and
 * contended-cpu.ts in data/record.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { native } from '../../data/native/native.js';
import { APART } from '../../data/record/apart.js';
import { isContended, type WaitTimes } from '../../data/record/contended-cpu.js';
import { isShared, longerOf, type WorkTimes } from '../../data/record/shared-core.js';
import type { Placement } from './placement.js';

/** What is asked of two CPUs, which are the forwarder's and another one of source and sink. */
export interface CpuProbes {
  lineTrip(first: number, second: number): number | null;
  coreWork(cpus: readonly number[]): (number | null)[];
  cpuWait(cpus: readonly number[]): (number | null)[];
}

/** What was seen of the CPUs; null = not known. */
export interface CpuLook {
  /** Nanoseconds of a cache line's round trip. */
  lineNs: number | null;
  workNs: WorkTimes | null;
  waitNs: WaitTimes | null;
}

/** Seconds between two looks, and that a wait takes at most. */
const AGAIN = 0.05;
const MOST = 3;

const UNKNOWN: CpuLook = { lineNs: null, workNs: null, waitNs: null };

/** Of the looks before and after something, what took longer. */
export function longerLook(a: CpuLook, b: CpuLook): CpuLook {
  const lineNs =
    a.lineNs === null || b.lineNs === null ? (a.lineNs ?? b.lineNs) : Math.max(a.lineNs, b.lineNs);
  return {
    lineNs,
    workNs: longerOf(a.workNs, b.workNs),
    waitNs: longerOf(a.waitNs, b.waitNs),
  };
}

export class CpuState {
  /** Nanoseconds of the shortest round trip seen so far; Infinity = none. */
  nearest = Infinity;
  /** Nanoseconds of the same work on each CPU, the shortest seen so far. */
  shortest: WorkTimes = [Infinity, Infinity];
  /** The last wait was in vain: the next one is a single look. */
  private isVain = false;
  /** The CPUs in question; null = there are not two, or not on this machine. */
  private readonly pair: readonly [number, number] | null;

  /** @param near source, forwarder and sink are on this machine */
  constructor(
    { source, forwarder, sink }: Placement,
    near: boolean,
    private readonly probes: CpuProbes = native(),
  ) {
    const [own] = forwarder;
    const other = [...source, ...sink].find((cpu) => !forwarder.includes(cpu));
    this.pair = near && own !== undefined && other !== undefined ? [own, other] : null;
  }

  /**
   * To be asked while nothing flows: it keeps both CPUs busy, for less than a millisecond, and waits where others
   * want one.
   */
  look(): CpuLook {
    if (this.pair === null) return UNKNOWN;
    const lineNs = this.probes.lineTrip(...this.pair);
    if (lineNs !== null) this.nearest = Math.min(this.nearest, lineNs);
    const workNs = onBoth(this.probes.coreWork(this.pair));
    if (workNs !== null) {
      const [own, other] = this.shortest;
      this.shortest = [Math.min(own, workNs[0]), Math.min(other, workNs[1])];
    }
    return { lineNs, workNs, waitNs: onBoth(this.probes.cpuWait(this.pair)) };
  }

  /**
   * Waits until nobody else disturbs the CPUs, as far as the looks so far tell, but not for long: what is measured
   * then would mostly be left out.
   * @param seconds what is to be measured takes; it is not waited for longer than that
   * @param pause between two looks
   * @returns whether they are undisturbed
   */
  async calm(
    seconds: number,
    pause: () => Promise<unknown> = () => sleep(AGAIN * 1e3),
  ): Promise<boolean> {
    const most = this.isVain ? 0 : Math.min(seconds, MOST) / AGAIN;
    for (let looks = 0; this.isDisturbed(this.look()); looks++) {
      this.isVain = looks >= most;
      if (this.isVain) return false;
      await pause();
    }
    this.isVain = false;
    return true;
  }

  private isDisturbed({ lineNs, workNs, waitNs }: CpuLook): boolean {
    const apart = lineNs !== null && lineNs > APART * this.nearest;
    return apart || isShared(workNs, this.shortest) || isContended(waitNs);
  }
}

/** null unless both are known. */
function onBoth([own = null, other = null]: readonly (number | null)[]): [number, number] | null {
  return own === null || other === null ? null : [own, other];
}

/** One for each placement, so that what was the shortest is known over the whole run. */
export class CpuStates {
  private readonly known = new Map<string, CpuState>();

  /** @param near source, forwarder and sink are on this machine */
  of(placement: Placement, near: boolean): CpuState {
    const key = JSON.stringify([placement, near]);
    const found = this.known.get(key) ?? new CpuState(placement, near);
    this.known.set(key, found);
    return found;
  }
}
