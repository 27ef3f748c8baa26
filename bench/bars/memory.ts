/** Check and fill against memcpy, in rounds so short that the machine is the same for all. */
import { native } from '../../src/data/native/native.js';
import type { MemorySample } from './samples.js';

/** Fits every L2 cache of today, together with its copy. */
const BUFFER = 256 * 1024;
/** Passes of one measurement: about a millisecond. */
const PASSES = 64;

/** Takes `rounds` samples with the fastest engine. */
export function measureMemory(rounds: number): MemorySample[] {
  const { micro, engines } = native();
  const engine = engines[0] ?? 'portable';
  const memory = new micro.Memory(BUFFER);
  const speed = (ns: number) => (BUFFER * PASSES) / ns;
  const round = (): MemorySample => ({
    kind: 'memory',
    engine,
    bytes: BUFFER,
    memcpy: speed(memory.copy(PASSES)),
    match: speed(memory.match(engine, PASSES)),
    fill: speed(memory.fill(engine, PASSES)),
  });
  round(); // warms the caches and the clock of the CPU
  return Array.from({ length: rounds }, round);
}
