/** Where programs are found: PATH, and the folders for administrators that many users' PATH lacks. */
import { accessSync, constants } from 'node:fs';
import { delimiter, resolve } from 'node:path';

const FURTHER = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** PATH with the further folders at its end; whatever starts a program found here passes it on. */
export function searchPath(): string {
  const given = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...new Set([...given, ...FURTHER])].join(delimiter);
}

/**
 * The path of a program, or null when there is none.
 * @param name looked for along the search path, or taken as a path when it has a slash
 * @param cwd what a relative path is relative to
 */
export function findProgram(name: string, cwd = '.'): string | null {
  const folders = name.includes('/') ? [''] : searchPath().split(delimiter);
  for (const folder of folders) {
    const path = resolve(cwd, folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not there.
    }
  }
  return null;
}
