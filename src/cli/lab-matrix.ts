/** `splicebench lab --matrix`: many boots, one table. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT } from '../base/errors/errors.js';
import { matrixMarkdownTable, matrixTableCsv, matrixTerminal } from '../tasks/lab/matrix-table.js';
import type { MatrixRow } from '../tasks/lab/matrix-rows.js';
import { type MatrixOptions, runMatrix } from '../tasks/lab/matrix.js';

/**
 * Runs it, writes matrix.json, matrix.csv and matrix.md after each boot, and prints the table.
 * @returns the exit code: corruption that the bug makes is what is looked for, and no violation
 */
export async function labMatrix(options: MatrixOptions): Promise<number> {
  const { out, signal } = options.shared;
  const rows: MatrixRow[] = [];
  try {
    await runMatrix({
      ...options,
      onRows: (own) => {
        rows.push(...own);
        write(out, rows);
      },
    });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  process.stdout.write(`${matrixTerminal(rows)}\n\nmatrix: ${join(out, 'matrix.md')}\n`);
  return signal.aborted ? EXIT.interrupted : matrixCode(rows);
}

function write(folder: string, rows: readonly MatrixRow[]): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'matrix.json'), `${JSON.stringify(rows, null, 2)}\n`);
  writeFileSync(join(folder, 'matrix.csv'), matrixTableCsv(rows));
  writeFileSync(
    join(folder, 'matrix.md'),
    `# The laboratory's matrix\n\n${matrixMarkdownTable(rows)}\n`,
  );
}

function matrixCode(rows: readonly MatrixRow[]): number {
  const sound = rows.filter(({ bug }) => bug === null);
  if (sound.some(({ incidents, verdict }) => (incidents ?? 0) > 0 || verdict === 'corrupt')) {
    return EXIT.violation;
  }
  const lost = sound.some(({ verdict }) => verdict === 'not run' || verdict === 'tested nothing');
  return lost || rows.some(({ verdict }) => verdict === 'not run') ? EXIT.couldNotRun : EXIT.ok;
}
