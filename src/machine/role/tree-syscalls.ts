/** System calls of a program and everything below it, by perf_event. */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NativeMovedBytes, NativeSyscallCounter } from '../../data/native/native-tools.js';
import type { MovedCalls } from '../../data/record/moved-by.js';
import type { SyscallRate } from './protocol.js';

/** A thread by the process that it belongs to. */
export interface Thread {
  pid: number;
  tid: number;
}

/**
 * System calls per second of threads and of what they start meanwhile. A thread that ends before it can
 * be counted has made no calls that matter; one that ends later keeps its count. No counter stays open.
 * @param open makes a counter of one thread
 * @param lives whether a thread is still there
 * @throws Error when perf_event refuses a living thread, when the kernel had to multiplex a counter, and
 *   when no thread is left
 */
export async function countSyscalls(
  threads: readonly Thread[],
  seconds: number,
  open: (tid: number) => NativeSyscallCounter,
  lives: (thread: Thread) => boolean = isThere,
): Promise<SyscallRate> {
  const counters: NativeSyscallCounter[] = [];
  try {
    for (const thread of threads) {
      try {
        counters.push(open(thread.tid));
      } catch (error) {
        if (lives(thread)) throw error;
      }
    }
    if (counters.length === 0) throw new Error('no thread of the program was there to be counted');
    const started = process.hrtime.bigint();
    const before = counters.map((counter) => counter.count());
    await sleep(seconds * 1e3);
    const after = counters.map((counter) => counter.count());
    const elapsed = Number(process.hrtime.bigint() - started) / 1e9;
    let calls = 0;
    for (const [index, count] of after.entries()) {
      const first = before[index] ?? null;
      if (count === null || first === null) {
        throw new Error('perf_event had to multiplex the counter');
      }
      calls += count - first;
    }
    return { perSecond: calls / elapsed };
  } finally {
    for (const counter of counters) counter.close();
  }
}

/** A ring holds what a busy thread does in this time, milliseconds. */
const TAKE_EVERY = 10;
/** So many times as long is waited for the first byte: others may have had the CPUs all the while. */
const UNTIL_FIRST = 10;

/**
 * Bytes by name of the call that moved them, of threads that are there now. Of a thread that is gone, or that
 * perf_event refuses, there are none.
 * @param seconds for which they are sampled; longer where nothing has moved by then
 * @param open makes a sampler of one thread
 * @throws Error when perf_event refuses a living thread
 */
export async function movedBytes(
  threads: readonly Thread[],
  seconds: number,
  open: (tid: number) => NativeMovedBytes,
  lives: (thread: Thread) => boolean = isThere,
): Promise<MovedCalls> {
  const samplers: NativeMovedBytes[] = [];
  try {
    for (const thread of threads) {
      try {
        samplers.push(open(thread.tid));
      } catch (error) {
        if (lives(thread)) throw error;
      }
    }
    const looks = Math.ceil((seconds * 1e3) / TAKE_EVERY);
    let none = samplers.length > 0;
    for (let look = 0; look < looks || (none && look < UNTIL_FIRST * looks); look++) {
      await sleep(TAKE_EVERY);
      const taken = samplers.map((sampler) => Object.values(sampler.take().calls));
      none &&= taken.flat().every(({ bytes }) => bytes === 0);
    }
    const moved: MovedCalls = {};
    for (const sampler of samplers) {
      for (const [name, { calls, bytes }] of Object.entries(sampler.take().calls)) {
        const sum = moved[name] ?? { calls: 0, bytes: 0 };
        moved[name] = { calls: sum.calls + calls, bytes: sum.bytes + bytes };
      }
    }
    return moved;
  } finally {
    for (const sampler of samplers) sampler.close();
  }
}

function isThere({ pid, tid }: Thread): boolean {
  return existsSync(`/proc/${pid}/task/${tid}`);
}
