/**
 * What is wrong with a scenario file, in words, by the path of the key it concerns.
 */
import type { z } from 'zod';
import { suggestion } from '../../base/text/nearest.js';
import { keysAt, NOT_A_LIST } from './schema.js';
import { shown } from '../../base/units/sizes.js';

/** One thing that is wrong. load.ts turns the path into a line number. */
export interface Problem {
  /** From the top of the file, e.g. ['forwarders', 2, 'pipe']. */
  path: readonly PropertyKey[];
  message: string;
  /** True when the key itself is wrong, not its value: the line is then that of the key. */
  key?: boolean;
}

/** A path as people write it: `workload.check`, `forwarders[2].pipe`. Empty for the whole file. */
function dotted(path: readonly PropertyKey[]): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');
}

/** An unknown key, with the nearest valid one. */
export function unknownKey(
  path: readonly PropertyKey[],
  key: string,
  valid: Iterable<string>,
): Problem {
  return {
    path: [...path, key],
    message: `unknown key '${key}'${suggestion(key, valid)}`,
    key: true,
  };
}

/**
 * Zod's issues as problems.
 * @param root the value that was checked, to quote what was found
 * @param at where in the file that value stands
 * @param validKeys the keys valid at a path inside `root`; by default those of a scenario file
 */
export function problemsOf(
  error: z.ZodError,
  root: unknown,
  at: readonly PropertyKey[] = [],
  validKeys: (path: readonly PropertyKey[]) => string[] | null = keysAt,
): Problem[] {
  return error.issues.flatMap((issue) => problemsOfIssue(issue, root, at, validKeys));
}

function problemsOfIssue(
  issue: z.core.$ZodIssue,
  root: unknown,
  at: readonly PropertyKey[],
  validKeys: (path: readonly PropertyKey[]) => string[] | null,
): Problem[] {
  const path = [...at, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    const valid = validKeys(issue.path) ?? [];
    return issue.keys.map((key) => unknownKey(path, key, valid));
  }
  const meant = issue.code === 'invalid_union' ? branchMeant(issue) : null;
  if (meant !== null) {
    return meant.flatMap((inner) =>
      problemsOfIssue({ ...inner, path: [...issue.path, ...inner.path] }, root, at, validKeys),
    );
  }
  const found = valueAt(root, issue.path);
  if (found === undefined && issue.code !== 'custom') {
    return [{ path: path.slice(0, -1), message: `missing key '${dotted(path)}'`, key: true }];
  }
  return [{ path, message: `${dotted(path)}: ${expectation(issue, found, dotted(path))}` }];
}

/** What was expected and what was found instead. */
function expectation(issue: z.core.$ZodIssue, found: unknown, key: string): string {
  const got = `got ${shown(found)}`;
  switch (issue.code) {
    case 'invalid_type':
      if (Array.isArray(found) && NOT_A_LIST[key] !== undefined) {
        return `${NOT_A_LIST[key]}; expected a mapping, ${got}`;
      }
      return `expected ${TYPE_NAMES[issue.expected] ?? issue.expected}, ${got}`;
    case 'invalid_value': {
      const values = issue.values.map(String);
      const word = String(found);
      const hint = values.length > 1 ? suggestion(word, values) : '';
      const valid = hint.startsWith(', did') ? '' : `expected one of ${values.join(', ')}, `;
      return `${valid}got '${word}'${hint.startsWith(', did') ? hint : ''}`;
    }
    case 'too_small':
      return `expected at least ${issue.minimum}${counted(issue.origin, issue.minimum)}, ${got}`;
    case 'too_big':
      return `expected at most ${issue.maximum}${counted(issue.origin, issue.maximum)}, ${got}`;
    case 'invalid_union':
      return `expected ${unionNames(issue)}, ${got}`;
    case 'custom':
      return issue.message;
    default:
      return issue.message.includes('got') ? issue.message : `${issue.message}, ${got}`;
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  object: 'a mapping (key: value)',
  record: 'a mapping (key: value)',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

/** What is wrong under the only alternative that the value is of the type of; null where it is not one. */
function branchMeant({ errors }: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] | null {
  const ofType = errors.filter(
    (issues) => !issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
  );
  const [meant, other] = ofType;
  return meant === undefined || other !== undefined ? null : meant;
}

function unionNames(issue: z.core.$ZodIssueInvalidUnion): string {
  const names = issue.errors.flatMap((errors) =>
    errors.map((error) =>
      error.code === 'invalid_type'
        ? (TYPE_NAMES[error.expected] ?? error.expected)
        : error.message,
    ),
  );
  return [...new Set(names)].join(' or ');
}

function counted(origin: string, count: number | bigint): string {
  if (origin === 'array') return Number(count) === 1 ? ' entry' : ' entries';
  return origin === 'string' ? ' characters' : '';
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}
