import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { EXIT } from '../base/errors/errors.js';
import { LiveExecutor } from '../experiment/trial/live-executor.js';
import { forwarderKinds } from '../machine/forwarders/registry.js';
import { loadCases } from '../tasks/conformance/case.js';
import { contestants } from '../tasks/conformance/contestants.js';
import { mergeMatrices } from '../tasks/conformance/repeated.js';
import { unexpectedCells, readExpectedMatrix } from '../tasks/conformance/expected-matrix.js';
import { matrixCsv, matrixMarkdown, matrixText } from '../tasks/conformance/matrix-text.js';
import { type Matrix, runSuite } from '../tasks/conformance/suite.js';
import { cellText, type MatrixCell } from '../tasks/conformance/judge-case.js';
import { conformancePage } from '../report/render/conformance-page.js';
import { count } from './options.js';
import { releaseSignals, stopSignal } from './stop-signal.js';

interface Options {
  only?: string[];
  builtIn?: boolean;
  thorough?: boolean;
  json?: boolean;
  check?: string;
  out?: string;
  stories?: boolean;
  repeat?: number;
}

/** `splicebench conformance`: scripted conversations that are known to break forwarders. */
export function addConformance(root: Command): void {
  root
    .command('conformance')
    .description('play scripted conversations that are known to break forwarders')
    .argument('[case...]', 'cases of bench/conformance, or files; default: all')
    .option('--only <forwarders>', 'these forwarders only, separated by commas', (text: string) =>
      text.split(','),
    )
    .option('--built-in', 'the built-in mechanisms only')
    .option('--thorough', 'repeat cases that depend on chance a hundred times as often')
    .option(
      '--repeat <n>',
      'play the whole matrix this many times; cells that differ are marked',
      count,
    )
    .option('--json', 'the matrix as JSON on stdout, text on stderr')
    .option('--check <file>', 'compare with a stored matrix; exit code 4 where it differs')
    .option('--out <folder>', 'also write matrix.json, matrix.csv, matrix.md and report.html there')
    .option('--stories', 'tell each failed case step by step')
    .action(async (cases: string[], options: Options) => {
      process.exitCode = await conformance(cases, options);
    });
}

async function conformance(names: string[], options: Options): Promise<number> {
  const expected = options.check === undefined ? null : await readExpectedMatrix(options.check);
  const cases = await loadCases(names);
  const all = contestants(forwarderKinds, options.only ?? []);
  const taking = options.builtIn === true ? all.filter(({ builtin }) => builtin) : all;
  const human = options.json === true ? process.stderr : process.stdout;
  const executor = new LiveExecutor();
  const signal = stopSignal();
  const thorough = options.thorough === true;
  const played: Matrix[] = [];
  try {
    for (let time = 0; time < (options.repeat ?? 1); time++) {
      const setting = { cases, contestants: taking, executor, signal, thorough, onCell };
      played.push(await runSuite(setting));
    }
  } catch (error) {
    if (signal.aborted) return EXIT.interrupted;
    throw error;
  } finally {
    await executor.close();
    releaseSignals();
  }
  const matrix = mergeMatrices(played);
  human.write(`${matrixText(matrix, options.stories === true)}\n`);
  human.write(`${matrix.cells.length} cells in ${matrix.seconds.toFixed(0)} s\n`);
  if (options.out !== undefined) await writeMatrix(matrix, options.out);
  if (options.json === true) process.stdout.write(`${JSON.stringify(matrix, null, 2)}\n`);
  if (expected !== null) {
    const differing = unexpectedCells(expected, matrix);
    for (const line of differing) human.write(`${line}\n`);
    return differing.length === 0 ? EXIT.ok : EXIT.threshold;
  }
  return conformanceCode(matrix);
}

function onCell(cell: MatrixCell): void {
  process.stderr.write(
    `  ${cell.case}: ${cell.forwarder}: ${cellText(cell)} (${cell.seconds.toFixed(1)} s)\n`,
  );
}

/** Writes it as JSON, CSV, Markdown and a page into a folder. */
export async function writeMatrix(matrix: Matrix, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'matrix.json'), `${JSON.stringify(matrix, null, 2)}\n`);
  await writeFile(join(folder, 'matrix.csv'), matrixCsv(matrix));
  await writeFile(join(folder, 'matrix.md'), `${matrixMarkdown(matrix)}\n`);
  await writeFile(join(folder, 'report.html'), conformancePage(matrix));
}

/** Wrong bytes and ends before anything else that was missed. */
export function conformanceCode({ cells }: Matrix): number {
  if (cells.some(({ violation }) => violation)) return EXIT.violation;
  if (cells.some(({ verdict }) => verdict === 'fail')) return EXIT.threshold;
  const played = cells.some(({ verdict }) => verdict === 'pass' || verdict === 'inconclusive');
  return played ? EXIT.ok : EXIT.couldNotRun;
}
