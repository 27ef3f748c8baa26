/**
 * iperf3 -Z as one more trial of a block: in the same namespace, with the same congestion control, the
 * client on the source's CPU and the server on the sink's. It forwards nothing, so it is no entry of
 * the registry; what it gives is the goodput that others call the ceiling.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { wordsOf } from '../../src/base/errors/words.js';
import { readCpuTimes, readRetransmits } from '../../src/machine/host/counters.js';
import type { Host } from '../../src/machine/host/host.js';
import { allowedCpus, type Placement, placeRoles } from '../../src/machine/host/placement.js';
import type { TrialColumns } from '../../src/data/record/trial-columns.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import type { ForwarderEntry, PlannedTrial } from '../../src/data/record/plan.js';
import { findBottleneck } from '../../src/experiment/measure/bottleneck.js';
import type { TrialResult } from '../../src/data/record/trial-result.js';
import { recordOf } from '../../src/experiment/measure/record-of.js';

/** How it is called in tables. */
export const IPERF3: ForwarderEntry = { label: 'iperf3 -Z', use: 'iperf3', options: {} };

/** Why it is no arm of a set. */
export const IPERF3_ALONE = 'iperf3 takes no turns';

/** Time to listen, and to end after the traffic, milliseconds. */
const PATIENCE = 5000;
const POLL = 5;
/** Seconds between iperf3's own figures, from which the window is put together. */
const STEP = 0.1;

const intervalSchema = z.looseObject({
  sum: z.looseObject({ start: z.number(), end: z.number(), bytes: z.number() }),
});
const endSchema = z.looseObject({
  cpu_utilization_percent: z.looseObject({ host_total: z.number() }).optional(),
  receiver_tcp_congestion: z.string().optional(),
  sender_tcp_congestion: z.string().optional(),
});
const reportSchema = z.looseObject({
  start: z.looseObject({ version: z.string() }),
  intervals: z.array(intervalSchema),
  end: endSchema,
});
const failureSchema = z.looseObject({ error: z.string().optional() });
export type Iperf3Report = z.output<typeof reportSchema>;

/** What the window of a trial was, from the server's report. */
export interface Iperf3Window {
  seconds: number;
  bytes: number;
  /** Gbps up to each point, seconds from the start of the window. */
  series: { t: number; gbps: number }[];
}

/** Reads what iperf3 --json prints; throws with iperf3's own words when it failed. */
export function parseIperf3(text: string): Iperf3Report {
  const value: unknown = JSON.parse(text);
  const { error } = failureSchema.parse(value);
  if (error !== undefined) throw new Error(`iperf3: ${error}`);
  return reportSchema.parse(value);
}

/** The intervals that lie wholly between the warm-up and the end of the window. */
export function windowOf(report: Iperf3Report, warmup: number, seconds: number): Iperf3Window {
  const slack = STEP / 2;
  const inside = report.intervals
    .map(({ sum }) => sum)
    .filter(({ start, end }) => start >= warmup - slack && end <= warmup + seconds + slack);
  const first = inside[0]?.start ?? 0;
  return {
    seconds: inside.reduce((sum, { start, end }) => sum + end - start, 0),
    bytes: inside.reduce((sum, { bytes }) => sum + bytes, 0),
    series: inside
      .filter(({ start, end }) => end > start)
      .map(({ start, end, bytes }) => ({
        t: Number((end - first).toFixed(3)),
        gbps: Number(((bytes * 8) / (end - start) / 1e9).toFixed(3)),
      })),
  };
}

/** Runs one trial. Rejects only with the signal's reason; a failure is a record with its reason. */
export async function runIperf3(
  trial: PlannedTrial,
  host: Host,
  signal: AbortSignal,
): Promise<TrialResult> {
  signal.throwIfAborted();
  const placement = placeRoles(trial.cell.pin, allowedCpus());
  const base = { trial, started: new Date().toISOString(), host, placement };
  try {
    const record = await measure(base, signal);
    return { record, incidents: [] };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const failure = wordsOf(error);
    return { record: recordOf({ ...base, failure }), incidents: [] };
  }
}

interface Base {
  trial: PlannedTrial;
  started: string;
  host: Host;
  placement: Placement;
}

async function measure(base: Base, signal: AbortSignal): Promise<TrialRecord> {
  const { host, placement, trial } = base;
  const { warmup, seconds } = trial.cell.workload;
  const port = await freePort();
  const common = ['--json', '--port', String(port), '--interval', String(STEP)];
  const server = start(host, placement.sink, ['--server', '--one-off', ...common], signal);
  let client: Running | undefined;
  try {
    await untilListening(host, port, server);
    // It takes whole seconds only.
    const time = ['--time', String(Math.ceil(warmup + seconds + STEP))];
    const asked = ['--client', host.address, '--zerocopy', ...time, ...common];
    client = start(host, placement.source, asked, signal);
    await sleep(warmup * 1e3, undefined, { signal });
    const from = hostMark(host);
    await sleep(seconds * 1e3, undefined, { signal });
    const to = hostMark(host);
    const sent = parseIperf3(await client.output);
    const received = parseIperf3(await within(server.output, PATIENCE, 'iperf3 server'));
    return recordFrom(base, sent, received, from, to);
  } finally {
    client?.child.kill('SIGKILL');
    server.child.kill('SIGKILL');
  }
}

function hostMark(host: Host) {
  return {
    seconds: performance.now() / 1e3,
    cpu: readCpuTimes(),
    retransmits: readRetransmits(host.networkPid),
  };
}

function recordFrom(
  base: Base,
  sent: Iperf3Report,
  received: Iperf3Report,
  from: ReturnType<typeof hostMark>,
  to: ReturnType<typeof hostMark>,
): TrialRecord {
  const { trial, host, placement } = base;
  const { warmup, seconds } = trial.cell.workload;
  const window = windowOf(received, warmup, seconds);
  if (window.bytes === 0) throw new Error('iperf3: it reported no bytes in the window');
  const share = (report: Iperf3Report) => {
    const percent = report.end.cpu_utilization_percent?.host_total;
    return percent === undefined ? null : percent / 100;
  };
  const elapsed = to.seconds - from.seconds;
  const busy = [...placement.source, ...placement.sink].map(
    (cpu) => ((to.cpu.byCpu.get(cpu) ?? 0) - (from.cpu.byCpu.get(cpu) ?? 0)) / elapsed,
  );
  const congestion = sent.end.sender_tcp_congestion ?? null;
  const finding = findBottleneck({
    forwarder: null,
    source: share(sent),
    sink: share(received),
    forwarderCpu: null,
    endpointCpu: Math.max(...busy),
    congestion: congestion === null ? [] : [congestion],
    link: null,
  });
  const blank = recordOf({ ...base, failure: 'iperf3 does not tell' });
  const gbPerSecond = window.bytes / 1e9 / window.seconds;
  const retransmits =
    from.retransmits === null || to.retransmits === null ? null : to.retransmits - from.retransmits;
  const record: TrialRecord = {
    ...blank,
    outcome: 'unchecked',
    bottleneck: finding.bottleneck,
    bottleneck_reason: finding.reason,
    seconds: window.seconds,
    bytes: window.bytes,
    goodput_gbps: gbPerSecond * 8,
    system_cpu_seconds_per_gb: (to.cpu.busy - from.cpu.busy) / elapsed / gbPerSecond,
    retransmits,
    error: null,
    source_utilisation: share(sent),
    sink_utilisation: share(received),
    series: window.series,
    forwarder_version: sent.start.version,
    forwarder_detail: {
      isolated: host.isolated,
      ...(congestion === null ? {} : { congestion }),
    },
  };
  const reasons: TrialRecord['unavailable'] = {};
  for (const column of Object.keys(blank.unavailable) as (keyof TrialColumns)[]) {
    if (record[column] === null) reasons[column] = 'iperf3 is no forwarder and does not tell';
  }
  return { ...record, unavailable: reasons };
}

interface Running {
  child: ChildProcess;
  /** What it printed, once it has ended. */
  output: Promise<string>;
}

function start(
  host: Host,
  cpus: readonly number[],
  args: readonly string[],
  signal: AbortSignal,
): Running {
  const pin = ['taskset', '--cpu-list', cpus.join(',')];
  const argv = [...host.prefix, 'setpriv', '--pdeathsig', 'KILL', ...pin, 'iperf3', ...args];
  const [program = '', ...rest] = argv;
  const child = spawn(program, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    signal,
    killSignal: 'SIGKILL',
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  }
  const output = once(child, 'close').then(() => text);
  // Whoever waits for it sees the failure.
  output.catch(() => undefined);
  return { child, output };
}

async function untilListening(host: Host, port: number, server: Running): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const LISTEN = '0A';
  const listens = (table: string) =>
    readFileSync(`/proc/${host.networkPid ?? 'self'}/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .some(([, local, , state]) => local?.endsWith(wanted) && state === LISTEN);
  while (!['tcp', 'tcp6'].some(listens)) {
    if (server.child.exitCode !== null || server.child.signalCode !== null) {
      throw new Error(`iperf3 server ended: ${(await server.output).trim().slice(0, 200)}`);
    }
    if (performance.now() > deadline) throw new Error('iperf3 server did not listen');
    await sleep(POLL);
  }
}

async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  const timer = new AbortController();
  try {
    return await Promise.race([
      promise,
      sleep(ms, undefined, { signal: timer.signal }).then(() => {
        throw new Error(`${what}: no answer within ${ms / 1e3} s`);
      }),
    ]);
  } finally {
    timer.abort();
  }
}

/** Free here; in a namespace of the run's own nothing else listens at all. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
