import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CouldNotRunError } from './cli/exit.js';
import type { NativeAddon } from './native-surface.js';

/** The package's root: the folder with package.json, from wherever this file was compiled to. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new CouldNotRunError('splicebench: package.json not found');
    folder = parent;
  }
  return folder;
}

let loaded: NativeAddon | undefined;

/**
 * Loads the native addon once. SPLICEBENCH_ADDON names another build of it (a sanitizer's).
 * Throws CouldNotRunError naming every path tried and what to do.
 */
export function native(): NativeAddon {
  if (loaded) return loaded;
  const require = createRequire(import.meta.url);
  const override = process.env['SPLICEBENCH_ADDON'];
  const paths = override
    ? [override]
    : [
        join(packageRoot(), 'native', 'build', 'Release', 'splicebench.node'),
        join(packageRoot(), 'native', 'prebuilt', `${process.arch}.node`),
      ];
  const tried: string[] = [];
  for (const path of paths) {
    try {
      loaded = require(path) as NativeAddon;
      return loaded;
    } catch (error) {
      tried.push(
        `  ${path}: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`,
      );
    }
  }
  throw new CouldNotRunError(
    `the native addon could not be loaded; run 'make build' in the package's folder. Tried:\n${tried.join('\n')}`,
  );
}
