/** What every kind of workload is to the executor. A kind is one file and one case of conduct. */
import type { TrialHosts } from '../host/host.js';
import type { Placement } from '../host/placement.js';
import type { Incident } from '../results/record.js';
import type { PlannedTrial } from '../scenario/plan.js';
import { churnTrial } from './churn-trial.js';
import { exchangeTrial } from './exchange-trial.js';
import type { ForwarderUnderTest } from './forwarder-under-test.js';
import { httpTrial } from './http-trial.js';
import type { Observation } from './record-of.js';
import { streamTrial } from './stream-trial.js';

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

/** Prepares a trial the way its kind of workload is run. */
export function conduct(setting: SessionSetting): ConductedTrial {
  const { workload } = setting.trial.cell;
  switch (workload.kind) {
    case 'stream':
      return streamTrial(setting, workload);
    case 'exchange':
      return exchangeTrial(setting, workload);
    case 'churn':
      return churnTrial(setting, workload);
    case 'http':
      return httpTrial(setting, workload);
  }
}
