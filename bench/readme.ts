/**
 * `node dist/bench/readme.js DIR [BARSDIR]`: puts the output of a stored run into README.md, and the
 * bars into docs/bars.md, so that no figure there is typed by hand.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { EXIT } from '../src/base/errors/errors.js';
import { finishReport } from '../src/cli/report.js';
import { packageRoot } from '../src/base/process/package-root.js';
import { storedScenarios } from '../src/experiment/trial/resume.js';
import { readRun } from '../src/data/results/store.js';
import { writeBars } from './bars/store.js';
import { barsTable, provenance } from './bars/text.js';
import { runProgram } from './entry.js';
import { blocksOf, codeBlock, replaceSection } from './readme/section.js';

/** As wide as the README is usually shown. */
const COLUMNS = 80;

async function main(): Promise<number> {
  const program = new Command('readme')
    .description('fill the marked sections of README.md and docs/bars.md from stored runs')
    .argument('<dir>', 'folder of a run')
    .argument('[bars]', 'folder of a run of make bars')
    .parse();
  const [folder = '', barsFolder] = program.args;
  await fill('README.md', 'run', await runSection(folder));
  if (barsFolder !== undefined) await fill('docs/bars.md', 'bars', await barsSection(barsFolder));
  return EXIT.ok;
}

/** Puts a text into the marked section of one of the package's files. */
async function fill(file: string, section: string, text: string): Promise<void> {
  const path = join(packageRoot(), file);
  await writeFile(path, replaceSection(await readFile(path, 'utf8'), section, text));
}

/** What the README has of what a run prints: the two questions of the project, and their answers. */
const SHOWN = [/^Speed \(check: none/, /^Verdict/];

/** What the run printed at its end, printed again from what it stored. */
async function runSection(folder: string): Promise<string> {
  const printed: string[] = [];
  await finishReport(folder, { columns: COLUMNS, write: (text) => printed.push(text) });
  const { manifest } = await readRun(folder);
  const names = storedScenarios(manifest).map(({ name }) => name);
  const command =
    names.join() === 'loopback' ? 'make bench' : `make bench SCENARIO='${names.join(' ')}'`;
  return `${provenance(manifest, command)}\n\n${codeBlock(blocksOf(printed.join(''), SHOWN))}`;
}

async function barsSection(folder: string): Promise<string> {
  const bars = await writeBars(folder);
  const { manifest } = await readRun(folder);
  return `${provenance(manifest, 'make bars')}\n\n${barsTable(bars)}`;
}

await runProgram('readme', main);
