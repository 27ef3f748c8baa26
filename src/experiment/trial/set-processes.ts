/**
 * The processes of a set: both ends and a forwarder for each arm. Those of the next set are started while the
 * last one is being ended and judged. They wait for their input and use no CPU, and so disturb nobody.
 */
import type { PlannedTrial } from '../../data/record/plan.js';
import { forwarderKinds } from '../../machine/forwarders/registry.js';
import type { Host, TrialHosts } from '../../machine/host/host.js';
import type { Placement } from '../../machine/host/placement.js';
import type { Tracepoint } from '../../machine/host/tracepoint.js';
import { type ForwarderUnderTest, forwarderUnderTest } from '../measure/forwarder-under-test.js';
import { type SetEnds, startEnds } from '../workload/stream/stream-set.js';

/** Where a set runs, and how its programs' calls are counted. */
export interface SetPlace {
  hosts: TrialHosts;
  placement: Placement;
  tracepoint: Tracepoint;
}

export interface StartedSet {
  ends: SetEnds;
  /** In the order of the arms. */
  forwarders: readonly ForwarderUnderTest[];
  /** Ends all of them, whatever they are doing. Never throws. */
  close(): Promise<void>;
}

/** At most one set is started ahead. */
export class SetProcesses {
  private ahead: { key: string; hosts: TrialHosts; set: StartedSet } | null = null;

  /** @param confine the host as the forwarder alone sees it */
  constructor(private readonly confine: (host: Host) => Host) {}

  /** Starts them ahead; what was started before and not taken has to be ended first. */
  prepare(trials: readonly PlannedTrial[], place: SetPlace): void {
    if (this.ahead !== null) throw new Error('another set is started already');
    this.ahead = { key: keyOf(trials), hosts: place.hosts, set: this.start(trials, place) };
  }

  /** Those that were started ahead, where they are of these trials; else new ones. */
  take(trials: readonly PlannedTrial[], place: SetPlace): StartedSet {
    const { ahead } = this;
    if (ahead === null || !this.fits(trials, place.hosts)) return this.start(trials, place);
    this.ahead = null;
    return ahead.set;
  }

  /** Ends those that were started ahead for other trials than these, or elsewhere. */
  async endOthers(trials: readonly PlannedTrial[], hosts: TrialHosts): Promise<void> {
    if (!this.fits(trials, hosts)) await this.end();
  }

  /** Ends those that were started ahead. */
  async end(): Promise<void> {
    const { ahead } = this;
    this.ahead = null;
    await ahead?.set.close();
  }

  private fits(trials: readonly PlannedTrial[], hosts: TrialHosts): boolean {
    return this.ahead?.key === keyOf(trials) && this.ahead.hosts === hosts;
  }

  /** A damaging forwarder knows the stamps of the set. */
  private start(trials: readonly PlannedTrial[], place: SetPlace): StartedSet {
    const { hosts, placement, tracepoint } = place;
    const [first] = trials;
    if (first?.cell.workload.kind !== 'stream') throw new Error('a set is of streams');
    const ends = startEnds(hosts, first.cell.workload);
    const forwarders = trials.map(({ forwarder: { use, options } }) => {
      const kind = forwarderKinds.get(use);
      if (kind === undefined) throw new Error(`no forwarder '${use}'`);
      const host = this.confine(hosts.forwarder);
      const cpus = placement.forwarder;
      return forwarderUnderTest({ kind, options, host, cpus, tracepoint, seed: first.seed });
    });
    const all = [ends.upstream, ends.downstream, ...forwarders];
    return {
      ends,
      forwarders,
      close: async () => {
        await Promise.all(all.map((one) => one.close()));
      },
    };
  }
}

function keyOf(trials: readonly PlannedTrial[]): string {
  return JSON.stringify(trials.map(({ run_id, trial_id }) => [run_id, trial_id]));
}
