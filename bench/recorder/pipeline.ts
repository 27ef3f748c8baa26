/**
 * Source, forwarder and sink as three pinned threads of this process: a pipeline that starts in
 * milliseconds, so that many short pairs fit where few trials would.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Placement } from '../../src/host/placement.js';
import { native } from '../../src/native.js';
import { PLAIN_STREAM } from '../../src/scenario/workload.js';
import { endpointOptions } from '../../src/trial/endpoints.js';

export interface Slice {
  mechanism: string;
  /** With the flight recorder. */
  record: boolean;
  placement: Placement;
  /** Seconds. */
  warmup: number;
  seconds: number;
}

export interface SliceFigures {
  goodput_gbps: number;
  forwarder_cpu_seconds_per_gb: number;
  /** Data calls: those that the recorder keeps. */
  recorded_calls_per_gb: number;
}

const HERE = { host: '127.0.0.1', port: 0 };
/** Nothing looks at the bytes: this is about speed. */
const WORKLOAD = { ...PLAIN_STREAM, seconds: 1, warmup: 0, check: 'none' } as const;
const SEEDS = { seed: '1', earlierSeeds: [] };
const DATA_CALLS = ['splice', 'recvfrom', 'sendto'];

/** Runs the pipeline once, with the endpoints that a trial has. */
export async function runSlice(slice: Slice): Promise<SliceFigures> {
  const { Endpoint, Forwarder } = native();
  const { placement, mechanism, record } = slice;
  const plan = { workload: WORKLOAD, near: true, ...SEEDS, firstConnection: 0 };
  const upstream = { ...plan, cpus: placement.source, address: HERE };
  const source = new Endpoint({ ...endpointOptions('upstream', upstream), hold: false });
  const forwarder = new Forwarder({
    mechanism,
    listen: HERE,
    upstream: { ...HERE, port: source.port },
    record,
    cpus: placement.forwarder,
  });
  const entry = { ...HERE, port: forwarder.port };
  const downstream = { ...plan, cpus: placement.sink, address: entry };
  const sink = new Endpoint({ ...endpointOptions('downstream', downstream), hold: false });
  const parts = [source, forwarder, sink];
  const ended = parts.map(
    (part) =>
      new Promise<string | null>((resolve) => {
        part.start(resolve);
      }),
  );
  const mark = () => ({
    sink: sink.snapshot(),
    forwarder: forwarder.snapshot(),
    calls: forwarder.calls(),
  });
  await sleep(slice.warmup * 1e3);
  const from = mark();
  await sleep(slice.seconds * 1e3);
  const to = mark();
  sink.stopNow();
  source.stopNow();
  forwarder.stop();
  for (const failure of await Promise.all(ended)) {
    if (failure !== null) throw new Error(`${mechanism}: ${failure}`);
  }

  const gb = (to.sink.received - from.sink.received) / 1e9;
  if (gb <= 0) throw new Error(`${mechanism}: nothing was forwarded`);
  const callsOf = ({ calls }: typeof from) =>
    DATA_CALLS.reduce((sum, name) => sum + (calls[name]?.calls ?? 0), 0);
  return {
    goodput_gbps: (gb * 8) / ((to.sink.timeNs - from.sink.timeNs) / 1e9),
    forwarder_cpu_seconds_per_gb: (to.forwarder.cpuNs - from.forwarder.cpuNs) / 1e9 / gb,
    recorded_calls_per_gb: (callsOf(to) - callsOf(from)) / gb,
  };
}
