/**
 * Reads scenario files. What is wrong with one is told all at once, a line each, as
 * `my.yaml:7: unknown key 'forwarder', did you mean 'forwarders'?`.
 */
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { UsageError } from '../../base/errors/errors.js';
import { readYaml, textOf } from './yaml-document.js';
import type { Kinds } from './entries.js';
import { expand, type Scenario } from './expand.js';
import { resolveScenario } from './names.js';
import { problemsOf } from './problems.js';
import { type ScenarioFile, scenarioSchema, suiteSchema } from './schema.js';
import type { TopologyFile } from './topology-file.js';

/** What an empty file should have been. */
const EXPECTED = 'a scenario (name, forwarders, ...)';

/** What a file stands for: a scenario of its own, those that it includes, or both. */
export interface LoadedFile {
  name: string;
  description: string | null;
  /** Its own, if any, before those included. */
  scenarios: Scenario[];
}

/**
 * Loads scenarios by name or path, with those that they include, in the order given.
 * @param names a bare name is a scenario of the package, anything with a slash or .yaml is a file
 * @param kinds the forwarder registry
 * @param elsewhere a topology that takes the place of each scenario's own; their matrices still vary it
 * @throws UsageError naming every problem of every file, a circle of includes, or two of one name
 */
export async function loadScenarios(
  names: readonly string[],
  kinds: Kinds,
  elsewhere: TopologyFile | null = null,
): Promise<Scenario[]> {
  const scenarios: Scenario[] = [];
  const complaints: string[] = [];
  const included = new Set<string>();
  for (const name of names) {
    try {
      scenarios.push(...(await loadFile(name, kinds, included, [], elsewhere)).scenarios);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      complaints.push(error.message);
    }
  }
  const seen = new Set<string>();
  for (const { name } of scenarios) {
    if (seen.has(name)) complaints.push(`scenario '${name}' is given twice; names must differ`);
    seen.add(name);
  }
  if (complaints.length > 0) throw new UsageError(complaints.join('\n'));
  return scenarios;
}

/**
 * Loads one scenario by name or path.
 * @throws UsageError when it cannot be found, read or used, or only includes others
 */
export async function loadScenario(name: string, kinds: Kinds): Promise<Scenario> {
  const path = await resolveScenario(name);
  return parseScenario(await textOf(path), path, kinds);
}

/**
 * Loads what a name or path stands for.
 * @param included files that were included already and are not loaded again; those found are added
 * @param within the files that include this one, outermost first
 * @param elsewhere as of loadScenarios
 * @throws UsageError when something cannot be found, read or used, or files include one another
 */
export async function loadFile(
  name: string,
  kinds: Kinds,
  included = new Set<string>(),
  within: readonly string[] = [],
  elsewhere: TopologyFile | null = null,
): Promise<LoadedFile> {
  const path = await resolveScenario(besideIncluding(name, within.at(-1)));
  const place = resolve(path);
  if (within.includes(place)) {
    throw new UsageError(`${path}: include forms a loop: remove '${name}' from one of the files`);
  }
  const { scenario, include, ...head } = parseFile(await textOf(path), path, kinds, elsewhere);
  const scenarios = scenario === null ? [] : [scenario];
  for (const one of include) {
    const file = resolve(await resolveScenario(besideIncluding(one, place)));
    if (included.has(file)) continue;
    included.add(file);
    const loaded = await loadFile(one, kinds, included, [...within, place], elsewhere);
    scenarios.push(...loaded.scenarios);
  }
  return { ...head, scenarios };
}

/** A path in `include:` is meant from the folder of the file that has it. */
function besideIncluding(name: string, file: string | undefined): string {
  const isPath = name.includes('/') && !isAbsolute(name);
  return file === undefined || !isPath ? name : join(dirname(file), name);
}

/**
 * Parses, validates and expands the text of a scenario file.
 * @param file what the file is called in messages
 * @throws UsageError with one line per problem, in the order of the file
 */
export function parseScenario(text: string, file: string, kinds: Kinds): Scenario {
  const { scenario } = parseFile(text, file, kinds);
  if (scenario !== null) return scenario;
  throw new UsageError(`${file}: only includes other scenarios, expected forwarders`);
}

/** A file as it stands, without those that it includes. */
interface ParsedFile {
  name: string;
  description: string | null;
  /** null where it has no forwarders of its own. */
  scenario: Scenario | null;
  include: string[];
}

function parseFile(
  text: string,
  file: string,
  kinds: Kinds,
  elsewhere: TopologyFile | null = null,
): ParsedFile {
  const { root, complaint } = readYaml(text, file, EXPECTED);
  const suite = isSuite(root) ? suiteSchema.safeParse(root) : null;
  if (suite?.success === true) {
    const { name, description = null, include } = suite.data;
    return { name, description, scenario: null, include };
  }
  const checked = suite ?? scenarioSchema.safeParse(root);
  if (!checked.success) throw complaint(problemsOf(checked.error, root));
  const { name, description = null, include } = checked.data;
  const { scenario, problems } = expandOver(checked.data, kinds, elsewhere);
  if (scenario === null) throw complaint(problems);
  return { name, description, scenario, include };
}

/** What only the other topology makes wrong says so: the file itself is right. */
function expandOver(
  file: ScenarioFile,
  kinds: Kinds,
  elsewhere: TopologyFile | null,
): ReturnType<typeof expand> {
  if (elsewhere === null) return expand(file, kinds);
  const expanded = expand({ ...file, topology: elsewhere.keys }, kinds);
  if (expanded.scenario !== null) return expanded;
  const own = expand(file, kinds).problems.map(({ message }) => message);
  const problems = expanded.problems.map((problem) =>
    own.includes(problem.message)
      ? problem
      : { ...problem, message: `${problem.message} (--topology ${elsewhere.file})` },
  );
  return { scenario: null, problems };
}

function isSuite(root: unknown): boolean {
  return typeof root === 'object' && root !== null && 'include' in root && !('forwarders' in root);
}
