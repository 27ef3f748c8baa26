/**
 * `npm run bench:micro`: what single steps cost. Making and checking stamped bytes against memcpy, and
 * one splice pair against one recv/send pair by size. Loops and clocks are native; tinybench repeats
 * them and takes the medians.
 */
import { Command } from 'commander';
import { fileURLToPath } from 'node:url';
import { EXIT } from '../../src/base/errors/errors.js';
import { count, seed } from '../../src/cli/options.js';
import { stopSignal } from '../../src/cli/stop-signal.js';
import { loopbackHost } from '../../src/machine/topology/loopback/private-namespace.js';
import { native } from '../../src/data/native/native.js';
import { randomSeed } from '../../src/base/statistics/random.js';
import { runProgram } from '../entry.js';
import { INSIDE, LOOPBACK, runInside } from '../inside.js';
import { measureMicro, type MicroOptions } from './inner.js';
import { memoryRows, type MicroRound, pairRows } from './summary.js';
import { matchBar, microText } from './text.js';

const ROUNDS = 9;

async function main(signal: AbortSignal): Promise<number> {
  const options = new Command('micro')
    .description('what single steps cost: stamps against memcpy, a splice pair against recv/send')
    .option('--rounds <n>', 'rounds, every task once in each', count, ROUNDS)
    .option('--seed <n>', 'seed of the order (default: random)', seed)
    .option('--json', 'print figures and rounds as JSON')
    .parse()
    .opts<{ rounds: number; seed?: string; json?: boolean }>();
  const wish: MicroOptions = { rounds: options.rounds, seed: options.seed ?? randomSeed() };
  const rounds: MicroRound[] = [];
  const host = await loopbackHost(LOOPBACK);
  try {
    const take = (line: unknown) => rounds.push(line as MicroRound);
    await runInside(host, fileURLToPath(import.meta.url), [JSON.stringify(wish)], take, signal);
  } finally {
    await host.close();
  }
  const { engines } = native();
  const memory = memoryRows(rounds, engines);
  const json = { memory, pairs: pairRows(rounds), bar: matchBar(memory), rounds };
  process.stdout.write(options.json ? `${JSON.stringify(json)}\n` : microText(rounds, engines));
  return EXIT.ok;
}

const [flag, inner] = process.argv.slice(2);
if (flag === INSIDE) {
  await measureMicro(JSON.parse(inner ?? '{}') as MicroOptions);
  process.exit(0);
}
const signal = stopSignal();
await runProgram(
  'bench:micro',
  () => main(signal),
  () => signal.aborted,
);
