/** What was last found of this host's noise, kept for later reports in noise.json of the state folder. */
import { z } from 'zod';
import type { HostNoise } from '../../data/record/host-noise.js';
import {
  type FoundOn,
  foundOnSchema,
  keepResult,
  keptResults,
  sameHost,
  stateFile,
  thisHost,
} from '../../machine/host/kept-results.js';

const shown = z.object({
  seconds: z.number(),
  difference: z.number().nullable(),
  sets: z.number().nullable(),
  rounds: z.number().nullable(),
});
const stored = foundOnSchema.extend({
  version: z.literal(1),
  finished: z.string(),
  seconds: z.number(),
  forwarder: z.string(),
  sets: z.number(),
  rounds: z.number(),
  cost: z.object({ set: z.number(), round: z.number() }),
  stolen: z.number(),
  metrics: z.array(
    z.object({
      metric: z.string(),
      ratio: z.number(),
      low: z.number().nullable(),
      high: z.number().nullable(),
      shown: z.array(shown),
      parts: z.object({ host: z.number(), process: z.number(), slice: z.number().nullable() }),
    }),
  ),
  advice: z.array(z.string()),
});

/** The file that results are kept in. */
export function noiseFile(environment: NodeJS.ProcessEnv = process.env): string {
  return stateFile('noise.json', environment);
}

/** Keeps a result in the place of an earlier one of this host, kernel and build. */
export function storeNoise(noise: HostNoise, path = noiseFile()): Promise<void> {
  return keepResult(noise, path, stored);
}

/** The latest of this host, kernel and build; null where `splicebench noise` was not run. */
export async function latestNoise(
  path = noiseFile(),
  host: FoundOn = thisHost(),
): Promise<HostNoise | null> {
  const kept = await keptResults<HostNoise>(path, stored);
  return kept.find((one) => sameHost(one, host)) ?? null;
}
