/**
 * Reads scenario files. What is wrong with one is told all at once, a line each, as
 * `my.yaml:7: unknown key 'forwarder', did you mean 'forwarders'?`.
 */
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
} from 'yaml';
import { UsageError } from '../cli/exit.js';
import type { Kinds } from './entries.js';
import { expand, type Scenario } from './expand.js';
import { resolveScenario } from './names.js';
import { type Problem, problemsOf } from './problems.js';
import { scenarioSchema, suiteSchema } from './schema.js';

/** Enough for any scenario written by hand, far too few for a "billion laughs". */
const MAX_ALIASES = 100;

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
 * @throws UsageError naming every problem of every file, a circle of includes, or two of one name
 */
export async function loadScenarios(names: readonly string[], kinds: Kinds): Promise<Scenario[]> {
  const scenarios: Scenario[] = [];
  const complaints: string[] = [];
  const included = new Set<string>();
  for (const name of names) {
    try {
      scenarios.push(...(await loadFile(name, kinds, included)).scenarios);
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
 * @throws UsageError when something cannot be found, read or used, or files include one another
 */
export async function loadFile(
  name: string,
  kinds: Kinds,
  included = new Set<string>(),
  within: readonly string[] = [],
): Promise<LoadedFile> {
  const path = await resolveScenario(besideIncluding(name, within.at(-1)));
  const place = resolve(path);
  if (within.includes(place)) {
    throw new UsageError(`${path}: include goes in a circle, leave '${name}' out of one of them`);
  }
  const { scenario, include, ...head } = parseFile(await textOf(path), path, kinds);
  const scenarios = scenario === null ? [] : [scenario];
  for (const one of include) {
    const file = resolve(await resolveScenario(besideIncluding(one, place)));
    if (included.has(file)) continue;
    included.add(file);
    scenarios.push(...(await loadFile(one, kinds, included, [...within, place])).scenarios);
  }
  return { ...head, scenarios };
}

/** A path in `include:` is meant from the folder of the file that has it. */
function besideIncluding(name: string, file: string | undefined): string {
  const isPath = name.includes('/') && !isAbsolute(name);
  return file === undefined || !isPath ? name : join(dirname(file), name);
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${path}: cannot be read: ${reason(error)}`);
  }
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

function parseFile(text: string, file: string, kinds: Kinds): ParsedFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const syntax = [...document.errors, ...document.warnings].map(({ message, pos }) => ({
    line: lines.linePos(pos[0]).line,
    message: message.replaceAll(/\s+/g, ' '),
  }));
  if (syntax.length > 0) throw complaint(file, syntax);

  const root = plainValue(document, file);
  const suite = isSuite(root) ? suiteSchema.safeParse(root) : null;
  if (suite?.success === true) {
    const { name, description = null, include } = suite.data;
    return { name, description, scenario: null, include };
  }
  const checked = suite ?? scenarioSchema.safeParse(root);
  let problems: Problem[];
  if (!checked.success) {
    problems = problemsOf(checked.error, root);
  } else {
    const { name, description = null, include } = checked.data;
    const { scenario, problems: found } = expand(checked.data, kinds);
    if (scenario !== null) return { name, description, scenario, include };
    problems = found;
  }
  throw complaint(
    file,
    problems.map((problem) => ({
      line: lineOf(document, lines, problem),
      message: problem.message,
    })),
  );
}

function isSuite(root: unknown): boolean {
  return typeof root === 'object' && root !== null && 'include' in root && !('forwarders' in root);
}

function plainValue(document: Document, file: string): unknown {
  try {
    const root: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    if (root === null || root === undefined) {
      throw new UsageError(
        `${file}:1: the file is empty, expected a scenario (name, forwarders, ...)`,
      );
    }
    return root;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${file}:1: ${reason(error)}`);
  }
}

function complaint(file: string, problems: { line: number; message: string }[]): UsageError {
  const lines = problems
    .toSorted((a, b) => a.line - b.line)
    .map(({ line, message }) => `${file}:${line}: ${message}`);
  return new UsageError([...new Set(lines)].join('\n'));
}

/** The line of a problem's key or value, or of the nearest thing around it that has one. */
function lineOf(document: Document, lines: LineCounter, { path, key }: Problem): number {
  let node: Node | null | undefined = document.contents;
  let start = node?.range?.[0] ?? 0;
  for (const [depth, step] of path.entries()) {
    const found = child(document, node, step);
    if (found === undefined) break;
    const ofKey = isPair(found) ? rangeStart(found.key) : undefined;
    const value = isPair(found) ? found.value : found;
    const wantsKey = key === true && depth === path.length - 1;
    start = (wantsKey ? ofKey : (rangeStart(value) ?? ofKey)) ?? start;
    node = isNode(value) ? value : null;
  }
  return lines.linePos(start).line;
}

function child(
  document: Document,
  node: Node | null | undefined,
  step: PropertyKey,
): Pair | Node | undefined {
  const target = isAlias(node) ? node.resolve(document) : node;
  if (isMap(target)) {
    return target.items.find(({ key }) => (isScalar(key) ? key.value : key) === step);
  }
  if (isSeq(target) && typeof step === 'number') {
    const item = target.items[step];
    return isNode(item) ? item : undefined;
  }
  return undefined;
}

function isNode(value: unknown): value is Node {
  return isScalar(value) || isMap(value) || isSeq(value) || isAlias(value);
}

function rangeStart(value: unknown): number | undefined {
  return isNode(value) ? value.range?.[0] : undefined;
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EISDIR') return 'it is a directory';
  if (code === 'EACCES') return 'permission denied';
  return error.message;
}
