/**
 * The two ends of a set: one process each, that serves all its arms. The flow goes through one arm at a time;
 * the next slice begins when everything that was given to the one before has arrived, so that arms meet
 * neither each other's bytes nor their costs.
 */
import type { EndpointResults } from '../../../data/native/native-surface.js';
import type { StreamEnd } from '../../../data/integrity/outcome.js';
import type { StreamWorkload } from '../../../data/record/plan.js';
import type { TrialHosts } from '../../../machine/host/host.js';
import type { Placement } from '../../../machine/host/placement.js';
import { RoleClient, RoleError } from '../../../machine/role/client.js';
import type { SliceMark } from '../../../machine/role/protocol.js';
import type { CpuState } from '../../../machine/host/cpu-state.js';
import {
  endCpus,
  endModes,
  endpointOptions,
  other,
  receives,
  sends,
  type Side,
  SIDES,
} from '../../measure/endpoints.js';
import type { ListenAddress } from '../../measure/forwarder-under-test.js';
import type { Measured } from '../../measure/slices.js';
import { connectTimeout, SENDER_CLOSE } from '../common/patience.js';
import { lengthsOf, type Turn } from './rounds.js';

export interface SetSetting {
  hosts: TrialHosts;
  placement: Placement;
  /** What all arms have in common; check and payload are each arm's own. */
  workload: StreamWorkload;
  arms: readonly StreamWorkload[];
  /** Source, forwarder and sink are on one machine. */
  near: boolean;
  /** Of all stamps of the set. */
  seed: string;
  earlierSeeds: readonly string[];
  cpus: CpuState;
  /** That count; absent = as the workload says. */
  rounds?: number;
}

/** What both ends saw of a slice. */
export interface SliceSeen {
  /** Of the receiving ends. */
  received: Partial<Record<Side, SliceMark>>;
  /** CPU time of each end's thread by now, ns. */
  cpuNs: Record<Side, number>;
  /** All that was given has arrived. */
  complete: boolean;
  /** A connection of the arm has ended. */
  ended: boolean;
}

/** What each receiving end measured of a slice; 0 seconds where it began to measure nothing. */
export function measuredIn({ received }: SliceSeen): Measured[] {
  return SIDES.flatMap((side) => {
    const mark = received[side];
    if (mark === undefined) return [];
    const seconds = mark.fromNs === 0 ? 0 : (mark.toNs - mark.fromNs) / 1e9;
    return [{ side, seconds, bytes: mark.bytes }];
  });
}

/** Of both directions together. */
export function bytesPerSecond(measured: readonly Measured[]): number {
  return measured.reduce((sum, { seconds, bytes }) => sum + (seconds > 0 ? bytes / seconds : 0), 0);
}

/** Bytes that the arm's receiving ends have had, in all its slices so far. */
export function receivedIn({ received }: SliceSeen): number {
  return Object.values<SliceMark>({ ...received }).reduce((sum, mark) => sum + mark.received, 0);
}

/** The processes of both ends: started, nothing is open yet. */
export type SetEnds = Readonly<Record<Side, RoleClient<'source' | 'sink'>>>;

export function startEnds(hosts: TrialHosts, workload: StreamWorkload): SetEnds {
  const start = (side: Side) =>
    RoleClient.start<'source' | 'sink'>(hosts[side], sends(side, workload) ? 'source' : 'sink');
  return { upstream: start('upstream'), downstream: start('downstream') };
}

/** How long the roles may answer later than what they wait for, seconds. */
const ANSWER = 10;

export class StreamSet {
  private readonly sending: readonly Side[];
  private readonly receiving: readonly Side[];
  /** Seconds at the begin of a slice that do not count. */
  private readonly settle: number;

  constructor(
    private readonly setting: SetSetting,
    private readonly roles: SetEnds,
  ) {
    const { workload } = setting;
    this.sending = SIDES.filter((side) => sends(side, workload));
    this.receiving = SIDES.filter((side) => receives(side, workload));
    this.settle = lengthsOf(workload).settle;
  }

  /** Where the forwarder of each arm finds its upstream. */
  async listen(): Promise<ListenAddress[]> {
    const { arms, hosts } = this.setting;
    const host = hosts.upstream.address;
    await this.open(
      'upstream',
      arms.map(() => ({ host, port: 0 })),
    );
    const ports = await this.roles.upstream.ask('ports');
    return ports.map((port) => ({ host, port }));
  }

  /**
   * Connects through every forwarder and waits for the first bytes of each stream.
   * @param entries where each arm's forwarder listens; null = it does not
   * @returns of each arm why it cannot take part; null = it can
   */
  async connect(entries: readonly (ListenAddress | null)[]): Promise<(string | null)[]> {
    const { hosts, workload, arms } = this.setting;
    const none = { host: hosts.forwarder.address, port: 0 };
    await this.open(
      'downstream',
      entries.map((entry) => entry ?? none),
    );
    for (const side of SIDES) await this.roles[side].ask('start');
    for (const [arm, entry] of entries.entries()) {
      if (entry === null) await this.roles.upstream.ask('endArm', arm);
    }
    const { connections } = workload;
    const timeout = connectTimeout(connections * arms.length);
    const wish = { connections, timeout };
    const seen = await Promise.all(
      SIDES.map((side) => this.roles[side].ask('awaitArms', wish, timeout + ANSWER)),
    );
    return entries.map((entry, arm) => {
      if (entry === null) return 'it was not started';
      const lacks = SIDES.flatMap((side, index) => {
        const { established = 0, started = 0 } = seen[index]?.[arm] ?? {};
        const has = receives(side, workload) ? started : established;
        return has >= connections
          ? []
          : [`${side} end: ${has} of ${connections} connections came up through the forwarder`];
      });
      return lacks[0] ?? null;
    });
  }

  /** What has to be known before a slice begins. */
  async expect(turn: Turn): Promise<void> {
    const only = this.receiving.filter((side) => !this.sending.includes(side));
    await Promise.all(
      only.map((side) => this.roles[side].ask('expect', orderOf(turn, this.settle))),
    );
  }

  /** One slice, to the arrival of its last byte; `expect` comes before. */
  async slice(turn: Turn): Promise<SliceSeen> {
    const { stall } = this.setting.workload;
    const wish = { order: orderOf(turn, this.settle), patience: stall };
    const longest = this.settle + turn.measure + stall + ANSWER;
    const cpuNs = { upstream: 0, downstream: 0 };
    const given: Partial<Record<Side, SliceMark>> = {};
    await Promise.all(
      this.sending.map(async (side) => {
        const mark = await this.roles[side].ask('slice', wish, longest);
        given[side] = mark;
        cpuNs[side] = mark.cpuNs;
      }),
    );
    const received: Partial<Record<Side, SliceMark>> = {};
    await Promise.all(
      this.receiving.map(async (side) => {
        const total = given[other(side)]?.sent ?? 0;
        const mark = await this.roles[side].ask('drained', { total, stall }, LONGEST_DRAIN);
        received[side] = mark;
        cpuNs[side] = mark.cpuNs;
      }),
    );
    const marks = Object.values<SliceMark>({ ...received });
    return {
      received,
      cpuNs,
      complete: marks.every(({ complete }) => complete),
      ended: [...marks, ...Object.values<SliceMark>({ ...given })].some(({ ended }) => ended),
    };
  }

  /** CPU time of each end's thread, ns. */
  async cpuNs(): Promise<Record<Side, number>> {
    const [upstream, downstream] = await Promise.all(
      SIDES.map(async (side) => (await this.roles[side].ask('mark')).cpuNs),
    );
    return { upstream: upstream ?? 0, downstream: downstream ?? 0 };
  }

  /** Closes what an arm has; the others go on. */
  async endArm(arm: number): Promise<void> {
    await Promise.all(SIDES.map((side) => this.roles[side].ask('endArm', arm)));
  }

  /** Ends every stream in the orderly way. False = an end was waited for in vain. */
  async end(): Promise<boolean> {
    await Promise.all(this.sending.map((side) => this.roles[side].ask('stop')));
    const { stall } = this.setting.workload;
    const ends = await Promise.all(
      this.receiving.map((side) => this.roles[side].ask('awaitEnd', { stall }, LONGEST_DRAIN)),
    );
    const failed = ends.find(({ error }) => error !== null);
    if (failed) throw new RoleError(`end: ${failed.error ?? ''}`);
    if (ends.some(({ ended }) => !ended)) return false;
    for (const side of this.sending) {
      await this.roles[side].ask('awaitEnd', { stall: SENDER_CLOSE }, SENDER_CLOSE * 60);
    }
    return true;
  }

  /**
   * What both ends counted of each arm, one entry per direction.
   * @param stalled arms whose bytes were waited for in vain
   */
  async collect(stalled: (arm: number) => boolean): Promise<StreamEnd[][]> {
    const sent: Partial<Record<Side, [number, number][]>> = {};
    for (const side of this.sending) sent[side] = await this.roles[side].ask('sentCounts');
    const results: Record<Side, EndpointResults[]> = {
      upstream: await this.roles.upstream.ask('armResults', sent.downstream ?? null),
      downstream: await this.roles.downstream.ask('armResults', sent.upstream ?? null),
    };
    const { connections } = this.setting.workload;
    return this.setting.arms.map((_, arm) =>
      this.receiving.flatMap((to): StreamEnd[] => {
        const [sender, receiver] = [results[other(to)][arm], results[to][arm]];
        if (sender === undefined || receiver === undefined) return [];
        return [
          {
            direction: to === 'downstream' ? 'download' : 'upload',
            sent: (sent[other(to)] ?? []).slice(arm * connections, (arm + 1) * connections),
            sender,
            receiver,
            stalled: stalled(arm),
          },
        ];
      }),
    );
  }

  private async open(side: Side, addresses: readonly ListenAddress[]): Promise<void> {
    const { placement, workload, near, seed, earlierSeeds } = this.setting;
    const [address] = addresses;
    if (address === undefined) throw new RoleError('a set without arms');
    const options = endpointOptions(side, {
      workload,
      near,
      seed,
      earlierSeeds,
      cpus: endCpus(placement, side, sends(side, workload)),
      address,
      firstConnection: 0,
    });
    const arms = this.setting.arms.flatMap((arm, index) => {
      const own = addresses[index];
      return own === undefined ? [] : [{ ...own, ...endModes(side, arm) }];
    });
    await this.roles[side].ask('open', { ...options, arms });
  }
}

/** What bounds a drain is the stall limit. Seconds. */
const LONGEST_DRAIN = 24 * 3600;

function orderOf({ arm, measure }: Turn, settle: number) {
  return { arm, settleNs: Math.round(settle * 1e9), measureNs: Math.round(measure * 1e9) };
}
