/**
 * What tells one build of the package from another of the same version: a digest of the compiled
 * JavaScript, of the addon's sources and of how they are compiled. Not of the addon itself, which legitimately differs between
 * hosts: it is built for each kind of processor and C library. Its sources go with the package.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../base/process/package-root.js';

/** Folders that make a build, with the names that count: what `deploy` takes along of them. */
const PARTS: readonly { path: string; counts: RegExp }[] = [
  { path: 'dist/src', counts: /\.js$/ },
  { path: 'native/recorder', counts: /\.(cc|h)$/ },
  { path: 'native/src', counts: /\.(cc|h)$/ },
];
/** How the addon is compiled. */
const FILES: readonly string[] = ['native/binding.gyp'];
const SHOWN = 12;

let own: string | undefined;

/** Of the package that runs; read once per process, since a host is asked before every trial. */
export function buildDigest(): string {
  own ??= digestOf(packageRoot());
  return own;
}

/**
 * @param root a package's folder; a part that is not there counts as empty
 * @returns the first 12 hexadecimal digits of a SHA-256
 */
export function digestOf(root: string): string {
  const hash = createHash('sha256');
  const inFolders = PARTS.flatMap(({ path, counts }) =>
    filesIn(join(root, path))
      .filter((name) => counts.test(name))
      .map((name) => `${path}/${name}`),
  );
  for (const file of [...inFolders, ...FILES.filter((one) => existsSync(join(root, one)))]) {
    const bytes = readFileSync(join(root, file));
    // Length and name in front, so that no two different sets of files read the same.
    hash.update(`${file} ${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex').slice(0, SHOWN);
}

/** Paths below a folder, in an order that does not depend on the file system. */
function filesIn(folder: string): string[] {
  try {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    return names.map((name) => name.replaceAll('\\', '/')).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
