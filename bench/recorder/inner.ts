/** The part of the recorder benchmark that runs inside the namespace. */
import { setTimeout as sleep } from 'node:timers/promises';
import { allowedCpus, placeRoles } from '../../src/machine/host/placement.js';
import { native } from '../../src/data/native/native.js';
import { Random } from '../../src/base/statistics/random.js';
import { endWithInput, tell } from '../inside.js';
import { runPair } from './pipeline.js';
import type { CallCosts, RecorderPair } from './samples.js';

export interface RecorderOptions {
  mechanisms: string[];
  /** Pairs per mechanism. */
  pairs: number;
  /** Measured seconds of each half of a pair, in many slices by turns. */
  seconds: number;
  /** Of the order. */
  seed: string;
}

const WARMUP = 0.1;
/** Calls per measurement, and measurements of which the fastest counts: the rest was disturbed. */
const CALLS = 2000;
const TRIES = 12;
/** Between two pipelines, so that what the first leaves to close is closed. */
const PAUSE_MS = 10;

/** Measures and tells one line of JSON per sample. */
export async function measureInside(options: RecorderOptions): Promise<void> {
  endWithInput();
  const random = new Random(options.seed, 'recorder');
  const placement = placeRoles(null, allowedCpus());
  const calls = new (native().micro.Calls)();
  for (let pair = 0; pair < options.pairs; pair++) {
    for (const mechanism of random.shuffled(options.mechanisms)) {
      const { seconds } = options;
      const figures = await runPair({ mechanism, placement, warmup: WARMUP, seconds, random });
      tell({ kind: 'recorder-pair', mechanism, ...figures } satisfies RecorderPair);
      await sleep(PAUSE_MS);
    }
    const perCall = { none: Infinity, counted: Infinity, recorded: Infinity };
    for (let attempt = 0; attempt < TRIES; attempt++) {
      for (const book of random.shuffled(['none', 'counted', 'recorded'] as const)) {
        perCall[book] = Math.min(perCall[book], calls.run(book, CALLS) / CALLS);
      }
    }
    tell({ kind: 'call-costs', ...perCall } satisfies CallCosts);
  }
}
