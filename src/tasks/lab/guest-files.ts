/** What the guest sees of this host, and nothing else: the package, node, some programs, their libraries. */
import { execFileSync } from 'node:child_process';
import {
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CouldNotRunError } from '../../base/errors/errors.js';
import { findProgram } from '../../base/process/program.js';
import { packageRoot } from '../../base/process/package-root.js';
import type { Entry } from './cpio.js';
import { HOST_SHARE } from './init-script.js';

/** Programs that topologies and roles start; busybox, which is the guest's shell, has some of them with less. */
const PROGRAMS = ['ip', 'ss', 'tc', 'unshare', 'nsenter', 'setpriv', 'taskset', 'sh', 'cat'];
/** Taken along where they are there. */
const OPTIONAL = ['strace', 'haproxy', 'nc', 'ethtool'];
/** For charts, which the host makes: 70 MB. */
const NOT_INSIDE = ['node_modules/echarts', 'node_modules/zrender'];
const ADDON = 'native/build/Release/splicebench.node';
/** Where node is in the guest. */
export const GUEST_NODE = `${HOST_SHARE}/bin/node`;
/** In the first file system: a role of ours loads hundreds of files, each of which would be asked of the host. */
export const GUEST_PACKAGE = '/package';
/** What nobody loads. */
const NOT_LOADED = /\.(map|md|d\.[cm]?ts)$/;

export interface GuestFiles {
  /** Links that the guest's root needs: path to target. */
  links: Record<string, string>;
}

/**
 * The package, for the first file system.
 * @param files of the package, relative to its root
 */
export function packageEntries(files: readonly string[]): Entry[] {
  const root = packageRoot();
  const folders = new Set<string>();
  const entries: Entry[] = [];
  const visit = (path: string) => {
    const from = join(root, path);
    if (statSync(from).isDirectory()) {
      for (const name of readdirSync(from)) visit(join(path, name));
      return;
    }
    if (NOT_LOADED.test(path)) return;
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) folders.add(folder);
    entries.push({ path: inPackage(path), kind: 'file', data: readFileSync(from) });
  };
  for (const path of files.filter((one) => !NOT_INSIDE.includes(one))) visit(path);
  // Those above others are shorter.
  const above = ['', ...folders].sort((a, b) => a.length - b.length);
  return [...above.map((path): Entry => ({ path: inPackage(path), kind: 'folder' })), ...entries];
}

function inPackage(path: string): string {
  return join(GUEST_PACKAGE.slice(1), path);
}

/**
 * Puts the rest below a folder (by a second name, where the file system can).
 * @throws CouldNotRunError naming what is missing
 */
export function stageGuest(folder: string): GuestFiles {
  const root = packageRoot();
  mkdirSync(join(folder, 'bin'), { recursive: true });
  place(process.execPath, join(folder, 'bin', 'node'));
  const programs = PROGRAMS.map((name) => {
    const path = findProgram(name);
    if (path === null) {
      throw new CouldNotRunError(
        `the guest needs ${name}, which is not here (apt-get install iproute2 util-linux)`,
      );
    }
    return path;
  });
  const further = OPTIONAL.flatMap((name) => findProgram(name) ?? []);
  for (const path of [...programs, ...further]) {
    place(path, join(folder, 'bin', basename(path)));
  }
  const libraries = [process.execPath, ...programs, ...further, join(root, ADDON)].flatMap(
    librariesOf,
  );
  for (const path of new Set(libraries)) {
    place(path, join(folder, realpathSync(dirname(path)), basename(path)));
  }
  return { links: linksOf(folder, [...new Set(libraries)]) };
}

/** Libraries are looked for where they are here; folders that are links here are links there. */
function linksOf(folder: string, libraries: readonly string[]): Record<string, string> {
  const links: Record<string, string> = {};
  const tops = new Set(['usr', ...libraries.map((path) => path.split('/')[1] ?? '')]);
  for (const top of tops) {
    const real = existsSync(`/${top}`) ? realpathSync(`/${top}`) : `/${top}`;
    if (existsSync(join(folder, real))) links[top] = `${HOST_SHARE}${real}`;
  }
  return links;
}

/** By a second name where the file system allows it: node alone has 100 MB. The guest cannot write. */
function place(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  const real = realpathSync(from);
  try {
    linkSync(real, to);
  } catch {
    copyFileSync(real, to, constants.COPYFILE_FICLONE);
  }
}

/** The shared libraries of a program, its loader included; none where it needs none. */
function librariesOf(path: string): string[] {
  let said: string;
  try {
    said = execFileSync('ldd', [path], { encoding: 'utf8', stdio: 'pipe' });
  } catch {
    // "not a dynamic executable"
    return [];
  }
  const missing = /^\s*(\S+) => not found/m.exec(said)?.[1];
  if (missing !== undefined)
    throw new CouldNotRunError(`${path} needs ${missing}, which is not here`);
  return [...said.matchAll(/(?:=>\s*|^\s*)(\/\S+)/gm)].flatMap((match) => match[1] ?? []);
}
