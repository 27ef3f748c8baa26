/** From what was observed of a trial to the record that is stored. Pure. */
import { askedInVain } from '../../machine/forwarders/asked-in-vain.js';
import type { Placement } from '../../machine/host/placement.js';
import type { Judgement } from '../../data/integrity/outcome.js';
import type { CheckTotals } from '../../data/native/native-surface.js';
import type { ConnectionOutcomes, IncidentClass } from '../../data/record/words.js';
import type { TrialColumns } from '../../data/record/trial-columns.js';
import type { PreparedPages, SliceSeries, TrialRecord } from '../../data/record/record.js';
import { type MovedBy, type MovedCalls, sharesByKind } from '../../data/record/moved-by.js';
import type { RestRecord } from '../../data/record/rest-record.js';
import type { ScriptOutcome } from '../../data/record/script-outcome.js';
import { backlogOf } from '../../data/record/backlog.js';
import { zeroCopyShare } from '../../data/record/zero-copy.js';
import type { PlannedTrial, Topology } from '../../data/record/plan.js';
import { formatBitRate } from '../../base/units/sizes.js';
import { blankRecord } from '../../data/record/blank-record.js';
import { type BusyParts, findBottleneck, type NamedBottleneck } from './bottleneck.js';
import { endCpus, sends, type Side, SIDES } from './endpoints.js';
import type { LoadFigures } from './load-figures.js';
import { notOfWorkload } from './not-of-workload.js';
import {
  type Marks,
  seriesOf,
  sumSeries,
  type SyscallSample,
  windowFigures,
  type WindowFigures,
} from './window.js';

/** Time series of the ends that receive: flat triples of time in ns, received, sent. */
export type SideSeries = Partial<Record<Side, number[]>>;

/** A trial that ran, whatever became of its bytes. */
export interface Observation {
  from: Marks;
  to: Marks;
  /** The window ended with the last byte. */
  ended: boolean;
  receiving: Side[];
  /** What the checkers of every receiving end counted. */
  totals: CheckTotals[];
  judgement: Judgement;
  /** What became of each connection, where the bytes are checked. */
  connectionOutcomes: ConnectionOutcomes;
  /** Of each pair the receiving ends' flat triples. */
  series: readonly SideSeries[];
  memoryPeak: number | null;
  /** Sampled system calls; a string says why not, null = counted in the window. */
  syscallSample: SyscallSample | string | null;
  /** How the forwarder's process ended by itself; null = it had not. */
  forwarderEnded: string | null;
  detail: Record<string, string | number | boolean>;
  version: string | null;
  /** Requests, connections and latencies, of the workloads that have them. */
  load?: LoadFigures;
  /** Of an arm of a set. */
  slices?: SliceSeries;
  /** Of each source that sent prepared pages. */
  preparedPages?: PreparedPages[];
  /** Of scripts only. */
  script?: ScriptOutcome;
  /** Of streams; null = there is no forwarder. */
  rest?: RestRecord | null;
}

interface Base {
  trial: PlannedTrial;
  /** Of an arm of a set. */
  set?: TrialRecord['set'];
  started: string;
  placement: Placement;
  /** Of hosts of the user's only. */
  emulated?: boolean;
  /** Of the slowest network card between the parts, bits per second; null, absent = none that says it. */
  linkSpeed?: number | null;
  /** Congestion control of the hosts that send; absent = not known. */
  congestion?: readonly string[];
}

/** What a trial that ran has to tell. */
interface Observed {
  observation: Observation;
  /** Of the whole trial; a string says why not. */
  pauseFrames: number | string;
}

/** Builds the record of a trial that ran (`observation`) or could not (`failure`, in words). */
export function recordOf(given: Base & (Observed | { failure: string })): TrialRecord {
  return 'failure' in given ? failedRecord(given, given.failure) : observed(given, given);
}

function gbps(bitsPerSecond: number | null): number | null {
  return bitsPerSecond === null ? null : bitsPerSecond / 1e9;
}

/** The columns know CPUs by role. */
function storedPlacement({ source, forwarder, sink }: Placement): Record<string, number[]> {
  return { source, forwarder, sink };
}

// eslint-disable-next-line max-lines-per-function -- one literal with a line per column of the record
function observed(base: Base, { observation: seen, pauseFrames }: Observed): TrialRecord {
  const { cell, forwarder } = base.trial;
  const sample = typeof seen.syscallSample === 'string' ? null : seen.syscallSample;
  const figures = windowFigures(seen.from, seen.to, seen.receiving, seen.ended, sample);
  const checked = cell.workload.check === 'full';
  const totals = totalsOf(seen.totals);
  // An arm may have ended before a slice of it was measured.
  const measured = seen.slices === undefined || figures.seconds > 0;
  const finding = finder(base, figures, seen.receiving.length);
  const usage = (side: Side) => figures.endpointUtilisation[side];
  const [source, sink]: [Side, Side] = sends('upstream', cell.workload)
    ? ['upstream', 'downstream']
    : ['downstream', 'upstream'];
  const { from, to } = seen;
  const held = heldMemory(from.memory, to.memory);
  const reasons: TrialRecord['unavailable'] = {};
  const backlog = backlogOf(seen.detail);
  const vain = askedInVain(forwarder, seen.detail, cell.workload);
  const record: TrialRecord = {
    ...blankRecord(base.trial, base.started, storedPlacement(base.placement)),
    outcome: seen.judgement.outcome,
    bottleneck: finding.bottleneck,
    seconds: measured ? figures.seconds : null,
    bytes: measured ? figures.bytes : null,
    goodput_gbps: measured ? figures.goodput_gbps : null,
    forwarder_cpu_seconds: figures.forwarder_cpu_seconds,
    forwarder_cpu_seconds_per_gb: figures.forwarder_cpu_seconds_per_gb,
    system_cpu_seconds_per_gb: figures.system_cpu_seconds_per_gb,
    syscalls: figures.syscalls,
    syscalls_per_gb: figures.syscalls_per_gb,
    bytes_per_syscall: figures.bytes_per_syscall,
    syscall_source: figures.syscall_source,
    verified_bytes: checked ? totals.verified : null,
    incidents: checked ? totals.incidents : null,
    corrupted_bytes: checked ? totals.corrupted : null,
    missing_bytes: checked ? totals.missing : null,
    extra_bytes: checked ? totals.extra : null,
    kernel_memory_peak_bytes: seen.memoryPeak,
    retransmits: figures.retransmits,
    error: errorOf(seen),
    forwarder_utilisation: figures.forwarder_utilisation,
    source_utilisation: usage(source),
    sink_utilisation: usage(sink),
    context_switches: figures.context_switches,
    ...seen.load,
    zero_copy_share: zeroCopyShare(seen.detail),
    packets: figures.packets,
    bytes_per_packet: figures.bytes_per_packet,
    packet_drops: figures.packet_drops,
    pause_frames: typeof pauseFrames === 'number' ? pauseFrames : null,
    softirq_cpu_seconds_per_gb: figures.softirq_cpu_seconds_per_gb,
    link_gbps: gbps(base.linkSpeed ?? null),
    backlog_peak_bytes: backlog.peak,
    lost_bytes: backlog.lost,
    forwarder_memory_bytes: typeof held === 'number' ? held : null,
    unavailable: reasons,
    series: sumSeries(
      seen.series.flatMap((sides, pair) =>
        seen.receiving.map((side) =>
          seriesOf(
            sides[side] ?? [],
            from.endpoints[pair]?.[side].timeNs ?? 0,
            to.endpoints[pair]?.[side].timeNs ?? 0,
          ),
        ),
      ),
    ),
    calls: figures.calls,
    incidents_by_class: totals.byClass,
    ...(checked ? { transfer_fates: seen.connectionOutcomes } : {}),
    bottleneck_reason: finding.reason,
    forwarder_version: seen.version,
    forwarder_detail: seen.detail,
    ...(vain.length === 0 ? {} : { asked_in_vain: vain }),
    ...(seen.preparedPages?.length ? { prepared_pages: seen.preparedPages } : {}),
    ...(seen.script === undefined ? {} : { script: seen.script }),
    ...(seen.rest == null ? {} : { rest: seen.rest }),
    ...(forwarder.use === 'direct' ? {} : { moved_by: movedBy(seen, figures) }),
    ...(base.emulated === undefined ? {} : { emulated: base.emulated }),
    ...(seen.slices === undefined ? {} : { slices: seen.slices }),
    ...(base.set === undefined ? {} : { set: base.set }),
  };
  const absent =
    forwarder.use === 'direct'
      ? 'there is no forwarder'
      : typeof seen.syscallSample === 'string'
        ? seen.syscallSample
        : 'could not be read';
  Object.assign(reasons, reasonsFor(record, absent));
  if (typeof pauseFrames === 'string') reasons.pause_frames = pauseFrames;
  if (typeof held === 'string') reasons.forwarder_memory_bytes = held;
  if (seen.slices !== undefined) reasons.kernel_memory_peak_bytes = IN_A_SET;
  return record;
}

/** Own counts where there are any, else what was sampled. */
function movedBy(seen: Observation, { calls, bytes }: WindowFigures): MovedBy {
  const { bytes_by_its_counters: all, spliced_by_its_counters: spliced } = seen.detail;
  const known = typeof all === 'number' && typeof spliced === 'number';
  const program = known ? { program: { bytes: all, spliced } } : {};
  const told = (given: MovedCalls, source: 'own' | 'perf', forwarded: number | null): MovedBy => {
    const shares = sharesByKind(given, forwarded);
    const reason = shares === null ? 'no call was seen to move a byte' : null;
    return { shares, source, reason, ...program };
  };
  if (calls !== null) return told(calls, 'own', bytes);
  const { syscallSample: sample } = seen;
  const moved = typeof sample === 'object' ? sample?.moved : sample;
  if (typeof moved === 'object') return told(moved, 'perf', null);
  return { shares: null, source: null, reason: moved ?? 'nothing counts its calls', ...program };
}

/** The greater of what it held at both ends of the window, or why that is not known. */
function heldMemory(from: Marks['memory'], to: Marks['memory']): Marks['memory'] {
  if (typeof from !== 'number') return from;
  return typeof to === 'number' ? Math.max(from, to) : to;
}

function failedRecord(base: Base, failure: string): TrialRecord {
  const record = {
    ...blankRecord(base.trial, base.started, storedPlacement(base.placement)),
    error: failure,
    link_gbps: gbps(base.linkSpeed ?? null),
    ...(base.set === undefined ? {} : { set: base.set }),
  };
  return { ...record, unavailable: reasonsFor(record, 'the trial failed', 'the trial failed') };
}

const INTEGRITY: readonly (keyof TrialColumns)[] = [
  'verified_bytes',
  'incidents',
  'corrupted_bytes',
  'missing_bytes',
  'extra_bytes',
];
const FORWARDER: readonly (keyof TrialColumns)[] = [
  'forwarder_cpu_seconds',
  'forwarder_cpu_seconds_per_gb',
  'syscalls',
  'syscalls_per_gb',
  'bytes_per_syscall',
  'syscall_source',
  'forwarder_utilisation',
  'context_switches',
  'forwarder_memory_bytes',
];
const LINKS: readonly (keyof TrialColumns)[] = ['packets', 'bytes_per_packet', 'packet_drops'];
const IN_A_SET = 'the forwarders of a set share the kernel; mode: solo has it';
const NO_WIRE = 'loopback and veth never cross a wire';
const NO_LINK = 'no network card is involved, or none reports its speed';
const BACKLOG: readonly (keyof TrialColumns)[] = ['backlog_peak_bytes', 'lost_bytes'];
/** Columns where null means "there is none", not "unavailable". */
const OPTIONAL: readonly (keyof TrialColumns)[] = ['message_bytes', 'error', 'payload', 'pages'];

/** A reason for every column that is null. */
function reasonsFor(
  record: TrialRecord,
  forwarder: string,
  others = 'could not be read on this host',
): TrialRecord['unavailable'] {
  const reasons: TrialRecord['unavailable'] = {};
  for (const column of Object.keys(record) as (keyof TrialColumns)[]) {
    if (record[column] !== null || OPTIONAL.includes(column)) continue;
    if (column === 'emulated') {
      reasons[column] = NO_WIRE;
      continue;
    }
    if (column === 'link_gbps') {
      reasons[column] = NO_LINK;
      continue;
    }
    if (column === 'zero_copy_share') {
      reasons[column] = whyNoShare(record, others);
      continue;
    }
    if (BACKLOG.includes(column) && record.outcome !== 'failed') {
      reasons[column] = 'the forwarder knows of no bytes in the kernel beyond those of its sockets';
      continue;
    }
    reasons[column] =
      notOfWorkload(column, record) ??
      (INTEGRITY.includes(column) && record.check === 'none'
        ? 'check: none does not look at the bytes'
        : FORWARDER.includes(column)
          ? forwarder
          : LINKS.includes(column) && record.topology === 'loopback'
            ? 'loopback is one interface for all parts'
            : LINKS.includes(column) &&
                ['hosts', 'nic'].includes(record.topology) &&
                others !== 'the trial failed'
              ? 'the parts share an interface, or use others than those of the addresses'
              : others);
  }
  // Not columns of trials.csv.
  for (const key of ['calls', 'bottleneck_reason', 'forwarder_version']) {
    Reflect.deleteProperty(reasons, key);
  }
  return reasons;
}

function whyNoShare(record: TrialRecord, others: string): string {
  if (record.outcome === 'failed') return others;
  return 'zerocopy_sends' in record.forwarder_detail
    ? 'no zero-copy send was completed'
    : 'the forwarder asks for no zero-copy sends that the kernel reports on';
}

/** A forwarder that ended by itself is worth a word whenever something went wrong. */
function errorOf({ judgement, forwarderEnded }: Observation): string | null {
  if (judgement.reason === null) return null;
  const died = forwarderEnded === null ? '' : `; forwarder ${forwarderEnded}`;
  return judgement.reason + died;
}

function totalsOf(receivers: readonly CheckTotals[]) {
  const sum = { verified: 0, incidents: 0, corrupted: 0, missing: 0, extra: 0 };
  const byClass: Partial<Record<IncidentClass, number>> = {};
  for (const totals of receivers) {
    for (const key of ['verified', 'incidents', 'corrupted', 'missing', 'extra'] as const) {
      sum[key] += totals[key];
    }
    for (const [name, times] of Object.entries(totals.byClass)) {
      byClass[name as IncidentClass] = (byClass[name as IncidentClass] ?? 0) + times;
    }
  }
  return { ...sum, byClass };
}

function finder(
  { trial, placement, linkSpeed = null, congestion = [] }: Base,
  w: WindowFigures,
  directions: number,
): NamedBottleneck {
  const { cell, forwarder } = trial;
  const direct = forwarder.use === 'direct';
  const upstreamSends = sends('upstream', cell.workload);
  const { upstream, downstream } = w.endpointUtilisation;
  const busiest = (busy: ReadonlyMap<number, number>, cpus: readonly number[]) =>
    Math.max(0, ...cpus.map((cpu) => busy.get(cpu) ?? 0));
  const ends = w.cpuBusy.ends.flatMap((busy, pair) =>
    SIDES.flatMap((side) => {
      const cpus = endCpus(placement, side, sends(side, cell.workload), pair);
      return cpus.length === 0 ? [] : [busiest(busy[side], cpus)];
    }),
  );
  const { workload } = cell;
  const passed = (w.goodput_gbps * 1e9) / directions;
  return findBottleneck({
    forwarder: direct ? null : busyShare(w.forwarder_utilisation, forwarder, placement.forwarder),
    source: upstreamSends ? upstream : downstream,
    sink: upstreamSends ? downstream : upstream,
    forwarderCpu:
      direct || placement.forwarder.length === 0
        ? null
        : busiest(w.cpuBusy.forwarder, placement.forwarder),
    endpointCpu: ends.length === 0 ? null : Math.max(...ends),
    congestion,
    ...(workload.kind === 'stream'
      ? { flow: { passed, rate: workload.rate, reader: workload.reader } }
      : {}),
    link: linkUse(cell.topology, linkSpeed, w, passed),
  });
}

/**
 * How busy a forwarder's threads were, 0 to 1: of one thread its CPU seconds per second, of several that
 * may run on several CPUs their mean.
 */
function busyShare(
  utilisation: number | null,
  { options }: Pick<Base['trial']['forwarder'], 'options'>,
  cpus: readonly number[],
): number | null {
  const { threads } = options;
  if (utilisation === null || typeof threads !== 'number') return utilisation;
  return utilisation / Math.max(1, Math.min(threads, cpus.length === 0 ? threads : cpus.length));
}

/**
 * How full the fullest link was; null where nothing limits them, or nothing says what they carry.
 * @param passed bits per second of goodput in one direction
 */
function linkUse(
  topology: Topology,
  linkSpeed: number | null,
  { linkBitsPerSecond, fullestCard, cpuBusy }: WindowFigures,
  passed: number,
): BusyParts['link'] {
  if (topology.kind === 'veth') {
    const { rate } = topology;
    if (rate === null || linkBitsPerSecond === null) return null;
    return { share: linkBitsPerSecond / rate, name: formatBitRate(rate) };
  }
  const uses: NonNullable<BusyParts['link']>[] = [];
  if (fullestCard !== null) {
    const { name, speed, share } = fullestCard;
    uses.push({ share, name: formatBitRate(speed), of: name });
  }
  // All that arrives has passed the slowest card, unless there are several ways.
  if (linkSpeed !== null && cpuBusy.ends.length === 1) {
    uses.push({ share: passed / linkSpeed, name: formatBitRate(linkSpeed) });
  }
  const [first, second] = uses;
  if (first === undefined) return null;
  return second !== undefined && second.share > first.share ? second : first;
}
