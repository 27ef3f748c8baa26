/**
 * Where scenarios are found: a bare name means NAME.yaml in bench/scenarios of the package or in one of
 * its folders, a path is a file.
 */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UsageError } from '../../base/errors/errors.js';
import { packageRoot } from '../../base/process/package-root.js';
import { nearest } from '../../base/text/nearest.js';

const EXTENSION = '.yaml';

/** Names of the package's own scenarios, sorted. The folder that one lies in is no part of its name. */
export async function listScenarios(): Promise<string[]> {
  return [...(await scenarioFiles()).keys()].sort();
}

/** Paths of the package's own scenarios by name. */
async function scenarioFiles(): Promise<Map<string, string>> {
  const folder = join(packageRoot(), 'bench', 'scenarios');
  const entries = await readdir(folder, { recursive: true });
  return new Map(
    entries
      .filter((entry) => entry.endsWith(EXTENSION))
      .map((entry) => [basename(entry, EXTENSION), join(folder, entry)]),
  );
}

/**
 * The file of a scenario given by name or path.
 * @throws UsageError when a bare name is not one of the package's, naming the nearest
 */
export async function resolveScenario(name: string): Promise<string> {
  if (isPath(name)) return name;
  const files = await scenarioFiles();
  const known = files.get(name);
  if (known !== undefined) return known;
  const names = [...files.keys()].sort();
  const near = nearest(name, names);
  const hint = near === null ? `, there are ${names.join(', ')}` : `, did you mean '${near}'?`;
  const file = existsSync(name) ? ` (for the file write './${name}')` : '';
  throw new UsageError(`no scenario '${name}'${hint}${file}`);
}

function isPath(name: string): boolean {
  return name.includes('/') || /\.ya?ml$/i.test(name);
}
