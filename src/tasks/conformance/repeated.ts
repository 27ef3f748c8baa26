/** A matrix that was played several times: a cell that differs is a matter of chance. Pure. */
import type { Matrix } from './suite.js';
import { type CellVerdict, type MatrixCell, rateOf } from './judge-case.js';

/** The gravest first: what a cell is that was seen in different ways. */
const GRAVITY: readonly CellVerdict[] = ['fail', 'inconclusive', 'pass', 'unavailable'];

/**
 * One matrix of all: conversations are added up, the verdict is the gravest that was seen, and `runs` has
 * those of every time.
 * @throws RangeError for none
 */
export function mergeMatrices(matrices: readonly Matrix[]): Matrix {
  const [first] = matrices;
  if (first === undefined) throw new RangeError('expected a matrix');
  const cells = first.cells.map((cell) =>
    mergeCells(
      matrices.flatMap((matrix) =>
        matrix.cells.filter((one) => one.case === cell.case && one.forwarder === cell.forwarder),
      ),
      cell,
    ),
  );
  return {
    ...first,
    cells,
    times: matrices.length,
    seconds: matrices.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}

function mergeCells(seen: readonly MatrixCell[], first: MatrixCell): MatrixCell {
  const gravest = GRAVITY.flatMap((verdict) => seen.filter((one) => one.verdict === verdict))[0];
  const sum = (key: 'failed' | 'conversations' | 'seconds') =>
    seen.reduce((total, one) => total + one[key], 0);
  const failed = sum('failed');
  const conversations = sum('conversations');
  return {
    ...(gravest ?? first),
    violation: seen.some(({ violation }) => violation),
    runs: seen.flatMap(({ runs }) => runs),
    failed,
    conversations,
    rate: rateOf(failed, conversations),
    seconds: sum('seconds'),
  };
}
