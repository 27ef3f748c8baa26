import type { Command } from 'commander';
import { provenDetectors, proofFile, storeProof } from '../tasks/selftest/proof.js';
import { detectorSentence, selftestTable } from '../tasks/selftest/proof-text.js';
import { runSelftest, type SelftestResult } from '../tasks/selftest/selftest.js';
import { LiveExecutor } from '../experiment/trial/live-executor.js';
import { EXIT } from '../base/errors/errors.js';
import { releaseSignals, stopSignal } from './stop-signal.js';

/** `splicebench selftest`: proves on this host that what could go wrong would be seen. */
export function addSelftest(root: Command): void {
  root
    .command('selftest')
    .description('prove on this host that corruption would be seen')
    .option('--json', 'the result as JSON on stdout, text on stderr')
    .action(async (options: { json?: boolean }) => {
      process.exitCode = await selftest(options.json ?? false);
    });
}

async function selftest(json: boolean): Promise<number> {
  const human = json ? process.stderr : process.stdout;
  const executor = new LiveExecutor();
  const signal = stopSignal();
  let result: SelftestResult;
  try {
    result = await runSelftest({
      executor,
      signal,
      onControl: ({ detector, name }, { verdict }) => {
        if (process.stderr.isTTY) process.stderr.write(`  ${detector}: ${name}: ${verdict}\n`);
      },
    });
  } catch (error) {
    if (signal.aborted) return EXIT.interrupted;
    throw error;
  } finally {
    await executor.close();
    releaseSignals();
  }
  await storeProof(result);
  human.write(`${selftestTable(result.detectors)}\n\n`);
  human.write(`${detectorSentence(await provenDetectors())}\n`);
  human.write(`kept for later reports in ${proofFile()} (${result.seconds.toFixed(0)} s)\n`);
  if (json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  return exitCode(result, human);
}

/** A detector that did not see its fault is a failure; what cannot be tried here is not. */
function exitCode({ detectors }: SelftestResult, human: { write(text: string): unknown }): number {
  const blind = detectors.filter(({ verdict }) => verdict === 'unproven');
  if (blind.length === 0) return EXIT.ok;
  const names = blind.map(({ detector }) => detector).join(', ');
  human.write(`splicebench: not proven here: ${names}; a clean result says nothing about these\n`);
  return EXIT.couldNotRun;
}
