/** What every kind of workload is to the executor. */
import type { PlannedTrial } from '../../data/record/plan.js';
import type { Incident } from '../../data/record/record.js';
import type { TrialHosts } from '../../machine/host/host.js';
import type { Placement } from '../../machine/host/placement.js';
import type { ForwarderUnderTest } from './forwarder-under-test.js';
import type { Observation } from './record-of.js';

/** Everything that one trial runs with. */
export interface SessionSetting {
  trial: PlannedTrial;
  hosts: TrialHosts;
  placement: Placement;
  /** All of them as one. */
  forwarder: ForwarderUnderTest;
  /** One for each pair of ends. */
  forwarders: readonly ForwarderUnderTest[];
  /** Stamp seeds of earlier trials, whose bytes are recognised as foreign. */
  earlierSeeds: readonly string[];
}

/** A trial whose processes are started. */
export interface ConductedTrial {
  /**
   * Runs it to its end and collects what was seen.
   * @throws RoleError when some part could not do what it was asked
   */
  run(): Promise<{ observation: Observation; incidents: Incident[] }>;
  /** Ends its processes, whatever they are doing. Never throws. */
  close(): Promise<void>;
}

/** Prepares a trial: its processes are started, nothing flows yet. */
export type Conductor = (setting: SessionSetting) => ConductedTrial;
