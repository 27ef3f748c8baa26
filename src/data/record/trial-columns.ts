/**
 * The columns of trials.csv: those that users' scripts rely on in their order, then further ones. The type of a record's
 * columns, a blank record, the CSV, the metrics of summary.csv and the table in
 * docs/reading-results.md are all made from this table. GB are 10^9 bytes.
 */
import { known, measured, type MeasuredIn, metric, metricOfAll, type RowOf } from './column.js';
import type {
  Bottleneck,
  Check,
  Direction,
  Outcome,
  Pages,
  Payload,
  WorkloadKind,
} from './words.js';

export const TRIAL_TABLE = {
  run_id: known<string>('the run'),
  trial_id: known<string>('made of block, cell and forwarder'),
  block: known<number>('from 1'),
  position: known<number>('the place in the random order of the block, from 1'),
  scenario: known<string>('as named in the file'),
  topology: known<string>('its kind'),
  forwarder: known<string>('its label in the scenario'),
  direction: known<Direction>('of the workload'),
  connections: known<number>('of the workload'),
  message_bytes: known<number | null>('of the workload; empty = as large as serves best', 'B'),
  check: known<Check>('`full`: every byte was compared; `none`: counted only'),
  outcome: known<Outcome>('see below'),
  bottleneck: measured<Bottleneck>(
    '',
    'what was saturated: `forwarder`, `source`, `sink`, `link`, `pacing`, `unknown`',
  ),
  seconds: measured<number>('s', 'length of the measured window by the clock of the sink'),
  bytes: measured<number>('B', 'that the sink took in the window'),
  goodput_gbps: measured<number>(
    '10^9 bit/s',
    'those bytes over those seconds',
    metric('goodput', 'Gbps', true),
  ),
  forwarder_cpu_seconds: measured<number>('s', 'in the window'),
  forwarder_cpu_seconds_per_gb: measured<number>(
    's/GB',
    'service demand of the forwarder; GB = 10^9 bytes',
    metric('forwarder_cpu_per_gb', 's/GB', false),
  ),
  system_cpu_seconds_per_gb: measured<number>(
    's/GB',
    'of the whole host, softirq included',
    metric('system_cpu_per_gb', 's/GB', false),
  ),
  syscalls: measured<number>(
    '',
    "of the forwarder; where they were sampled after the window, that sample's calls per byte times the window's bytes",
  ),
  syscalls_per_gb: measured<number>(
    '1/GB',
    'of the forwarder',
    metric('syscalls_per_gb', '1/GB', false),
  ),
  bytes_per_syscall: measured<number>(
    'B',
    'that one call which moves bytes moved on average',
    metric('bytes_per_syscall', 'B', true),
  ),
  syscall_source: measured<'perf' | 'own' | 'strace'>(
    '',
    '`own`: exact, by the forwarder; `perf`: sampled by a tracepoint; `strace`: from a traced trial',
  ),
  latency_p50_us: measured<number>('µs', 'empty for streams', metric('latency_p50', 'us', false)),
  latency_p99_us: measured<number>('µs', 'empty for streams', metric('latency_p99', 'us', false)),
  latency_p999_us: measured<number>('µs', 'empty for streams', metric('latency_p999', 'us', false)),
  verified_bytes: measured<number>(
    'B',
    'compared and found to be what was sent, over the whole trial, warm-up and drain included',
  ),
  incidents: measured<number>('', 'stretches that are not what was sent'),
  corrupted_bytes: measured<number>('B', 'overwritten'),
  missing_bytes: measured<number>(
    'B',
    'lost; at the end of a connection, too, when it ended in good order',
  ),
  extra_bytes: measured<number>(
    'B',
    'added; at the end of a connection, too, when it ended in good order',
  ),
  kernel_memory_peak_bytes: measured<number>(
    'B',
    "TCP's queues on the host, highest minus before; not what no socket accounts for",
    metricOfAll('kernel_memory_peak', 'B'),
  ),
  retransmits: measured<number>('', 'segments, in the window'),
  error: measured<string>('', 'why the outcome is not `intact` or `unchecked`'),
  forwarder_utilisation: measured<number>('s/s', 'CPU seconds per second of the window'),
  source_utilisation: measured<number>('s/s', 'CPU seconds per second of the window'),
  sink_utilisation: measured<number>('s/s', 'CPU seconds per second of the window'),
  context_switches: measured<number>('', 'of the forwarder, in the window'),
  workload: known<WorkloadKind>('its kind: `stream`, `exchange`, `churn`, `http`, `script`'),
  requests: measured<number>(
    '',
    'exchange, http: answered in the window, by the clock of the client',
  ),
  requests_per_second: measured<number>(
    '1/s',
    'exchange, http: the same per second',
    metric('requests_per_second', '1/s', true),
  ),
  intended_rate: measured<number>(
    '1/s',
    'exchange: what an open loop was to send; empty = closed loop',
  ),
  capacity_per_second: measured<number>(
    '1/s',
    'exchange: of the closed loop before the window, of which `load` is a share',
  ),
  connections_per_second: measured<number>(
    '1/s',
    'churn: connections of the window that ended with everything',
    metric('connections_per_second', '1/s', true),
  ),
  transfers: measured<number>('', 'churn: connections begun in the whole trial'),
  transfers_failed: measured<number>('', 'churn: those that did not end with everything'),
  zero_copy_share: measured<number>(
    '0 to 1',
    'of the completed zero-copy sends, those that the kernel did not copy after all; empty where none was asked for',
    metric('zero_copy_share', 'share', true),
  ),
  packets: measured<number>(
    '',
    'received by the forwarder from the sender, in the window; a coalesced packet counts once',
  ),
  bytes_per_packet: measured<number>('B', 'of these packets'),
  packet_drops: measured<number>('', 'dropped or damaged at the interfaces of the links'),
  softirq_cpu_seconds_per_gb: measured<number>(
    's/GB',
    "the part of the system's CPU time that is soft interrupts",
  ),
  under_strace: known<boolean>(
    'the forwarder ran under strace: the row has calls, and its speed is not a speed',
  ),
  pause_frames: measured<number>('', 'sent and received by the network cards during the trial'),
  link_gbps: measured<number>(
    '10^9 bit/s',
    'speed of the slowest network card between the parts; empty where there is none or it is unknown',
  ),
  emulated: measured<boolean>(
    '',
    'on `hosts` and `nic`: `true` where parts that talk to each other share a machine with no card between them; empty on loopback and veth, which never cross a wire',
  ),
  backlog_peak_bytes: measured<number>(
    'B',
    '[sockmap](sockmap.md): the most that the kernel held and no socket accounts for',
    metricOfAll('backlog_peak', 'B'),
  ),
  lost_bytes: measured<number>(
    'B',
    'sockmap: what was dropped of that at the end of the streams',
    metricOfAll('lost_bytes', 'B'),
  ),
  forwarder_memory_bytes: measured<number>(
    'B',
    'of a program: the greater of what its process tree held before the window and after it ([how](proxies.md#what-each-is-measured-with)); empty for built-in mechanisms, which share a Node process',
    metric('forwarder_memory', 'B', false),
  ),
  latency_of: measured<'sent' | 'due' | 'corrected'>(
    '',
    'what the latencies count from: `sent` (a closed loop), `due` (when the request was due in an open loop), `corrected` (http at a rate: from when it was sent, with the requests that a slow answer kept from being sent)',
  ),
  pages: known<Pages | null>(
    'the condition: the kind of pages asked for with `payload: prepared`, `4KiB` (single ones, not next to each other in physical memory) or `contiguous` (of one huge page); empty where none was',
  ),
  payload: known<Payload | null>(
    'the condition: of streams whose bytes nobody compares, `prepared` (pages made once, given by reference and discarded in the kernel) or `copied` (sent from and received into ordinary buffers); empty where every byte is compared, and for other workloads',
  ),
};

/** What the columns of trials.csv hold. null = unavailable, with the reason under `unavailable`. */
export type TrialColumns = RowOf<typeof TRIAL_TABLE>;

/** Names of the columns, in the order of trials.csv. */
export const TRIAL_COLUMNS = Object.keys(TRIAL_TABLE) as (keyof TrialColumns)[];

/** A row in which everything that is measured is unavailable. */
export function unmeasured(): Pick<TrialColumns, MeasuredIn<typeof TRIAL_TABLE>> {
  const names = TRIAL_COLUMNS.filter((name) => !TRIAL_TABLE[name].known);
  return Object.fromEntries(names.map((name) => [name, null])) as Pick<
    TrialColumns,
    MeasuredIn<typeof TRIAL_TABLE>
  >;
}
