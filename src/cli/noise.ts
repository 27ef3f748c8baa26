import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { CouldNotRunError, EXIT } from '../base/errors/errors.js';
import { packageVersion } from '../base/process/package-root.js';
import { randomSeed } from '../base/statistics/random.js';
import type { TrialStore } from '../data/record/trial-result.js';
import { RECORD_VERSION } from '../data/record/record.js';
import { RunStore } from '../data/results/store.js';
import type { Scenario } from '../experiment/scenario/expand.js';
import { unavailableIn } from '../experiment/trial/availability.js';
import { LiveExecutor } from '../experiment/trial/live-executor.js';
import { forwarderKinds } from '../machine/forwarders/registry.js';
import { noiseFile, storeNoise } from '../tasks/noise/kept-noise.js';
import { measureNoise, noiseScenario, PassingStore } from '../tasks/noise/noise.js';
import { noiseLines } from '../tasks/noise/noise-text.js';
import { count } from './options.js';
import { releaseSignals, stopSignal } from './stop-signal.js';

interface Options {
  seconds: number;
  forwarder: string;
  json?: true;
  out?: string;
}

/** `splicebench noise`: the smallest difference that this host can show. */
export function addNoise(root: Command): void {
  root
    .command('noise')
    .description('the smallest difference that this host can show: a forwarder against itself')
    .option('--seconds <n>', 'how long to measure', count, 60)
    .option('--forwarder <name>', 'what to compare with itself', 'copy')
    .option('--out <dir>', 'keep the run in this folder, with noise.json')
    .option('--json', 'the result as JSON on stdout, text on stderr')
    .action(async (options: Options) => {
      process.exitCode = await noise(options);
    });
}

async function noise({ seconds: time, forwarder, json, out }: Options): Promise<number> {
  const human = json ? process.stderr : process.stdout;
  const scenario = noiseScenario(forwarder, time);
  const lacking = await unavailableIn(scenario, forwarderKinds);
  const [first] = lacking;
  if (first !== undefined) throw new CouldNotRunError(`${forwarder}: ${first.reason}`);
  const executor = new LiveExecutor();
  const signal = stopSignal();
  const seed = randomSeed();
  const kept = out === undefined ? null : await openStore(out, scenario, seed);
  const store: TrialStore = kept ?? new PassingStore();
  try {
    const { environment, refused } = await executor.prepare(scenario.cells);
    await kept?.updateManifest({ environment });
    if (refused[0] !== undefined) throw new CouldNotRunError(refused[0].reason);
    const found = await measureNoise({
      ...{ scenario, forwarder, executor, store, signal, seed },
      onSet: (sets) => {
        if (process.stderr.isTTY) process.stderr.write(`\r  ${sets} sets`);
      },
    });
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
    await kept?.updateManifest({ interrupted: signal.aborted, finished: found?.finished ?? null });
    if (found === null || signal.aborted) return EXIT.interrupted;
    await storeNoise(found);
    if (out !== undefined) {
      await writeFile(join(out, 'noise.json'), `${JSON.stringify(found, null, 2)}\n`);
    }
    human.write(`${noiseLines(found).join('\n')}\n\nkept for later reports in ${noiseFile()}\n`);
    if (json) process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
    return EXIT.ok;
  } finally {
    await kept?.close();
    await executor.close();
    releaseSignals();
  }
}

function openStore(folder: string, scenario: Scenario, seed: string): Promise<RunStore> {
  const started = new Date().toISOString();
  return RunStore.create(folder, {
    version: RECORD_VERSION,
    run_id: 'noise',
    splicebench: packageVersion(),
    started,
    finished: null,
    interrupted: false,
    seed,
    scenarios: [scenario],
    environment: [],
    stopping: {},
  });
}
