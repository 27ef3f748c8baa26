/** Starts a program of bench/: one place where an error becomes words and an exit code. */
import { fileURLToPath } from 'node:url';
import { CouldNotRunError, EXIT, UsageError } from '../src/base/errors/errors.js';
import { RoleError } from '../src/machine/role/client.js';

/** True when the module is what node was started with. */
export function isEntry(url: string): boolean {
  return process.argv[1] === fileURLToPath(url);
}

/** Tells what of a stored session does not follow from its runs, and the exit code of that. */
export function tellWrong(folder: string, wrong: readonly string[]): number {
  for (const line of wrong) process.stderr.write(`${folder}: ${line}\n`);
  return wrong.length === 0 ? EXIT.ok : EXIT.threshold;
}

/**
 * Runs a program to its exit code.
 * @param name what it is called in messages
 * @param aborted true once the user interrupted it: whatever failed then failed for that
 */
export async function runProgram(
  name: string,
  body: () => Promise<number>,
  aborted: () => boolean = () => false,
): Promise<void> {
  try {
    process.exitCode = await body();
  } catch (error) {
    if (aborted()) {
      process.exitCode = EXIT.interrupted;
      return;
    }
    process.stderr.write(`${name}: ${wordsOf(error)}\n`);
    process.exitCode = error instanceof UsageError ? EXIT.usage : EXIT.couldNotRun;
  } finally {
    // They would keep the process alive.
    process.removeAllListeners('SIGINT').removeAllListeners('SIGTERM');
  }
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known =
    error instanceof UsageError || error instanceof CouldNotRunError || error instanceof RoleError;
  // Anything else is our bug.
  return known || 'code' in error ? error.message : (error.stack ?? error.message);
}
