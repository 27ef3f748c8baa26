import { createRequire } from 'node:module';
import { join } from 'node:path';
import { CouldNotRunError } from '../../base/errors/errors.js';
import { firstWordsOf } from '../../base/errors/words.js';
import { packageRoot } from '../../base/process/package-root.js';
import type { NativeAddon } from './native-surface.js';

let loaded: NativeAddon | undefined;

/**
 * Loads the native addon once. SPLICEBENCH_ADDON names another build of it (a sanitizer's).
 * Throws CouldNotRunError naming the path tried and what to do.
 */
export function native(): NativeAddon {
  if (loaded) return loaded;
  const require = createRequire(import.meta.url);
  const override = process.env['SPLICEBENCH_ADDON'];
  const built = join(packageRoot(), 'native', 'build', 'Release', 'splicebench.node');
  const path = override === undefined || override === '' ? built : override;
  try {
    loaded = require(path) as NativeAddon;
    return loaded;
  } catch (error) {
    const why = firstWordsOf(error);
    throw new CouldNotRunError(
      `the native addon could not be loaded; run 'make build' in the package's folder. Tried:\n  ${path}: ${why}`,
    );
  }
}
