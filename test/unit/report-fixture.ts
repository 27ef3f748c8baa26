/** A made-up run with everything a report must cope with. Deterministic: no clock, no chance. */
import { type TrialColumns, unmeasured } from '../../src/data/record/trial-columns.js';
import { bootstrapFreeSummary } from './report-fixture-summary.js';
import { type Check, type Outcome } from '../../src/data/record/words.js';
import {
  type CallCount,
  RECORD_VERSION,
  type RunManifest,
  type StoredIncident,
  type TrialRecord,
} from '../../src/data/record/record.js';
import { type RunReport } from '../../src/report/model/report-types.js';
import { type ReportSource, buildReport } from '../../src/report/model/model.js';

/** How one forwarder of the fixture behaves. */
export interface FakeForwarder {
  label: string;
  use?: string;
  /** Gbps around which its trials lie. */
  gbps: number;
  cpuPerGb: number | null;
  bytesPerCall: number | null;
  bottleneck?: TrialRecord['bottleneck'];
  /** Outcome of the given block's full-check trial; intact otherwise. */
  fullOutcome?: (block: number) => Outcome;
  noneOutcome?: (block: number) => Outcome;
  error?: string;
  unavailable?: TrialRecord['unavailable'];
}

export interface FakeRun {
  forwarders: FakeForwarder[];
  baseline: string;
  blocks: number;
  checks: Check[];
  /** One cell per number of connections and check. */
  connections: number[];
  lowerBound: boolean;
  coLimited: boolean;
  interrupted: boolean;
  incidents: StoredIncident[];
  limits: string[];
  /** Laid over every trial. */
  columns?: Partial<TrialColumns>;
}

export const DIRECT: FakeForwarder = {
  label: 'direct',
  gbps: 41.3,
  cpuPerGb: null,
  bytesPerCall: null,
  bottleneck: 'sink',
  unavailable: {
    forwarder_cpu_seconds_per_gb: 'no forwarder in between',
    syscalls_per_gb: 'no forwarder in between',
    bytes_per_syscall: 'no forwarder in between',
  },
};
export const POC: FakeForwarder = {
  label: 'poc',
  gbps: 27.2,
  cpuPerGb: 0.264,
  bytesPerCall: 32_512,
};
export const SPLICE: FakeForwarder = {
  label: 'splice',
  gbps: 36.9,
  cpuPerGb: 0.171,
  bytesPerCall: 487_320,
};
export const COPY: FakeForwarder = {
  label: 'copy',
  gbps: 15.97,
  cpuPerGb: 0.452,
  bytesPerCall: 65_180,
};
/** A label that a careless report would execute, or break its table, page or terminal with. */
export const HOSTILE: FakeForwarder = {
  label: '<img src=x onerror=alert(1)>|`"</script>\u001b[31m',
  use: 'command',
  gbps: 9.1,
  cpuPerGb: 0.9,
  bytesPerCall: 8192,
};
const UNICODE: FakeForwarder = {
  label: 'прокси-日本語-🚀 mit sehr langem Namen',
  use: 'command',
  gbps: 16.05,
  cpuPerGb: 0.44,
  bytesPerCall: 65_000,
};
export const BROKEN: FakeForwarder = {
  label: 'haproxy',
  gbps: 0,
  cpuPerGb: null,
  bytesPerCall: null,
  fullOutcome: () => 'failed',
  noneOutcome: () => 'failed',
  error: 'haproxy exited with code 1: cannot bind socket',
};
export const CORRUPTING: FakeForwarder = {
  ...POC,
  fullOutcome: (block) => (block === 2 ? 'corrupt' : 'intact'),
};

export const PLAIN_RUN: FakeRun = {
  forwarders: [DIRECT, POC, SPLICE, COPY],
  baseline: 'copy',
  blocks: 12,
  checks: ['none', 'full'],
  connections: [1],
  lowerBound: false,
  coLimited: false,
  interrupted: false,
  incidents: [],
  limits: [],
};

/** The stretch of the 2008 report, with the calls that carried it. */
export const INCIDENT_2008: StoredIncident = {
  trial_id: 'b02-loopback-check-full-poc',
  forwarder: 'poc',
  connection: 0,
  direction: 'down',
  offset: 14_164,
  length: 172,
  class: 'unknown',
  expected_hex:
    'fd6a8c8e082401291cf565867dbede81d2074144403a311cb96ece19e6a05c81f6406e1ba19f58619d37c7d5e31083b73f36e326fd22e303508c3d54f0f3d473cc7e6196430413e6d396eb2af5379e099fd225e573ecf3880847ca3fb027e9ae7da004db3ac3c42ff823050476c77f906556ed4f3103fb3ba6deb501480255f2d03889037f90cf5aa60104185bae62c6844bf2ff820412184f326e4f2e011514512381de539a86a6715047ee',
  received_hex:
    '0200000000000000080000000000000000000000 4d6963'.replace(' ', '') + '00'.repeat(149),
  entropy: 0.21,
  printable: 0.03,
  calls: [
    { t: 0.00112, name: 'splice', flow: 0, asked: 65_536, got: 1460, offset: 12_704 },
    { t: 0.00113, name: 'splice', flow: 0, asked: 2920, got: 2920, offset: 11_244 },
    { t: 0.00121, name: 'splice', flow: 0, asked: 65_536, got: 172, offset: 14_164 },
    { t: 0.00124, name: 'splice', flow: 0, asked: 65_536, got: 1460, offset: 14_336 },
    { t: 0.00126, name: 'splice', flow: 0, asked: 1632, got: 1632, offset: 14_164 },
    { t: 0.00131, name: 'splice', flow: 0, asked: 65_536, got: -11, offset: 15_796 },
  ],
};

/** Trials and summary of a made-up run. */
export function fakeSource(run: Partial<FakeRun> = {}): ReportSource {
  const whole = { ...PLAIN_RUN, ...run };
  const trials: TrialRecord[] = [];
  for (const check of whole.checks) {
    for (const connections of whole.connections) {
      for (let block = 1; block <= whole.blocks; block++) {
        whole.forwarders.forEach((forwarder, index) => {
          trials.push(fakeTrial(whole, forwarder, check, connections, block, index));
        });
      }
    }
  }
  return {
    manifest: fakeManifest(whole),
    trials,
    incidents: whole.incidents,
    summary: bootstrapFreeSummary(trials, whole.baseline, whole),
  };
}

export function fakeReport(run: Partial<FakeRun> = {}): RunReport {
  return buildReport(fakeSource(run));
}

/** Everything at once: hostile labels, corruption, failures, two conditions per check. */
export function hardReport(): RunReport {
  return fakeReport({
    forwarders: [DIRECT, CORRUPTING, SPLICE, COPY, HOSTILE, UNICODE, BROKEN],
    connections: [1, 64],
    incidents: [INCIDENT_2008, HOSTILE_INCIDENT],
    limits: ['no <b>hardware counters</b>: cycles & instructions unavailable'],
  });
}

const HOSTILE_INCIDENT: StoredIncident = {
  trial_id: 'b02-loopback-check-full-poc',
  forwarder: 'poc',
  connection: 3,
  direction: 'up',
  offset: 1_048_576,
  length: 65_536,
  class: 'foreign',
  origin_connection: 7,
  origin_direction: 'down',
  origin_offset: 524_288,
  expected_hex: '00112233445566778899aabbccddeeff'.repeat(16),
  received_hex: '00112233445566778899aabbccddee00'.repeat(16),
};

/** Twelve forwarders with long labels, for layouts. */
export function crowdedReport(): RunReport {
  const forwarders = Array.from({ length: 12 }, (_, index): FakeForwarder => {
    const names = ['direct', 'copy', 'splice', 'haproxy', 'nginx', 'socat'];
    const base = names[index % names.length] ?? '';
    return {
      label: index < 3 ? base : `${base} pipe=${2 ** index} KiB, tune.bufsize=${1024 * index}`,
      gbps: 5 + ((index * 7) % 12) * 3,
      cpuPerGb: 0.1 + ((index * 5) % 12) * 0.07,
      bytesPerCall: 1000 * 2 ** (index % 10),
    };
  });
  return fakeReport({ forwarders });
}

/** In [-1, 1], the same for the same arguments. */
function wobble(...seeds: number[]): number {
  const phase = seeds.reduce((sum, seed, index) => sum + seed * (index + 1) * 12.9898, 0);
  const chaotic = Math.sin(phase) * 43_758.5453;
  return (chaotic - Math.floor(chaotic)) * 2 - 1;
}

function fakeTrial(
  run: FakeRun,
  forwarder: FakeForwarder,
  check: Check,
  connections: number,
  block: number,
  index: number,
): TrialRecord {
  const outcome =
    (check === 'full' ? forwarder.fullOutcome?.(block) : forwarder.noneOutcome?.(block)) ??
    (check === 'full' ? 'intact' : 'unchecked');
  const failed = outcome === 'failed';
  const drift = 1 + 0.25 * wobble(block);
  const slow = check === 'full' ? 0.9 : 1;
  const gbps = forwarder.gbps * drift * slow * (1 + 0.015 * wobble(block, index, connections));
  const bytes = Math.round((gbps * 1e9 * 2) / 8);
  const cell = `loopback/check=${check}${run.connections.length > 1 ? `/connections=${connections}` : ''}`;
  const number = block.toString().padStart(2, '0');
  const columns: TrialColumns = {
    ...unmeasured(),
    under_strace: false,
    run_id: '20261123-120000-4711',
    trial_id: `b${number}-${cell.replaceAll(/[/=]/g, '-')}-${forwarder.label}`,
    block,
    position: (index + block) % run.forwarders.length,
    scenario: 'loopback',
    topology: 'loopback',
    forwarder: forwarder.label,
    direction: 'download',
    connections,
    message_bytes: null,
    check,
    outcome,
    bottleneck: failed ? null : (forwarder.bottleneck ?? 'forwarder'),
    seconds: failed ? null : 2.0001,
    bytes: failed ? null : bytes,
    goodput_gbps: failed ? null : gbps,
    forwarder_cpu_seconds: forwarder.cpuPerGb === null ? null : (forwarder.cpuPerGb * bytes) / 1e9,
    forwarder_cpu_seconds_per_gb: forwarder.cpuPerGb,
    system_cpu_seconds_per_gb: failed ? null : (forwarder.cpuPerGb ?? 0) + 0.21,
    syscalls: forwarder.bytesPerCall === null ? null : Math.round(bytes / forwarder.bytesPerCall),
    syscalls_per_gb: forwarder.bytesPerCall === null ? null : 1e9 / forwarder.bytesPerCall,
    bytes_per_syscall: forwarder.bytesPerCall,
    syscall_source: forwarder.bytesPerCall === null ? null : 'perf',
    latency_p50_us: null,
    latency_p99_us: null,
    latency_p999_us: null,
    verified_bytes: check === 'full' && !failed ? Math.round(bytes * 1.3) : null,
    incidents: check === 'full' && !failed ? (outcome === 'corrupt' ? 2 : 0) : null,
    corrupted_bytes: check === 'full' && !failed ? (outcome === 'corrupt' ? 65_708 : 0) : null,
    missing_bytes: check === 'full' && !failed ? 0 : null,
    extra_bytes: check === 'full' && !failed ? 0 : null,
    kernel_memory_peak_bytes: failed ? null : 6_291_456,
    retransmits: failed ? null : 0,
    error: failed ? (forwarder.error ?? 'failed') : null,
    forwarder_utilisation: failed ? null : 0.99,
    source_utilisation: failed ? null : 0.42,
    sink_utilisation: failed ? null : 0.55,
    context_switches: failed ? null : 1200,
    workload: 'stream',
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
    softirq_cpu_seconds_per_gb: failed ? null : 0.05,
    backlog_peak_bytes: null,
    lost_bytes: null,
    payload: check === 'none' ? 'prepared' : null,
    pages: null,
    latency_of: null,
    ...run.columns,
  };
  return {
    ...columns,
    version: RECORD_VERSION,
    unavailable: {
      latency_p50_us: 'only the exchange workload measures latency',
      ...(check === 'none' ? { verified_bytes: 'check: none does not look at the bytes' } : {}),
      ...(failed ? { goodput_gbps: 'the trial failed' } : {}),
      ...forwarder.unavailable,
    },
    cell,
    started: '2026-11-23T12:00:00.000Z',
    series: failed
      ? []
      : Array.from({ length: 20 }, (_, k) => ({
          t: (k + 1) / 10,
          gbps: gbps * (1 + 0.12 * wobble(block, index, k)),
        })),
    calls: failed || forwarder.bytesPerCall === null ? null : fakeCalls(forwarder, bytes),
    incidents_by_class: outcome === 'corrupt' ? { unknown: 1, foreign: 1 } : {},
    placement: { source: [0], forwarder: [1], sink: [0] },
    bottleneck_reason: failed ? null : 'forwarder CPU 99 % busy',
    forwarder_version: forwarder.use === 'command' ? 'my-proxy 1.2 & sons' : null,
    forwarder_detail: failed ? {} : { pipe: 1_048_576, granted: true },
  };
}

function fakeCalls(forwarder: FakeForwarder, bytes: number): Record<string, CallCount> {
  const perCall = forwarder.bytesPerCall ?? 1;
  const calls = Math.round(bytes / perCall);
  const top = Math.ceil(Math.log2(perCall));
  const histogram = new Array<number>(top + 2).fill(0);
  histogram[top + 1] = Math.round(calls * 0.1);
  histogram[top] = Math.round(calls * 0.6);
  histogram[top - 1] = Math.round(calls * 0.2);
  histogram[top - 3] = Math.round(calls * 0.1);
  return {
    splice: { calls, eagain: Math.round(calls * 0.04), bytes, histogram },
    epoll_wait: { calls: Math.round(calls / 3), eagain: 0, bytes: 0, histogram: [] },
  };
}

function fakeManifest(run: FakeRun): RunManifest {
  return {
    version: RECORD_VERSION,
    run_id: '20261123-120000-4711',
    splicebench: '0.1.0',
    started: '2026-11-23T12:00:00.000Z',
    finished: run.interrupted ? null : '2026-11-23T12:03:12.000Z',
    interrupted: run.interrupted,
    seed: '12046741230000000001',
    scenarios: [
      {
        name: 'loopback',
        forwarders: run.forwarders.map(({ label, use }) => ({ label, use: use ?? label })),
      },
    ],
    environment: [
      {
        host: 'local',
        kernel: 'Linux 6.12.9-amd64 #1 SMP',
        command_line: 'quiet mitigations=auto',
        cpu_model: 'AMD EPYC 7763 64-Core Processor',
        cpus: 2,
        memory_bytes: 8_589_934_592,
        governor: null,
        mitigations: {
          mds: 'Not affected',
          spectre_v2: 'Mitigation: Retpolines',
          tsa: 'Not affected',
        },
        sysctls: {
          'net.ipv4.tcp_congestion_control': 'cubic',
          'net.ipv4.tcp_rmem': '4096 131072 6291456',
        },
        node: 'v20.20.2',
        splicebench: '0.1.0',
        private_namespace: true,
        limits: run.limits,
      },
    ],
    stopping: Object.fromEntries(
      run.checks.map((check) => [
        `loopback/check=${check}`,
        'every ratio is known to within 3 % after 12 blocks',
      ]),
    ),
  };
}
