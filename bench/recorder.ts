/**
 * What the flight recorder and the counters cost. Two measurements, interleaved:
 *
 * - The whole pipeline with the recorder switched on and off by turns of 20 ms, in random order inside
 *   each two: the ratio of goodput of all turns with it and all without, with its 95 % interval over
 *   runs. Counters are part of every forwarder and cannot be switched off, so that they are on in both.
 * - The cost per system call, bare, counted, and counted and recorded, on a call that does next to
 *   nothing. Times the calls per GB it gives the share of the forwarder's CPU that counters and
 *   recorder take together.
 */
import { Command } from 'commander';
import { fileURLToPath } from 'node:url';
import { EXIT } from '../src/base/errors/errors.js';
import { count } from '../src/cli/options.js';
import { stopSignal } from '../src/cli/stop-signal.js';
import type { Host } from '../src/machine/host/host.js';
import { loopbackHost } from '../src/machine/topology/loopback/private-namespace.js';
import { randomSeed } from '../src/base/statistics/random.js';
import { isEntry, runProgram } from './entry.js';
import { INSIDE, LOOPBACK, runInside } from './inside.js';
import { measureInside, type RecorderOptions } from './recorder/inner.js';
import { recorderCosts, type RecorderSample } from './recorder/samples.js';
import { recorderText } from './recorder/text.js';

const PAIRS = 20;
/** Of each half. */
const SECONDS = 0.6;

/** Measures on a host; samples in the order in which they were taken. */
export async function measureRecorder(
  host: Host,
  options: RecorderOptions,
  signal?: AbortSignal,
): Promise<RecorderSample[]> {
  const samples: RecorderSample[] = [];
  const take = (line: unknown) => samples.push(line as RecorderSample);
  await runInside(host, fileURLToPath(import.meta.url), [JSON.stringify(options)], take, signal);
  return samples;
}

async function main(signal: AbortSignal): Promise<number> {
  const { pairs, json } = new Command('recorder')
    .description('what the flight recorder and the counters cost')
    .option('--pairs <n>', 'pairs per mechanism', count, PAIRS)
    .option('--json', 'print samples and costs as JSON')
    .parse()
    .opts<{ pairs: number; json?: boolean }>();
  const host = await loopbackHost(LOOPBACK);
  try {
    const options = { mechanisms: ['splice', 'copy'], pairs, seconds: SECONDS, seed: randomSeed() };
    const samples = await measureRecorder(host, options, signal);
    const costs = recorderCosts(samples);
    process.stdout.write(json ? `${JSON.stringify({ costs, samples })}\n` : recorderText(samples));
    return EXIT.ok;
  } finally {
    await host.close();
  }
}

if (isEntry(import.meta.url)) {
  const [flag, inner] = process.argv.slice(2);
  if (flag === INSIDE) {
    await measureInside(JSON.parse(inner ?? '{}') as RecorderOptions);
    process.exit(0);
  }
  const signal = stopSignal();
  await runProgram(
    'recorder',
    () => main(signal),
    () => signal.aborted,
  );
}
