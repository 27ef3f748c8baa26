/** The processes of one pair of ends of a stream trial, from start to end: connect, flow, drain, close. */
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  EndpointSnapshot,
  NativeEndpointOptions,
} from '../../../data/native/native-surface.js';
import type { PairHosts } from '../../../machine/host/host.js';
import { RoleClient, RoleError } from '../../../machine/role/client.js';
import type { EndResult } from '../../../machine/role/protocol.js';
import type { StreamWorkload } from '../../../data/record/plan.js';
import type { StreamEnd } from '../../../data/integrity/outcome.js';
import type { SessionSetting } from '../../measure/session.js';
import {
  endCpus,
  endpointOptions,
  isNear,
  other,
  receives,
  sends,
  type Side,
  SIDES,
} from '../../measure/endpoints.js';
import { notConnected } from '../common/not-connected.js';
import { connectTimeout, LONGEST, SENDER_CLOSE } from '../common/patience.js';
import type { SideSeries } from '../../measure/record-of.js';
import type { EndpointMarks } from '../../measure/window.js';

/** Changes the options of one side's endpoint. */
export type Adapt = (side: Side, options: NativeEndpointOptions) => NativeEndpointOptions;

export class StreamSession {
  private readonly roles: Record<Side, RoleClient<'source' | 'sink'>>;

  /**
   * @param setting with the forwarder of this pair
   * @param workload what this pair carries
   * @param adapt changes what an endpoint is told, where the selftest needs one that does wrong
   */
  constructor(
    private readonly setting: SessionSetting,
    private readonly workload: StreamWorkload,
    private readonly pair: PairHosts & { number: number },
    private readonly adapt: Adapt = (_, options) => options,
  ) {
    const roleOf = (side: Side) => (sends(side, this.workload) ? 'source' : 'sink');
    this.roles = {
      upstream: RoleClient.start<'source' | 'sink'>(pair.upstream, roleOf('upstream')),
      downstream: RoleClient.start<'source' | 'sink'>(pair.downstream, roleOf('downstream')),
    };
  }

  /** Connects everything and proves every path with the first bytes of each stream. */
  async connect(): Promise<void> {
    const { forwarder } = this.setting;
    const { address } = this.pair.upstream;
    const { port } = await this.open('upstream', { host: address, port: 0 });
    const entry = await forwarder.open({ host: address, port });
    await this.open('downstream', entry);
    await this.roles.upstream.ask('start');
    await this.roles.downstream.ask('start');
    const { connections } = this.workload;
    const timeout = connectTimeout(connections);
    // Upstream's accepts follow from downstream's connects, so that both are waited for.
    const snapshots = await Promise.all(
      SIDES.map((side) =>
        this.roles[side].ask('awaitConnected', { connections, timeout }, timeout + 5),
      ),
    );
    for (const [index, side] of SIDES.entries()) {
      const snapshot = snapshots[index];
      if (snapshot) assertConnected(side, snapshot, this.workload);
    }
  }

  /** Lets the bytes flow. `over` resolves when the receiving ends have ended or stalled. */
  async go(): Promise<{ over: Promise<Partial<Record<Side, EndResult>>> }> {
    const { stall } = this.workload;
    const over = this.receivingSides().map(
      async (side) => [side, await this.roles[side].ask('awaitEnd', { stall }, LONGEST)] as const,
    );
    const all = Promise.all(over).then((ends) => Object.fromEntries(ends));
    // Whoever waits for it sees the failure; nobody may wait when the trial fails elsewhere first.
    all.catch(() => undefined);
    this.freezeOnIncident();
    await Promise.all(this.sendingSides().map((side) => this.roles[side].ask('go')));
    this.endPauseInTime();
    return { over: all };
  }

  /** A trial that fails meanwhile has no roles to tell, and says why by itself. */
  private endPauseInTime(): void {
    const { pause } = this.workload;
    if (typeof pause !== 'number') return;
    sleep(pause * 1e3, undefined, { ref: false }).then(
      () => this.letReceive().catch(() => undefined),
      () => undefined,
    );
  }

  /** The calls that carried an incident are kept only if the forwarder hears of it at once. */
  private freezeOnIncident(): void {
    if (this.workload.check === 'none') return;
    for (const side of this.receivingSides()) {
      this.roles[side].ask('awaitIncident', null, LONGEST).then(
        (found) => (found ? this.setting.forwarder.freeze() : undefined),
        // The role is gone: the trial's own requests tell.
        () => undefined,
      );
    }
  }

  async mark(): Promise<EndpointMarks> {
    const [upstream, downstream] = await Promise.all([
      this.roles.upstream.ask('mark'),
      this.roles.downstream.ask('mark'),
    ]);
    return { upstream, downstream };
  }

  /** The sources write over what they handed over; answers with how many bytes that was. */
  async overwrite(): Promise<number> {
    const bytes = await Promise.all(
      this.sendingSides().map((side) => this.roles[side].ask('overwrite')),
    );
    return bytes.reduce((sum, one) => sum + one, 0);
  }

  /** Lets held receivers read. */
  async letReceive(): Promise<void> {
    await Promise.all(this.receivingSides().map((side) => this.roles[side].ask('go')));
  }

  /** Ends the sending in the orderly way; slow and pausing readers read on to the end without. */
  async stopSending(): Promise<void> {
    const { reader, pause } = this.workload;
    const reads = reader === null && (pause === null || typeof pause === 'number');
    const told = reads ? this.sendingSides() : SIDES;
    await Promise.all(told.map((side) => this.roles[side].ask('stop')));
  }

  /** Collects what both ends counted, one entry per direction. `ends` is what go() resolved to. */
  async collect(ends: Partial<Record<Side, EndResult>>): Promise<StreamEnd[]> {
    for (const to of this.receivingSides()) {
      const error = ends[to]?.error ?? null;
      if (error !== null) throw new RoleError(`${to} end: ${error}`);
      if (ends[to]?.ended === false) continue;
      const patience = SENDER_CLOSE * 60;
      await this.roles[other(to)].ask('awaitEnd', { stall: SENDER_CLOSE }, patience);
    }
    const sent: Partial<Record<Side, [number, number][]>> = {};
    for (const side of this.sendingSides()) sent[side] = await this.roles[side].ask('sentCounts');
    const upstream = await this.roles.upstream.ask('results', sent.downstream ?? null);
    const downstream = await this.roles.downstream.ask('results', sent.upstream ?? null);
    const results = { upstream, downstream };
    const streams = this.receivingSides().map((to): StreamEnd => ({
      direction: to === 'downstream' ? 'download' : 'upload',
      sent: sent[other(to)] ?? [],
      sender: results[other(to)],
      receiver: results[to],
      stalled: ends[to]?.ended === false,
    }));
    return streams;
  }

  async series(): Promise<SideSeries> {
    const series: SideSeries = {};
    for (const side of this.receivingSides()) series[side] = await this.roles[side].ask('series');
    return series;
  }

  private receivingSides(): Side[] {
    return SIDES.filter((side) => receives(side, this.workload));
  }

  private sendingSides(): Side[] {
    return SIDES.filter((side) => sends(side, this.workload));
  }

  async close(): Promise<void> {
    await Promise.all(SIDES.map((side) => this.roles[side].close()));
  }

  private async open(side: Side, address: { host: string; port: number }) {
    const { trial, placement, earlierSeeds } = this.setting;
    const { workload, pair } = this;
    const cpus = endCpus(placement, side, sends(side, workload), pair.number);
    const firstConnection = pair.number * workload.connections;
    const near = isNear(trial.cell.topology);
    const plan = { workload, near, seed: trial.seed, earlierSeeds, cpus, address, firstConnection };
    return this.roles[side].ask('open', this.adapt(side, endpointOptions(side, plan)));
  }
}

function assertConnected(side: Side, snapshot: EndpointSnapshot, workload: StreamWorkload): void {
  const { connections } = workload;
  const has = receives(side, workload) ? snapshot.started : snapshot.established;
  if (has >= connections) return;
  throw new RoleError(notConnected(side, has, connections, snapshot, workload.prefix));
}
