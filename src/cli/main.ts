#!/usr/bin/env node
import { BISECT, CouldNotRunError, EXIT, UsageError } from '../base/errors/errors.js';

/** Roles start once per trial: they load nothing that only commands need. */
async function main(argv: string[]): Promise<void> {
  if (argv[0] === 'role') {
    const { roleCommand } = await import('./role.js');
    await roleCommand(argv.slice(1));
    return;
  }
  if (argv[0] === 'lab-inside') {
    const { labInside } = await import('./lab-inside.js');
    await labInside(argv.slice(1));
    return;
  }
  for (const stream of [process.stdout, process.stderr]) stream.on('error', readerGone);
  const { program } = await import('./program.js');
  await (await program(argv[0])).parseAsync(argv, { from: 'user' });
}

/** Who stops reading (`| head`) ends the printing, not the work: what is measured is also stored. */
function readerGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const code = report(error);
  process.exitCode =
    code !== EXIT.ok && bisects(process.argv.slice(2)) ? BISECT.couldNotTell : code;
});

/** `git bisect run` takes every exit code below 125 but 0 for a bad kernel, a usage error's too. */
function bisects([command, ...rest]: readonly string[]): boolean {
  return command === 'lab' && rest.includes('--bisect');
}

/** The one place where an error becomes words and an exit code. */
function report(error: unknown): number {
  if (!(error instanceof Error)) {
    process.stderr.write(`splicebench: ${String(error)}\n`);
    return EXIT.couldNotRun;
  }
  // Commander has printed its message, and what the exit code is to be.
  if ('exitCode' in error && typeof error.exitCode === 'number') {
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  if (error instanceof UsageError) {
    process.stderr.write(`splicebench: ${error.message}\n`);
    return EXIT.usage;
  }
  // Errors of the system and of the store say what, where and why; anything else is our bug.
  const known = error instanceof CouldNotRunError || 'code' in error || error.name !== 'Error';
  const bug = !known || error instanceof TypeError || error instanceof RangeError;
  process.stderr.write(`splicebench: ${bug ? (error.stack ?? error.message) : error.message}\n`);
  return EXIT.couldNotRun;
}
