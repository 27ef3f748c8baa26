/** A stored expectation of a matrix, known failures included, for somebody's CI. */
import { z } from 'zod';
import { UsageError } from '../../base/errors/errors.js';
import { wordsOf } from '../../base/errors/words.js';
import { textOf } from '../../experiment/scenario/yaml-document.js';
import type { Matrix } from './suite.js';

const verdict = z.enum(['pass', 'fail', 'inconclusive', 'unavailable']);
const cell = z.object({
  case: z.string(),
  forwarder: z.string(),
  verdict,
  /** Of a matrix that was played several times. */
  runs: z.array(verdict).optional(),
});
const stored = z.object({
  version: z.literal(1),
  cases: z
    .array(z.object({ name: z.string(), chance: z.string().nullable().optional() }))
    .optional(),
  cells: z.array(cell),
});
export type ExpectedMatrix = z.output<typeof stored>;

/**
 * Reads what `--json` has written, or a file that holds only what is expected.
 * @throws UsageError when it cannot be read or understood
 */
export async function readExpectedMatrix(path: string): Promise<ExpectedMatrix> {
  const text = await textOf(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${path}: no JSON: ${wordsOf(error)}`);
  }
  const parsed = stored.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsageError(
    `${path}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}; expected what 'splicebench conformance --json' writes`,
  );
}

/**
 * What is otherwise than expected, a sentence each; empty = all as expected. What could not be judged is
 * neither; a case of chance that passed where it is known to fail is no difference either.
 */
export function unexpectedCells(expected: ExpectedMatrix, matrix: Matrix): string[] {
  const chancy = new Set(matrix.cases.flatMap(({ name, chance }) => (chance === null ? [] : name)));
  return matrix.cells.flatMap((now) => {
    const known = expected.cells.find(
      (one) => one.case === now.case && one.forwarder === now.forwarder,
    );
    const what = `${now.case}, ${now.forwarder}`;
    if (now.verdict === 'inconclusive') return [];
    if (known === undefined) {
      return now.verdict === 'fail' ? [`${what}: fails, and nothing was expected of it`] : [];
    }
    if (known.verdict === now.verdict || known.verdict === 'inconclusive') return [];
    if (now.verdict === 'pass' && known.verdict === 'fail' && chancy.has(now.case)) return [];
    // Seen in this way, too, when the expectation was made.
    if (known.runs?.includes(now.verdict) === true) return [];
    const why = now.reasons[0] === undefined ? '' : `: ${now.reasons[0]}`;
    return [`${what}: expected ${known.verdict}, got ${now.verdict}${why}`];
  });
}
