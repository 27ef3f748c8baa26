/** What of the package another host needs to run it: everything but the tools that build and test it. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Folders and files beside the dependencies; the addon's sources, so that it can be built there. */
const OWN = [
  'package.json',
  'dist/src',
  'native/binding.gyp',
  'native/recorder',
  'native/src',
  'bench/scenarios',
  'bench/proxies',
];
/** What a native build leaves: taken along where it is there, built over there where it does not load. */
const BUILT = [
  'native/build/Release/splicebench.node',
  'native/build/Release/splicebench-calls.node',
];

interface PackageJson {
  dependencies?: Record<string, string>;
}

/**
 * Paths to take along, relative to the package's root.
 * @throws Error naming what is not there: a package that was not built
 */
export function packageFiles(root: string): string[] {
  const missing = OWN.find((path) => !existsSync(join(root, path)));
  if (missing !== undefined) {
    throw new Error(`${join(root, missing)} is missing; run 'make build' first`);
  }
  const built = BUILT.filter((path) => existsSync(join(root, path)));
  return [...OWN, ...built, ...dependencyFolders(root)];
}

/** The folders of all packages that the root's dependencies lead to, as node would find them. */
function dependencyFolders(root: string): string[] {
  const found = new Set<string>();
  const visit = (folder: string) => {
    const { dependencies = {} } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    ) as PackageJson;
    for (const name of Object.keys(dependencies)) {
      const own = folderOf(name, folder, root);
      const path = relative(root, own);
      // One that lies in a package that is taken along comes with it, but may lead elsewhere.
      if (found.has(path)) continue;
      found.add(path);
      visit(own);
    }
  };
  visit(root);
  return [...found].sort();
}

function folderOf(name: string, from: string, root: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name);
    if (existsSync(join(found, 'package.json'))) return found;
    if (folder === root || folder === dirname(folder)) {
      throw new Error(`the package '${name}' is not installed; run 'make build' first`);
    }
  }
}
