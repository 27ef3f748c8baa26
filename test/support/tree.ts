/** Trees of files, on which the project's own rules and programs are tried. */
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../src/base/process/package-root.js';

/**
 * Writes files into a folder, which is made where it is missing.
 * @param files texts by their path in the folder
 * @param own paths of the project's own files, copied to the same place
 */
export function writeTree(
  folder: string,
  files: Readonly<Record<string, string>>,
  own: readonly string[] = [],
): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  for (const path of own) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(packageRoot(), path), join(folder, path));
  }
}

/** Writes a script of sh that can be executed. @returns its path */
export function writeProgram(folder: string, name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}
