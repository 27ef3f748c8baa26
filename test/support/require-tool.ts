/**
 * Tests that need a program: they run where it is, say why they are skipped where it is not, and
 * fail there when REQUIRE_ALL is set, so that a complete run cannot pass by skipping.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { native } from '../../src/data/native/native.js';

/** What `node:test` takes as an option: false = run, a text = skip with this reason. */
export interface ToolCheck {
  /** Absolute path of the program; empty when it is missing. */
  path: string;
  skip: string | false;
}

/**
 * Looks for a program on PATH.
 * @param names alternatives, the first found is taken
 * @throws Error when none is there and the environment has REQUIRE_ALL=1
 */
export function requireTool(...names: string[]): ToolCheck {
  for (const name of names) {
    for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
      const path = join(folder, name);
      if (folder !== '' && isExecutable(path)) return { path, skip: false };
    }
  }
  const reason = `${names.join(' or ')} is not installed`;
  if (process.env['REQUIRE_ALL'] === '1') throw new Error(`${reason}, and REQUIRE_ALL=1 is set`);
  return { path: '', skip: reason };
}

/** Several programs; `skip` is the first reason not to run. */
export function requireTools(...names: string[]): ToolCheck {
  const missing = names.map((name) => requireTool(name)).find(({ skip }) => skip !== false);
  return missing ?? { path: '', skip: false };
}

/** For tests of a built-in mechanism that this host may lack something for. */
export function requireMechanism(name: string): Pick<ToolCheck, 'skip'> {
  const reason = native().unavailable(name);
  if (reason === null) return { skip: false };
  if (process.env['REQUIRE_ALL'] === '1') throw new Error(`${reason}, and REQUIRE_ALL=1 is set`);
  return { skip: reason };
}

/** For tests that need root: `skip` says so where there is none. */
export function requireRoot(): Pick<ToolCheck, 'skip'> {
  if (process.getuid?.() === 0) return { skip: false };
  const reason = 'needs root';
  if (process.env['REQUIRE_ALL'] === '1') throw new Error(`${reason}, and REQUIRE_ALL=1 is set`);
  return { skip: reason };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
