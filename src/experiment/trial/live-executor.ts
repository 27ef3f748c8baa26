/** Runs trials on real sockets: fresh processes per trial, everything ended and closed after it. */
import { wordsOf } from '../../base/errors/words.js';
import type { SeenHost } from '../../machine/host/start-warnings.js';
import { forwarderKinds } from '../../machine/forwarders/registry.js';
import { confinedHost, type ConfinedHost } from '../../machine/topology/common/confinement.js';
import { distinctHosts, type Host, pairsOf, type TrialHosts } from '../../machine/host/host.js';
import { congestionOf, isEmulated, slowestLink } from '../../machine/topology/common/wires.js';
import { allowedCpus, type Placement } from '../../machine/host/placement.js';
import { watchPauseFrames } from '../../machine/host/pause-frames.js';
import { HostUnreachable, TopologyUnavailable } from '../../machine/topology/common/refusals.js';
import { assertReachable } from '../../machine/topology/hosts/remote-hosts.js';
import { syscallTracepoint, type Tracepoint } from '../../machine/host/tracepoint.js';
import type { HostEnvironment } from '../../data/record/environment-record.js';
import { RoleError } from '../../machine/role/client.js';
import { type Cell, machineOf, type PlannedTrial, type Topology } from '../../data/record/plan.js';
import { placedEnvironments, placementOf, seenHosts } from './host-environments.js';
import {
  closeAll,
  environmentNow,
  type MadeHosts,
  makeHosts,
  type TrialPlace,
  placeKey,
} from './made-hosts.js';
import { type HostAnswers, lackingForCell } from './availability.js';
import { type ConductedTrial, type Conductor } from '../measure/session.js';
import { failureOf } from '../measure/forwarder-failure.js';
import { conduct as conductByKind } from '../workload/conduct.js';
import { DecoyCrowd, decoyCpus } from '../workload/stream/decoy-crowd.js';
import { StreamSetTrial } from '../workload/stream/set-trial.js';
import { networkReason } from './solo.js';
import { CpuStates } from '../../machine/host/cpu-state.js';
import { isNear, sends, SIDES } from '../measure/endpoints.js';
import type { TrialResult } from '../../data/record/trial-result.js';
import type { TrialExecutor } from './executor.js';
import { forwarderUnderTest } from '../measure/forwarder-under-test.js';
import { SetProcesses, type StartedSet } from './set-processes.js';
import { PackedTrees } from '../measure/packed-trees.js';
import { recordOf } from '../measure/record-of.js';
import { asOne } from '../measure/several-forwarders.js';

/** Seeds of earlier trials whose bytes are recognised when they turn up in a later stream. */
const REMEMBERED_SEEDS = 16;

export class LiveExecutor implements TrialExecutor {
  private readonly hosts = new Map<string, MadeHosts>();
  private readonly seeds: string[] = [];
  private readonly trees = new PackedTrees();
  private readonly cpuStates = new CpuStates();
  private tracepoint: Promise<Tracepoint> | undefined;
  /** Topologies of which the hosts were there once, and those hosts. */
  private readonly reached = new Map<string, TrialHosts>();
  private readonly sets: SetProcesses;
  /** Topologies that take ports of this machine. */
  private readonly ported = new Set<string>();
  /** What hosts that are not the run's own were before the first trial. */
  private readonly seen = new Map<string, readonly HostEnvironment[]>();
  /** What the environment was when a topology's ports were given back. */
  private readonly left = new Map<string, PromiseSettledResult<HostEnvironment>[]>();

  /** @param confine the host as the forwarder alone sees it, e.g. with a CPU budget */
  constructor(private readonly confine: (host: Host) => Host = (host) => host) {
    this.sets = new SetProcesses(confine);
  }

  /**
   * Makes the namespaces that the cells need and captures the environment of their hosts. Cells whose
   * topology this host cannot give are named, with the reason.
   */
  async prepare(
    cells: readonly Cell[],
  ): Promise<{ environment: HostEnvironment[]; refused: { cell: Cell; reason: string }[] }> {
    const environments = new Map<TrialHosts, Promise<HostEnvironment[]>>();
    const named = new Map<string, Promise<HostEnvironment[]>>();
    const refused: { cell: Cell; reason: string }[] = [];
    for (const cell of cells) {
      try {
        const hosts = await this.hostsFor(cell);
        const known = environments.get(hosts) ?? placedEnvironments(cell, hosts);
        environments.set(hosts, known);
        if (cell.topology.kind === 'hosts') named.set(placeKey(cell), known);
        // The next topology may take the ports.
        if (cell.topology.kind === 'nic') await known;
        const lacking = lackingForCell(cell);
        if (lacking !== null) refused.push({ cell, reason: lacking });
      } catch (error) {
        if (!(error instanceof TopologyUnavailable)) throw error;
        refused.push({ cell, reason: error.message });
      }
    }
    const environment = await Promise.all(environments.values());
    for (const [key, known] of named) this.seen.set(key, await known);
    return { environment: environment.flat(), refused };
  }

  /** The hosts of the topology `hosts` as the doctor sees them. @throws RoleError when one does not answer */
  async examine(cells: readonly Cell[]): Promise<SeenHost[]> {
    const named = cells.filter(({ topology }) => topology.kind === 'hosts');
    const made = await Promise.all(named.map((cell) => this.hostsFor(cell)));
    return (await Promise.all([...new Set(made)].map(seenHosts))).flat();
  }

  /** How a topology's hosts are asked what they lack; null = as this host is. */
  async askOf(topology: Topology): Promise<HostAnswers | null> {
    if (topology.kind !== 'hosts') return null;
    const hosts = await this.hostsFor({ topology, pin: null });
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
  // eslint-disable-next-line max-lines-per-function -- a trial from its start to its end: what was begun is undone in the same place
  async run(
    trial: PlannedTrial,
    signal: AbortSignal,
    conduct: Conductor = conductByKind,
  ): Promise<TrialResult> {
    signal.throwIfAborted();
    const { cell, forwarder: entry } = trial;
    const started = new Date().toISOString();
    const hosts = await this.hostsStillThere(cell);
    if (hosts instanceof Error) {
      // The run began where the topology could be had, and goes on where it cannot.
      const base = { trial, started, placement: NOWHERE };
      return { record: recordOf({ ...base, failure: hosts.message }), incidents: [] };
    }
    const placement = placementOf(cell, hosts);
    const base = baseOf(trial, started, placement, hosts);
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
      const failure = wordsOf(error);
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
        record: entry.calls === 'recorder',
        opened: () => {
          try {
            confined.tighten();
          } catch (error) {
            const said = wordsOf(error);
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
            decoyCpus(hosts.forwarder.identity?.cpus ?? allowedCpus(), placement),
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
      const failure = await failureOf(error.message, forwarder);
      return { record: recordOf({ ...base, failure }), incidents: [] };
    } finally {
      signal.removeEventListener('abort', abort);
      await close();
    }
  }

  /** All arms of a set at once; see soloReason for who takes part in one. */
  async runSet(
    trials: readonly PlannedTrial[],
    signal: AbortSignal,
    next: () => readonly PlannedTrial[] = () => [],
  ): Promise<TrialResult[]> {
    signal.throwIfAborted();
    const [first] = trials;
    if (first === undefined) return [];
    const { cell } = first;
    const started = new Date().toISOString();
    const set = { id: first.trial_id, arms: trials.length };
    const failed = (trial: PlannedTrial, failure: string, base?: BaseOfRecord): TrialResult => ({
      record: recordOf({ set, ...(base ?? { trial, started, placement: NOWHERE }), failure }),
      incidents: [],
    });
    const hosts = await this.hostsStillThere(cell);
    if (hosts instanceof Error) return trials.map((trial) => failed(trial, hosts.message));
    const placement = placementOf(cell, hosts);
    const tracepoint = await this.tracepointOf(hosts.forwarder);
    await this.sets.endOthers(trials, hosts);
    signal.throwIfAborted();
    const parts = this.sets.take(trials, { hosts, placement, tracepoint });
    const running = this.streamSet(trials, set.id, { hosts, placement }, parts);
    const abort = () => void parts.close();
    signal.addEventListener('abort', abort, { once: true });
    const baseFor = (trial: PlannedTrial) => baseOf(trial, started, placement, hosts);
    try {
      const paused = await watchPauseFrames(hosts);
      const outcomes = await running.run(() => {
        if (!signal.aborted) this.prepareSet(next(), tracepoint);
      });
      const pauseFrames = await paused();
      signal.throwIfAborted();
      return trials.map((trial, index): TrialResult => {
        const outcome = outcomes[index] ?? { failure: 'nothing is known of it' };
        if ('failure' in outcome) return failed(trial, outcome.failure, baseFor(trial));
        const { observation, incidents } = outcome;
        return {
          record: recordOf({ set, ...baseFor(trial), observation, pauseFrames }),
          incidents,
        };
      });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!(error instanceof RoleError)) throw error;
      const { message } = error;
      return trials.map((trial) => failed(trial, message, baseFor(trial)));
    } finally {
      signal.removeEventListener('abort', abort);
      await parts.close();
    }
  }

  /** The first trial stands for all in what they have in common. */
  private streamSet(
    trials: readonly PlannedTrial[],
    id: string,
    where: { hosts: TrialHosts; placement: Placement },
    parts: StartedSet,
  ): StreamSetTrial {
    const arms = trials.map(({ cell: { workload } }) => {
      if (workload.kind !== 'stream') throw new Error('a set is of streams');
      return workload;
    });
    const [first] = trials;
    const [workload] = arms;
    if (first === undefined || workload === undefined) throw new Error('a set without arms');
    const { cell, seed, choice } = first;
    const earlierSeeds = this.seeds.slice(-REMEMBERED_SEEDS);
    this.seeds.push(seed);
    const rounds = choice === undefined ? {} : { rounds: choice.rounds };
    const near = isNear(cell.topology);
    const cpus = this.cpuStates.of(where.placement, near);
    const setting = { ...where, workload, arms, earlierSeeds, seed, near, cpus, ...rounds };
    return new StreamSetTrial(id, setting, parts);
  }

  /** By its networks; of hosts that were connected to again it is that of before. */
  whyAlone({ cell }: Pick<PlannedTrial, 'cell'>): string | null {
    return networkReason(cell, this.seen.get(placeKey(cell)) ?? []);
  }

  /** Where the hosts are there; else they are started with their set. */
  private prepareSet(trials: readonly PlannedTrial[], tracepoint: Tracepoint): void {
    const cell = trials[0]?.cell;
    const hosts = cell === undefined ? undefined : this.reached.get(placeKey(cell));
    if (cell === undefined || hosts === undefined) return;
    this.sets.prepare(trials, { hosts, placement: placementOf(cell, hosts), tracepoint });
  }

  async endPrepared(): Promise<void> {
    await this.sets.end();
  }

  /**
   * Gives back every namespace and every port that was taken.
   * @throws CouldNotRunError when a port could not be put back as it was
   */
  async close(): Promise<void> {
    await this.sets.end();
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

  /** Where a cell's trials run; made once, given back by close(). */
  hostsFor(place: TrialPlace): Promise<TrialHosts> {
    const key = placeKey(place);
    const { topology } = place;
    const known = this.hosts.get(key);
    if (known !== undefined) return known.made;
    const made = topology.kind === 'nic' ? this.portsFor(key, place) : makeHosts(place);
    made.then(
      (hosts) => this.reached.set(key, hosts),
      // Whoever asks sees the refusal; that nobody may ask is no error.
      () => undefined,
    );
    this.hosts.set(key, { topology, made });
    return made;
  }

  /** Ports are in one place at a time: whatever else has some gives them back first. */
  private async portsFor(own: string, place: TrialPlace): Promise<TrialHosts> {
    const others = [...this.hosts].filter(([key]) => this.ported.has(key));
    for (const [key, other] of others) {
      this.hosts.delete(key);
      this.left.set(key, await environmentNow(other));
      await closeAll(other.made);
    }
    this.ported.add(own);
    return makeHosts(place);
  }

  /**
   * The same for a trial. Hosts that were there and are gone are connected to once more: a run must
   * not end with a link that was down for a moment.
   * @returns why the topology cannot be had
   */
  private async hostsStillThere(
    place: TrialPlace,
  ): Promise<TrialHosts | TopologyUnavailable | HostUnreachable> {
    const key = placeKey(place);
    try {
      const hosts = await this.hostsFor(place);
      if (place.topology.kind !== 'hosts') return hosts;
      try {
        await assertReachable(hosts);
        return hosts;
      } catch (error) {
        if (!(error instanceof HostUnreachable)) throw error;
        this.hosts.delete(key);
        await Promise.all(distinctHosts(hosts).map((host) => host.close()));
        return await this.hostsFor(place);
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

type BaseOfRecord = Pick<Parameters<typeof recordOf>[0], 'trial' | 'started' | 'placement'>;

/** What is known of a trial before it runs. */
function baseOf(trial: PlannedTrial, started: string, placement: Placement, hosts: TrialHosts) {
  const { topology } = trial.cell;
  const direct = trial.forwarder.use === 'direct';
  return {
    trial,
    started,
    placement,
    congestion: congestionOf(hosts, topology.congestion),
    linkSpeed: slowestLink(hosts, direct),
    ...(ON_DEVICES.includes(topology.kind)
      ? { emulated: machineOf(topology) !== null || isEmulated(hosts, direct) }
      : {}),
  };
}

/** Of a trial whose hosts are gone. */
const NOWHERE: Placement = { source: [], forwarder: [], sink: [] };

/** Topologies of which the interfaces' devices say whether a wire is crossed. */
const ON_DEVICES: readonly Topology['kind'][] = ['hosts', 'nic'];
