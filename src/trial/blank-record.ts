import { RECORD_VERSION, type TrialRecord } from '../results/record.js';
import { messageBytes, type PlannedTrial } from '../scenario/plan.js';

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
    version: RECORD_VERSION,
    run_id: trial.run_id,
    trial_id: trial.trial_id,
    block: trial.block,
    position: trial.position,
    scenario: cell.scenario,
    topology: topology.kind,
    forwarder: forwarder.label,
    direction: workload.direction,
    connections: workload.connections,
    message_bytes: messageBytes(workload),
    check: workload.check,
    outcome: 'failed',
    bottleneck: null,
    seconds: null,
    bytes: null,
    goodput_gbps: null,
    forwarder_cpu_seconds: null,
    forwarder_cpu_seconds_per_gb: null,
    system_cpu_seconds_per_gb: null,
    syscalls: null,
    syscalls_per_gb: null,
    bytes_per_syscall: null,
    syscall_source: null,
    latency_p50_us: null,
    latency_p99_us: null,
    latency_p999_us: null,
    verified_bytes: null,
    incidents: null,
    corrupted_bytes: null,
    missing_bytes: null,
    extra_bytes: null,
    kernel_memory_peak_bytes: null,
    retransmits: null,
    error: null,
    forwarder_utilisation: null,
    source_utilisation: null,
    sink_utilisation: null,
    context_switches: null,
    workload: workload.kind,
    requests: null,
    requests_per_second: null,
    intended_rate: null,
    capacity_per_second: null,
    connections_per_second: null,
    transfers: null,
    transfers_failed: null,
    zero_copy_share: null,
    packets: null,
    bytes_per_packet: null,
    packet_drops: null,
    pause_frames: null,
    softirq_cpu_seconds_per_gb: null,
    forwarder_memory_bytes: null,
    under_strace: forwarder.strace === true,
    unavailable: {},
    cell: cell.key,
    started,
    series: [],
    calls: null,
    incidents_by_class: {},
    placement,
    bottleneck_reason: null,
    forwarder_version: null,
    forwarder_detail: {},
  };
}
