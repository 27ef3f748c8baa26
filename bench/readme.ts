/**
 * `node dist/bench/readme.js DIR [BARSDIR]`: puts the output of a stored run, and the bars, into the
 * marked sections of README.md, so that no figure there is typed by hand.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { EXIT } from '../src/cli/exit.js';
import { finishReport } from '../src/cli/report.js';
import { packageRoot } from '../src/native.js';
import { storedScenarios } from '../src/results/resume.js';
import { readRun } from '../src/results/store.js';
import { writeBars } from './bars/store.js';
import { barsTable, provenance } from './bars/text.js';
import { runProgram } from './entry.js';
import { codeBlock, replaceSection } from './readme/section.js';

/** As wide as the README is usually shown. */
const COLUMNS = 80;

async function main(): Promise<number> {
  const program = new Command('readme')
    .description('fill the marked sections of README.md from stored runs')
    .argument('<dir>', 'folder of a run')
    .argument('[bars]', 'folder of a run of make bars')
    .parse();
  const [folder = '', barsFolder] = program.args;
  const path = join(packageRoot(), 'README.md');
  let text = await readFile(path, 'utf8');
  text = replaceSection(text, 'run', await runSection(folder));
  if (barsFolder !== undefined) {
    text = replaceSection(text, 'bars', await barsSection(barsFolder));
  }
  await writeFile(path, text);
  return EXIT.ok;
}

/** What the run printed at its end, printed again from what it stored. */
async function runSection(folder: string): Promise<string> {
  const printed: string[] = [];
  await finishReport(folder, { columns: COLUMNS, write: (text) => printed.push(text) });
  const { manifest } = await readRun(folder);
  const names = storedScenarios(manifest).map(({ name }) => name);
  const command =
    names.join() === 'loopback' ? 'make bench' : `make bench SCENARIO='${names.join(' ')}'`;
  return `${provenance(manifest, command)}\n\n${codeBlock(printed.join(''))}`;
}

async function barsSection(folder: string): Promise<string> {
  const bars = await writeBars(folder);
  const { manifest } = await readRun(folder);
  return `${provenance(manifest, 'make bars')}\n\n${barsTable(bars)}`;
}

await runProgram('readme', main);
