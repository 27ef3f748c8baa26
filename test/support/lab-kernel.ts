/** The kernel that tests of the laboratory boot: the distribution's, unpacked by .ci/lab-kernel.sh. */
import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { labLacking } from '../../src/tasks/lab/kernel.js';
import type { ToolCheck } from './require-tool.js';

/** Where it is; as `make lab` has it. */
export function requireLabKernel(): ToolCheck {
  const cache = process.env['LAB_CACHE'] ?? join(cacheFolder(), 'splicebench', 'lab');
  const image = imagesIn(join(cache, 'boot'))[0];
  const reason =
    labLacking() ??
    (image === undefined ? `no kernel in ${cache} (sh .ci/lab-kernel.sh ${cache})` : null);
  if (reason === null) return { path: image ?? '', skip: false };
  if (process.env['REQUIRE_ALL'] === '1') throw new Error(`${reason}, and REQUIRE_ALL=1 is set`);
  return { path: '', skip: reason };
}

function cacheFolder(): string {
  return process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
}

function imagesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.startsWith('vmlinuz-'))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}
