/**
 * Source, forwarder and sink as three pinned threads of this process: a pipeline that starts in
 * milliseconds, and whose recorder can be switched while it runs.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Placement } from '../../src/machine/host/placement.js';
import { builtinKind } from '../../src/machine/forwarders/registry.js';
import { settingsOf } from '../../src/machine/forwarders/settings.js';
import { native } from '../../src/data/native/native.js';
import type { NativeEndpoint, NativeForwarder } from '../../src/data/native/native-surface.js';
import { PLAIN_STREAM } from '../../src/experiment/workload/schema.js';
import type { Random } from '../../src/base/statistics/random.js';
import { endpointOptions } from '../../src/experiment/measure/endpoints.js';

export interface Pairing {
  mechanism: string;
  placement: Placement;
  /** Seconds. */
  warmup: number;
  /** Seconds in all with the recorder, and as many without. */
  seconds: number;
  /** Of the order inside each pair of slices. */
  random: Random;
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

/** Seconds between two switches of the recorder: drift of the machine is far slower. */
const SLICE = 0.02;
/** Seconds after a switch that belong to neither side: what was on its way is through. */
const SETTLE = 0.003;

interface Sum {
  bytes: number;
  ns: number;
  cpuNs: number;
  calls: number;
}

/**
 * Runs the pipeline once, with the endpoints that a trial has, and switches the flight recorder off and
 * on again all the time, in random order inside each pair of slices.
 */
export async function runPair(pairing: Pairing): Promise<{ on: SliceFigures; off: SliceFigures }> {
  const { Endpoint, Forwarder } = native();
  const { placement, mechanism, random } = pairing;
  const plan = { workload: WORKLOAD, near: true, ...SEEDS, firstConnection: 0 };
  const upstream = { ...plan, cpus: placement.source, address: HERE };
  const source = new Endpoint({ ...endpointOptions('upstream', upstream), hold: false });
  const forwarder = new Forwarder({
    mechanism,
    listen: HERE,
    upstream: { ...HERE, port: source.port },
    settings: defaultsOf(mechanism),
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
  const sums = { on: nothing(), off: nothing() };
  await sleep(pairing.warmup * 1e3);
  for (let slice = 0; slice < pairing.seconds / SLICE; slice++) {
    for (const side of random.shuffled(['on', 'off'] as const)) {
      if (side === 'on') forwarder.thaw();
      else forwarder.freeze();
      await sleep(SETTLE * 1e3);
      const from = mark(sink, forwarder);
      await sleep(SLICE * 1e3);
      addTo(sums[side], from, mark(sink, forwarder));
    }
  }
  sink.stopNow();
  source.stopNow();
  forwarder.stop();
  for (const failure of await Promise.all(ended)) {
    if (failure !== null) throw new Error(`${mechanism}: ${failure}`);
  }
  return { on: figuresOf(sums.on, mechanism), off: figuresOf(sums.off, mechanism) };
}

function defaultsOf(mechanism: string) {
  const kind = builtinKind(mechanism);
  if (kind === null) throw new Error(`no mechanism '${mechanism}'`);
  return settingsOf(kind, {}).settings;
}

function nothing(): Sum {
  return { bytes: 0, ns: 0, cpuNs: 0, calls: 0 };
}

function mark(sink: NativeEndpoint, forwarder: NativeForwarder): Sum {
  const { received, timeNs } = sink.snapshot();
  const calls = forwarder.calls();
  return {
    bytes: received,
    ns: timeNs,
    cpuNs: forwarder.snapshot().cpuNs,
    calls: DATA_CALLS.reduce((sum, name) => sum + (calls[name]?.calls ?? 0), 0),
  };
}

function addTo(sum: Sum, from: Sum, to: Sum): void {
  sum.bytes += to.bytes - from.bytes;
  sum.ns += to.ns - from.ns;
  sum.cpuNs += to.cpuNs - from.cpuNs;
  sum.calls += to.calls - from.calls;
}

function figuresOf({ bytes, ns, cpuNs, calls }: Sum, mechanism: string): SliceFigures {
  const gb = bytes / 1e9;
  if (gb <= 0) throw new Error(`${mechanism}: nothing was forwarded`);
  return {
    goodput_gbps: (gb * 8) / (ns / 1e9),
    forwarder_cpu_seconds_per_gb: cpuNs / 1e9 / gb,
    recorded_calls_per_gb: calls / gb,
  };
}
