/** One mechanism on one thread or on several that share a port, driven like one forwarder. */
import { tmpdir } from 'node:os';
import { native } from '../../data/native/native.js';
import type {
  ForwarderSnapshot,
  NativeForwarder,
  NativeForwarderOptions,
} from '../../data/native/native-surface.js';
import type { RecordedCall } from '../../data/record/record.js';
import { sumCalls } from '../../data/record/sum-calls.js';
import { TEMPORARY } from './places.js';

export interface ThreadedForwarder extends Omit<NativeForwarder, 'thaw'> {
  /** The thread of each loop, as /proc names it. */
  tids(): number[];
}

/**
 * Opens a forwarder per thread. The kernel spreads the connections over them, and each of several has a
 * table of descriptors of its own, so that together they hold `threads` times as many as the limit
 * allows one.
 * @param threads 1 or more
 * @throws Error when the address cannot be listened at
 */
export function forwarderOnThreads(
  told: NativeForwarderOptions,
  threads: number,
): ThreadedForwarder {
  const { Forwarder } = native();
  const options = { ...told, settings: onThisHost(told.settings) };
  const first = new Forwarder(threads === 1 ? options : { ...options, oneOfSeveral: 'first' });
  const listen = { ...options.listen, port: first.port };
  const beside = Array.from(
    { length: threads - 1 },
    () => new Forwarder({ ...options, listen, oneOfSeveral: 'next' }),
  );
  const all = [first, ...beside];
  return {
    port: first.port,
    start: (onEnd) => {
      let running = all.length;
      let failure: string | null = null;
      for (const one of all) {
        one.start((error) => {
          failure ??= error;
          running -= 1;
          if (running === 0) onEnd(failure);
          // One that could not run would leave its share of the connections unserved.
          else if (error !== null) for (const other of all) other.stop();
        });
      }
    },
    stop: () => {
      for (const one of all) one.stop();
    },
    tids: () => all.map((one) => one.snapshot().tid),
    snapshot: () =>
      sumOfSnapshots(
        first.snapshot(),
        beside.map((one) => one.snapshot()),
      ),
    calls: () => sumCalls(all.map((one) => one.calls())),
    freeze: () => {
      for (const one of all) one.freeze();
    },
    recorded: () =>
      mergedCalls(all.map((one) => ({ startNs: one.snapshot().startNs, calls: one.recorded() }))),
  };
}

function onThisHost(settings: NativeForwarderOptions['settings']) {
  return settings['dir'] === TEMPORARY ? { ...settings, dir: tmpdir() } : settings;
}

/**
 * The calls of several threads in the order of their times, seconds since the first one's start, with
 * flows numbered apart: even ones still carry downloads, odd ones uploads.
 */
export function mergedCalls(
  threads: readonly { startNs: number; calls: readonly RecordedCall[] }[],
): RecordedCall[] {
  const [first] = threads;
  if (first === undefined) return [];
  return threads
    .flatMap(({ startNs, calls }, index) =>
      calls.map((call) => ({
        ...call,
        t: call.t + (startNs - first.startNs) / 1e9,
        flow: (Math.floor(call.flow / 2) * threads.length + index) * 2 + (call.flow % 2),
      })),
    )
    .sort((a, b) => a.t - b.t);
}

/** Counts and CPU time added up; of what is no count that of the first which has one. */
export function sumOfSnapshots(
  first: ForwarderSnapshot,
  beside: readonly ForwarderSnapshot[],
): ForwarderSnapshot {
  return beside.reduce(
    (sum, one) => ({
      ...sum,
      cpuNs: sum.cpuNs + one.cpuNs,
      accepted: sum.accepted + one.accepted,
      open: sum.open + one.open,
      downBytes: sum.downBytes + one.downBytes,
      upBytes: sum.upBytes + one.upBytes,
      resets: sum.resets + one.resets,
      connectFailures: sum.connectFailures + one.connectFailures,
      lastErrno: sum.lastErrno ?? one.lastErrno,
      trouble: sum.trouble ?? one.trouble,
      copyFallbacks: sum.copyFallbacks + one.copyFallbacks,
      pipeCapacity: smallestMade(sum.pipeCapacity, one.pipeCapacity),
      pipesCreated: sum.pipesCreated + one.pipesCreated,
      syscalls: sum.syscalls + one.syscalls,
      details: sumOfDetails(sum.details, one.details),
    }),
    first,
  );
}

/** Bytes; 0 = no pipe was made. */
function smallestMade(a: number, b: number): number {
  if (a === 0 || b === 0) return Math.max(a, b);
  return Math.min(a, b);
}

function sumOfDetails(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum = { ...a };
  for (const [name, value] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + value;
  return sum;
}
