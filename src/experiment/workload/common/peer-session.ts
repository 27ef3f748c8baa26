/** The two processes of an exchange or a churn trial: the server upstream, the client downstream. */
import { notConnected } from './not-connected.js';
import { STORED_PER_TRIAL } from '../../../data/integrity/stored-limits.js';
import type { NativePeerOptions } from '../../../data/native/native-surface.js';
import { RoleClient, RoleError } from '../../../machine/role/client.js';
import type { EndResult, Roles } from '../../../machine/role/protocol.js';
import type { Workload } from '../../../data/record/plan.js';
import type { SessionSetting } from '../../measure/session.js';
import { endCpus, receives, receivingEnds, type Side, SIDES } from '../../measure/endpoints.js';
import { connectTimeout, LONGEST, SENDER_CLOSE } from './patience.js';
import type { SideSeries } from '../../measure/record-of.js';

type PeerName = 'exchange' | 'churn';
type Snapshot<N extends PeerName> = ReturnType<Roles[N]['mark']>;

export class PeerSession<N extends PeerName> {
  readonly server: RoleClient<N>;
  readonly client: RoleClient<N>;

  constructor(
    name: N,
    private readonly setting: SessionSetting,
  ) {
    this.server = RoleClient.start<N>(setting.hosts.upstream, name);
    this.client = RoleClient.start<N>(setting.hosts.downstream, name);
  }

  /**
   * Opens and starts both ends with the forwarder between them, and waits until the path is proven.
   * @param open opens one end: the options that all kinds share, and which side it is
   * @param connections to wait for
   */
  async connect(
    open: (role: RoleClient<N>, side: Side, shared: NativePeerOptions) => Promise<{ port: number }>,
    connections: number,
  ): Promise<void> {
    const { hosts, forwarder } = this.setting;
    const { address } = hosts.upstream;
    const listening = { host: address, port: 0 };
    const { port } = await open(this.server, 'upstream', this.options('upstream', listening));
    const entry = await forwarder.open({ host: address, port });
    await open(this.client, 'downstream', this.options('downstream', entry));
    const roles: readonly RoleClient<PeerName>[] = [this.server, this.client];
    for (const role of roles) await role.ask('start');
    const timeout = connectTimeout(connections);
    const snapshots = await Promise.all(
      roles.map((role) => role.ask('awaitConnected', { connections, timeout }, timeout + 5)),
    );
    for (const [index, side] of SIDES.entries()) {
      const { started = 0, established = 0, ended = 0, lastErrno = null } = snapshots[index] ?? {};
      const has = Math.max(started, receives(side, this.workload) ? 0 : established);
      if (has >= connections) continue;
      const seen = { started, ended, lastErrno };
      throw new RoleError(notConnected(side, has, connections, seen));
    }
  }

  async mark(): Promise<[Record<Side, Snapshot<N>>]> {
    const roles: readonly RoleClient<PeerName>[] = [this.server, this.client];
    const [upstream, downstream] = await Promise.all(roles.map((role) => role.ask('mark')));
    return [{ upstream: upstream as Snapshot<N>, downstream: downstream as Snapshot<N> }];
  }

  async series(sides: readonly Side[]): Promise<SideSeries> {
    const series: SideSeries = {};
    for (const side of sides) {
      const role: RoleClient<PeerName> = side === 'upstream' ? this.server : this.client;
      series[side] = await role.ask('series');
    }
    return series;
  }

  /** Lets the load begin. `over` resolves when the client has ended or stalled. */
  async go(): Promise<{ over: Promise<EndResult> }> {
    const { stall } = this.workload;
    const client: RoleClient<PeerName> = this.client;
    const over = client.ask('awaitEnd', { stall }, LONGEST);
    // Whoever waits for it sees the failure; nobody may wait when the trial fails elsewhere first.
    over.catch(() => undefined);
    this.freezeOnIncident();
    await client.ask('go');
    return { over };
  }

  /** The calls that carried an incident are kept only if the forwarder hears of it at once. */
  private freezeOnIncident(): void {
    if (this.workload.check === 'none') return;
    const roles: readonly RoleClient<PeerName>[] = [this.client, this.server];
    for (const role of roles) {
      role.ask('awaitIncident', null, LONGEST).then(
        (found) => (found ? this.setting.forwarder.freeze() : undefined),
        // The role is gone: the trial's own requests tell.
        () => undefined,
      );
    }
  }

  /** Begins nothing new, and resolves when both ends have ended. @throws RoleError where one failed */
  async stop(over: Promise<EndResult>): Promise<Record<Side, EndResult>> {
    const roles: readonly RoleClient<PeerName>[] = [this.client, this.server];
    const [client, server] = roles;
    if (!client || !server) throw new RoleError('no ends');
    await client.ask('stop');
    const downstream = await over;
    await server.ask('stop');
    const upstream = await server.ask('awaitEnd', { stall: SENDER_CLOSE }, LONGEST);
    for (const [side, { error }] of Object.entries({ upstream, downstream })) {
      if (error !== null) throw new RoleError(`${side} end: ${error}`);
    }
    return { upstream, downstream };
  }

  async close(): Promise<void> {
    await Promise.all([this.server.close(), this.client.close()]);
  }

  private options(side: Side, address: { host: string; port: number }): NativePeerOptions {
    const { trial, placement, earlierSeeds } = this.setting;
    return {
      listen: side === 'upstream',
      address,
      connections: this.workload.connections,
      cpus: [...endCpus(placement, side, side === 'upstream')],
      seed: trial.seed,
      earlierSeeds: [...earlierSeeds],
      check: this.workload.check === 'full',
      storedIncidents: STORED_PER_TRIAL / receivingEnds(this.workload),
    };
  }

  private get workload(): Workload {
    return this.setting.trial.cell.workload;
  }
}
