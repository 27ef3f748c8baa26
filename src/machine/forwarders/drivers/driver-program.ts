/** `program: PATH`: the file that a driver starts instead of the one that is installed. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { z } from 'zod';
import { findProgram } from '../../../base/process/program.js';

const VERSION_TIMEOUT = 5000;

/**
 * A path, made absolute, or a name that is looked for along PATH. A wrapper will do, as long as it takes the
 * arguments of what it wraps and ends up as that program (`exec`).
 */
export const programField = z
  .string()
  .min(1)
  .transform((given) => (given.includes('/') ? resolve(given) : given))
  .optional();

/** "haproxy not found (apt-get install haproxy)" */
export function notFound(program: string, packages: string): string {
  return `${program} not found (apt-get install ${packages})`;
}

/**
 * Where an entry's program is.
 * @param usual what the driver starts unless `program` says otherwise
 * @param packages that have it
 * @returns its path, or why there is none, as `reason`
 */
export function locate(
  { program }: Record<string, unknown>,
  usual: string,
  packages = usual,
): { path: string } | { reason: string } {
  const given = typeof program === 'string' ? program : null;
  const path = findProgram(given ?? usual);
  if (path !== null) return { path };
  return { reason: given === null ? notFound(usual, packages) : `${given}: no such program` };
}

/** Answers for a driver that needs a program and nothing else. */
export function needs(
  usual: string,
  packages = usual,
): (options: Record<string, unknown>) => Promise<string | null> {
  return (options) => {
    const found = locate(options, usual, packages);
    return Promise.resolve('reason' in found ? found.reason : null);
  };
}

/**
 * Reads the version of an entry's own program, for its label.
 * @param argument makes it print its version
 * @param pattern its first group is the version
 * @returns null without `program`, when that is not here, or when it prints none
 */
export function versionBy(
  argument: string,
  pattern: RegExp,
): (options: Record<string, unknown>) => string | null {
  return ({ program }) => {
    const path = typeof program === 'string' ? findProgram(program) : null;
    if (path === null) return null;
    const { stdout, stderr } = spawnSync(path, [argument], {
      encoding: 'utf8',
      timeout: VERSION_TIMEOUT,
    });
    return pattern.exec(`${stdout}\n${stderr}`)?.[1] ?? null;
  };
}
