/** YAML files of the user's: their values, and complaints with the lines that they are about. */
import { readFile } from 'node:fs/promises';
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
import { UsageError } from '../../base/errors/errors.js';
import { readingFault } from '../../base/errors/reading-fault.js';
import type { Problem } from './problems.js';

/** Enough for any file written by hand, far too few for a "billion laughs". */
const MAX_ALIASES = 100;

/**
 * The text of a file.
 * @throws UsageError when it cannot be read
 */
export async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${path}: cannot be read: ${readingFault(error)}`);
  }
}

/**
 * Parses the text of a file.
 * @param file what it is called in messages
 * @param expected what it should hold, for the message about an empty one
 * @returns its value, and what makes problems with it an error of one line each, in the file's order
 * @throws UsageError when it is no YAML, or empty
 */
export function readYaml(
  text: string,
  file: string,
  expected: string,
): { root: unknown; complaint: (problems: readonly Problem[]) => UsageError } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const syntax = [...document.errors, ...document.warnings].map(({ message, pos }) => ({
    line: lines.linePos(pos[0]).line,
    message: message.replaceAll(/\s+/g, ' '),
  }));
  if (syntax.length > 0) throw complaint(file, syntax);
  return {
    root: plainValue(document, file, expected),
    complaint: (problems) =>
      complaint(
        file,
        problems.map((problem) => ({
          line: lineOf(document, lines, problem),
          message: problem.message,
        })),
      ),
  };
}

function plainValue(document: Document, file: string, expected: string): unknown {
  try {
    const root: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    if (root === null || root === undefined) {
      throw new UsageError(`${file}:1: the file is empty, expected ${expected}`);
    }
    return root;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${file}:1: ${readingFault(error)}`);
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
