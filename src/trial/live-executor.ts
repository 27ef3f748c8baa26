/** Runs trials on real sockets: fresh processes per trial, everything ended and closed after it. */
import type { SeenHost } from '../doctor/start-warnings.js';
import { forwarderKinds } from '../forwarders/registry.js';
import { confinedHost, type ConfinedHost } from '../host/confinement.js';
import { allOn, distinctHosts, type Host, pairsOf, type TrialHosts } from '../host/host.js';
import { congestionOf, isEmulated, slowestLink } from '../host/wires.js';
import { allowedCpus, type Placement } from '../host/placement.js';
import { nicHosts } from '../host/nic.js';
import { watchPauseFrames } from '../host/pause-frames.js';
import { loopbackHost } from '../host/private-namespace.js';
import { assertReachable, HostUnreachable, remoteHosts } from '../host/remote-hosts.js';
import { syscallTracepoint, type Tracepoint } from '../host/tracepoint.js';
import { TopologyUnavailable, vethHosts } from '../host/veth.js';
import type { HostEnvironment } from '../results/environment-record.js';
import { RoleError } from '../role/client.js';
import type { Cell, NicTopology, PlannedTrial, Topology } from '../scenario/plan.js';
import { environmentsOf, placedEnvironments, placementOf, seenHosts } from './host-environments.js';
import { lackingForCell } from './availability.js';
import { conduct as conductByKind, type ConductedTrial, type Conductor } from './conduct.js';
import { DecoyCrowd, decoyCpus } from './decoy-crowd.js';
import { sends, SIDES } from './endpoints.js';
import type { TrialExecutor, TrialResult } from './executor.js';
import { forwarderUnderTest } from './forwarder-under-test.js';
import { PackedTrees } from './packed-trees.js';
import { recordOf } from './record-of.js';
import { asOne } from './several-forwarders.js';

/** Seeds of earlier trials whose bytes are recognised when they turn up in a later stream. */
const REMEMBERED_SEEDS = 16;

export class LiveExecutor implements TrialExecutor {
  private readonly hosts = new Map<string, { topology: Topology; made: Promise<TrialHosts> }>();
  private readonly seeds: string[] = [];
  private readonly trees = new PackedTrees();
  private tracepoint: Promise<Tracepoint> | undefined;
  /** Topologies of which the hosts were there once. */
  private readonly reached = new Set<string>();
  /** Topologies that take ports of this machine. */
  private readonly ported = new Set<string>();
  /** What the environment was when a topology's ports were given back. */
  private readonly left = new Map<string, PromiseSettledResult<HostEnvironment>[]>();

  /** @param confine the host as the forwarder alone sees it, e.g. with a CPU budget */
  constructor(private readonly confine: (host: Host) => Host = (host) => host) {}

  /**
   * Makes the namespaces that the cells need and captures the environment of their hosts. Cells whose
   * topology this host cannot give are named, with the reason.
   */
  async prepare(
    cells: readonly Cell[],
  ): Promise<{ environment: HostEnvironment[]; refused: { cell: Cell; reason: string }[] }> {
    const environments = new Map<TrialHosts, Promise<HostEnvironment[]>>();
    const refused: { cell: Cell; reason: string }[] = [];
    for (const cell of cells) {
      try {
        const hosts = await this.hostsFor(cell.topology);
        if (!environments.has(hosts)) {
          environments.set(hosts, placedEnvironments(cell, hosts));
        }
        // The next topology may take the ports.
        if (cell.topology.kind === 'nic') await environments.get(hosts);
        const lacking = lackingForCell(cell);
        if (lacking !== null) refused.push({ cell, reason: lacking });
      } catch (error) {
        if (!(error instanceof TopologyUnavailable)) throw error;
        refused.push({ cell, reason: error.message });
      }
    }
    const environment = await Promise.all(environments.values());
    return { environment: environment.flat(), refused };
  }

  /** The hosts of the topology `hosts` as the doctor sees them. @throws RoleError when one does not answer */
  async examine(cells: readonly Cell[]): Promise<SeenHost[]> {
    const named = cells.filter(({ topology }) => topology.kind === 'hosts');
    const made = await Promise.all(named.map(({ topology }) => this.hostsFor(topology)));
    return (await Promise.all([...new Set(made)].map(seenHosts))).flat();
  }

  /** How a topology's hosts are asked what they lack; null = as this host is. */
  async askOf(topology: Topology): Promise<HostAnswers | null> {
    if (topology.kind !== 'hosts') return null;
    const hosts = await this.hostsFor(topology);
    const limits = distinctHosts(hosts).flatMap(({ identity }) => identity?.descriptorLimit ?? []);
    const { observer } = hosts.forwarder;
    return {
      limit: limits.length === 0 ? null : Math.min(...limits),
      ask:
        observer === undefined
          ? null
          : (use, options) => observer.ask('unavailable', { use, options }, ASK_TIMEOUT),
    };
  }

  /**
   * The environment of everything that was made, as it is now; hosts that do not answer any more are
   * not among it. null where no host was ever reached.
   */
  async environmentAfter(): Promise<HostEnvironment[] | null> {
    if (this.reached.size === 0) return null;
    const given = [...this.left].flatMap(([key, seen]) => (this.hosts.has(key) ? [] : seen));
    const captures = [...this.hosts.values()].map(environmentNow);
    return [...given, ...(await Promise.all(captures)).flat()].flatMap((one) => {
      if (one.status === 'fulfilled') return [one.value];
      // A host that is gone by now has none to show: what was measured is worth its report.
      if (one.reason instanceof RoleError) return [];
      throw one.reason;
    });
  }

  /** @param conduct how the trial is run, where that is not what its workload's kind says */
  async run(
    trial: PlannedTrial,
    signal: AbortSignal,
    conduct: Conductor = conductByKind,
  ): Promise<TrialResult> {
    signal.throwIfAborted();
    const { cell, forwarder: entry } = trial;
    const started = new Date().toISOString();
    const hosts = await this.hostsStillThere(cell.topology);
    if (hosts instanceof Error) {
      // The run began where the topology could be had, and goes on where it cannot.
      const base = { trial, started, placement: NOWHERE };
      return { record: recordOf({ ...base, failure: hosts.message }), incidents: [] };
    }
    const placement = placementOf(cell, hosts);
    const direct = entry.use === 'direct';
    const base = {
      trial,
      started,
      placement,
      congestion: congestionOf(hosts, cell.topology.congestion),
      linkSpeed: slowestLink(hosts, direct),
      ...(ON_DEVICES.includes(cell.topology.kind) ? { emulated: isEmulated(hosts, direct) } : {}),
    };
    const kind = forwarderKinds.get(entry.use);
    if (kind === undefined) {
      return {
        record: recordOf({ ...base, failure: `no forwarder '${entry.use}'` }),
        incidents: [],
      };
    }
    const tracepoint = await this.tracepointOf(hosts.forwarder);
    // An abort while waiting was heard by nobody; from here on it is.
    signal.throwIfAborted();
    let confined: ConfinedHost;
    try {
      confined = await confinedHost(hosts.forwarder, cell.workload);
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      return { record: recordOf({ ...base, failure }), incidents: [] };
    }
    const forwarders = pairsOf(hosts).map(() =>
      forwarderUnderTest({
        kind,
        options: entry.options,
        host: this.confine(confined.host),
        cpus: placement.forwarder,
        tracepoint,
        seed: trial.seed,
        strace: entry.strace === true,
        opened: () => {
          try {
            confined.tighten();
          } catch (error) {
            const said = error instanceof Error ? error.message : String(error);
            throw new RoleError(`the memory of the forwarder could not be limited: ${said}`);
          }
        },
      }),
    );
    const forwarder = asOne(forwarders);
    const earlierSeeds = this.seeds.slice(-REMEMBERED_SEEDS);
    this.seeds.push(trial.seed);
    const { decoys } = cell.workload;
    const crowd =
      decoys === null
        ? null
        : new DecoyCrowd(
            hosts.forwarder,
            decoys,
            trial.seed,
            decoyCpus(hosts.forwarder.identity?.seats ?? allowedCpus(), placement),
          );
    let conducted: ConductedTrial | null = null;
    const close = async () => {
      await Promise.all([conducted?.close(), forwarder.close(), crowd?.close()]);
      await confined.close();
    };
    const abort = () => void close();
    signal.addEventListener('abort', abort, { once: true });
    try {
      const concrete = await this.withContent(trial, hosts);
      await crowd?.open();
      // Ended while these were made: nothing else may be started.
      signal.throwIfAborted();
      const setting = { hosts, placement, forwarder, forwarders, earlierSeeds };
      conducted = conduct({ ...setting, trial: concrete });
      const paused = await watchPauseFrames(hosts);
      const { observation, incidents } = await conducted.run();
      const pauseFrames = await paused();
      Object.assign(observation.detail, await crowd?.detail(), confined.detail());
      return { record: recordOf({ ...base, observation, pauseFrames }), incidents };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!(error instanceof RoleError)) throw error;
      const detail = await forwarder.ended().catch(() => null);
      const known = detail === null || error.message.includes(detail);
      const failure = known ? error.message : `${error.message}; forwarder ${detail}`;
      return { record: recordOf({ ...base, failure }), incidents: [] };
    } finally {
      signal.removeEventListener('abort', abort);
      await close();
    }
  }

  /**
   * Gives back every namespace and every port that was taken.
   * @throws CouldNotRunError when a port could not be put back as it was
   */
  async close(): Promise<void> {
    const faults: unknown[] = [];
    for (const { made } of this.hosts.values()) {
      await closeAll(made).catch((error: unknown) => faults.push(error));
    }
    this.hosts.clear();
    await this.trees.close();
    if (faults.length > 0) throw faults[0];
  }

  /** The trial with a file to send where its content has to be made first. */
  private async withContent(trial: PlannedTrial, hosts: TrialHosts): Promise<PlannedTrial> {
    const { workload } = trial.cell;
    if (workload.kind !== 'stream' || workload.content.kind !== 'tree') return trial;
    const sending = pairsOf(hosts).flatMap((ends) =>
      SIDES.filter((side) => sends(side, workload)).map((side) => ends[side]),
    );
    const away = sending.find(({ observer }) => observer !== undefined);
    if (away !== undefined) {
      throw new RoleError(
        `content: a folder is packed here, and ${away.name} is elsewhere: put a file there and use {file: PATH}`,
      );
    }
    const path = await this.trees.file(workload.content.path);
    const packed = { ...workload, content: { kind: 'file' as const, path } };
    return { ...trial, cell: { ...trial.cell, workload: packed } };
  }

  /** Where a topology's trials run; made once, given back by close(). */
  hostsFor(topology: Topology): Promise<TrialHosts> {
    const key = JSON.stringify(topology);
    const known = this.hosts.get(key);
    if (known !== undefined) return known.made;
    const made = topology.kind === 'nic' ? this.portsFor(topology) : makeHosts(topology);
    made.then(
      () => this.reached.add(key),
      // Whoever asks sees the refusal; that nobody may ask is no error.
      () => undefined,
    );
    this.hosts.set(key, { topology, made });
    return made;
  }

  /** Ports are in one place at a time: whatever else has some gives them back first. */
  private async portsFor(topology: NicTopology): Promise<TrialHosts> {
    const others = [...this.hosts].filter(([key]) => this.ported.has(key));
    for (const [key, other] of others) {
      this.hosts.delete(key);
      this.left.set(key, await environmentNow(other));
      await closeAll(other.made);
    }
    this.ported.add(JSON.stringify(topology));
    return makeHosts(topology);
  }

  /**
   * The same for a trial. Hosts that were there and are gone are connected to once more: a run must
   * not end with a link that was down for a moment.
   * @returns why the topology cannot be had
   */
  private async hostsStillThere(
    topology: Topology,
  ): Promise<TrialHosts | TopologyUnavailable | HostUnreachable> {
    const key = JSON.stringify(topology);
    try {
      const hosts = await this.hostsFor(topology);
      if (topology.kind !== 'hosts') return hosts;
      try {
        await assertReachable(hosts);
        return hosts;
      } catch (error) {
        if (!(error instanceof HostUnreachable)) throw error;
        this.hosts.delete(key);
        await Promise.all(distinctHosts(hosts).map((host) => host.close()));
        return await this.hostsFor(topology);
      }
    } catch (error) {
      if (error instanceof TopologyUnavailable) return error;
      if (!(error instanceof HostUnreachable) || !this.reached.has(key)) throw error;
      // The next trial tries again.
      this.hosts.delete(key);
      return error;
    }
  }

  private async tracepointOf({ observer }: Host): Promise<Tracepoint> {
    if (observer === undefined) return (this.tracepoint ??= syscallTracepoint());
    try {
      return await observer.ask('tracepoint');
    } catch (error) {
      // A host that is gone fails the trial when its roles are asked.
      if (!(error instanceof RoleError)) throw error;
      return { id: null, reason: error.message };
    }
  }
}

/** Looking for a program may include building one. Seconds. */
const ASK_TIMEOUT = 200;

/** How hosts that are not this one answer what they lack. */
export interface HostAnswers {
  /** Of open files, the least of all hosts; null = none known. */
  limit: number | null;
  /** Why a forwarder cannot run where it is to; null = asked here. */
  ask: ((use: string, options: Record<string, unknown>) => Promise<string | null>) | null;
}

/** Of a trial whose hosts are gone. */
const NOWHERE: Placement = { source: [], forwarder: [], sink: [] };

/** None where the hosts could not be had. */
async function environmentNow(of: {
  topology: Topology;
  made: Promise<TrialHosts>;
}): Promise<PromiseSettledResult<HostEnvironment>[]> {
  const hosts = await of.made.catch(() => null);
  return hosts === null ? [] : Promise.allSettled(environmentsOf(of.topology, hosts));
}

/** Topologies of which the interfaces' devices say whether a wire is crossed. */
const ON_DEVICES: readonly Topology['kind'][] = ['hosts', 'nic'];

async function closeAll(made: Promise<TrialHosts>): Promise<void> {
  const hosts = await made.catch(() => null);
  for (const host of hosts === null ? [] : distinctHosts(hosts)) await host.close();
}

function makeHosts(topology: Topology): Promise<TrialHosts> {
  switch (topology.kind) {
    case 'loopback':
      return loopbackHost(topology).then(allOn);
    case 'veth':
      return vethHosts(topology);
    case 'hosts':
      return remoteHosts(topology);
    case 'nic':
      return nicHosts(topology);
  }
}
