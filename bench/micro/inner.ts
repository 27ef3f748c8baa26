/**
 * The part of the micro benchmark that runs inside the namespace: rounds of tinybench, each with every
 * task once in random order, so that what is compared is a moment apart.
 */
import { Bench } from 'tinybench';
import { native } from '../../src/data/native/native.js';
import { Random } from '../../src/base/statistics/random.js';
import { endWithInput, tell } from '../inside.js';
import type { MemoryRound, MicroRound, PairRound } from './summary.js';

export interface MicroOptions {
  rounds: number;
  seed: string;
}

/** One thing to measure. */
interface Task {
  /** Runs once; returns nanoseconds of one unit, by the native clock. */
  measure: () => number;
  /** What a round's median of it says. */
  round: (round: number, ns: number) => MicroRound;
}

/** Fits every L2 cache of today, together with its copy; and more than any last-level cache holds. */
const PLACES = [
  { place: 'L2', bytes: 256 * 1024, passes: 16 },
  { place: 'DRAM', bytes: 64 * 2 ** 20, passes: 1 },
] as const;
/** 64 B to 1 MiB in powers of 4. */
const SIZES = Array.from({ length: 8 }, (_, power) => 64 * 4 ** power);
/** Bytes of one measurement of pairs, within limits. */
const PAIR_BYTES = 1 << 18;
/** Samples of a task in a round; each is a loop of its own already. */
const SAMPLES = 8;

/** Measures and tells one line of JSON per figure. */
export async function measureMicro(options: MicroOptions): Promise<void> {
  endWithInput();
  const random = new Random(options.seed, 'micro');
  const tasks = [...memoryTasks(), ...pairTasks()];
  for (const task of tasks) task.measure(); // caches, congestion windows, the CPU's clock
  for (let round = 1; round <= options.rounds; round++) {
    const bench = new Bench({ time: 0, iterations: SAMPLES, warmup: false });
    const order = random.shuffled(tasks);
    for (const [index, { measure }] of order.entries()) {
      bench.add(String(index), () => ({ overriddenDuration: measure() / 1e6 }));
    }
    await bench.run();
    for (const [index, { result }] of bench.tasks.entries()) {
      if (result.state === 'errored') throw result.error;
      const task = order[index];
      if (task === undefined || result.state !== 'completed') continue;
      tell(task.round(round, result.latency.p50 * 1e6));
    }
  }
}

function memoryTasks(): Task[] {
  const { micro, engines } = native();
  return PLACES.flatMap(({ place, bytes, passes }) => {
    const memory = new micro.Memory(bytes);
    const told = (operation: MemoryRound['operation'], engine: string | null) => ({
      round: (round: number, ns: number): MemoryRound => ({
        kind: 'memory',
        round,
        place,
        bytes,
        operation,
        engine,
        gb_per_second: bytes / ns,
      }),
    });
    return [
      { measure: () => memory.copy(passes) / passes, ...told('memcpy', null) },
      ...engines.flatMap((engine) => [
        { measure: () => memory.fill(engine, passes) / passes, ...told('fill', engine) },
        { measure: () => memory.match(engine, passes) / passes, ...told('match', engine) },
      ]),
    ];
  });
}

function pairTasks(): Task[] {
  const { micro } = native();
  return (['splice', 'copy'] as const).flatMap((mechanism) =>
    SIZES.map((bytes): Task => {
      const pair = new micro.Pair(mechanism, bytes);
      const pieces = Math.min(64, Math.max(2, Math.floor(PAIR_BYTES / bytes)));
      return {
        // A piece that did not fit at once took more pairs: what counts is the piece.
        measure: () => pair.run(pieces).ns / pieces,
        round: (round, ns): PairRound => ({ kind: 'pair', round, mechanism, bytes, ns }),
      };
    }),
  );
}
