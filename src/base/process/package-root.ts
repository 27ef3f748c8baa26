import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CouldNotRunError } from '../errors/errors.js';

/**
 * The package's root: the folder with package.json, above this module wherever it was compiled to.
 * @throws CouldNotRunError when there is none
 */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) {
      throw new CouldNotRunError(`splicebench: package.json not found above ${import.meta.url}`);
    }
    folder = parent;
  }
  return folder;
}

/** The package's version. */
export function packageVersion(): string {
  const { version: text } = JSON.parse(
    readFileSync(join(packageRoot(), 'package.json'), 'utf8'),
  ) as { version: string };
  return text;
}
