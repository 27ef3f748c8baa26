/**
 * Where scenarios are found: a bare name means bench/scenarios/NAME.yaml in the package, a path is a
 * file.
 */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../cli/exit.js';
import { nearest } from './nearest.js';

const EXTENSION = '.yaml';

/** The folder of the package's own scenarios. */
export function scenarioFolder(): string {
  return join(packageRoot(), 'bench', 'scenarios');
}

/** Names of the package's own scenarios, sorted. */
export async function listScenarios(): Promise<string[]> {
  const entries = await readdir(scenarioFolder());
  return entries
    .filter((entry) => entry.endsWith(EXTENSION))
    .map((entry) => entry.slice(0, -EXTENSION.length))
    .sort();
}

/**
 * The file of a scenario given by name or path.
 * @throws UsageError when a bare name is not one of the package's, naming the nearest
 */
export async function resolveScenario(name: string): Promise<string> {
  if (isPath(name)) return name;
  const names = await listScenarios();
  if (names.includes(name)) return join(scenarioFolder(), `${name}${EXTENSION}`);
  const near = nearest(name, names);
  const hint = near === null ? `, there are ${names.join(', ')}` : `, did you mean '${near}'?`;
  const file = existsSync(name) ? ` (for the file write './${name}')` : '';
  throw new UsageError(`no scenario '${name}'${hint}${file}`);
}

function isPath(name: string): boolean {
  return name.includes('/') || /\.ya?ml$/i.test(name);
}

/** The folder of package.json, above this module wherever it was compiled to. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('package.json not found above ' + import.meta.url);
    folder = parent;
  }
  return folder;
}
