import { RECORD_VERSION, type TrialRecord } from './record.js';
import { unmeasured } from './trial-columns.js';
import { messageBytes, pagesOf, payloadOf, type PlannedTrial, topologyName } from './plan.js';

/**
 * A record that says which trial it is and holds no figure: outcome `failed`, every measured column
 * null. What is known is laid over it.
 * @param started ISO 8601
 * @param placement CPUs by role
 */
export function blankRecord(
  trial: PlannedTrial,
  started: string,
  placement: Record<string, number[]>,
): TrialRecord {
  const { cell, forwarder } = trial;
  const { workload, topology } = cell;
  return {
    ...unmeasured(),
    version: RECORD_VERSION,
    run_id: trial.run_id,
    trial_id: trial.trial_id,
    block: trial.block,
    position: trial.position,
    scenario: cell.scenario,
    topology: topologyName(topology),
    forwarder: forwarder.label,
    direction: workload.direction,
    connections: workload.connections,
    message_bytes: messageBytes(workload),
    check: workload.check,
    outcome: 'failed',
    workload: workload.kind,
    payload: payloadOf(workload),
    pages: pagesOf(workload),
    under_strace: forwarder.strace === true,
    unavailable: {},
    cell: cell.key,
    started,
    series: [],
    incidents_by_class: {},
    calls: null,
    placement,
    bottleneck_reason: null,
    forwarder_version: null,
    forwarder_detail: {},
  };
}
