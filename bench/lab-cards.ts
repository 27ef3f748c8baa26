/**
 * `node dist/bench/lab-cards.js [FOLDER…]`: adds boots of the lab on emulated cards to results/published/lab-cards, each
 * with cases of the conformance suite or with adversarial scenarios, or takes the place of those of the same name, and makes
 * the page of all that are there. `make lab-cards` makes all of them.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { EXIT, UsageError } from '../src/base/errors/errors.js';
import { packageRoot } from '../src/base/process/package-root.js';
import { readRun } from '../src/data/results/store.js';
import type { Matrix } from '../src/tasks/conformance/suite.js';
import { CONFORMANCE_FILE, LAB_FILE, PORTS_FILE } from '../src/tasks/lab/guest-plan.js';
import type { LabFacts } from '../src/tasks/lab/lab.js';
import { runProgram } from './entry.js';
import { type CardBoot, cardsPage } from './lab-cards/page.js';

const RUN_FILE = 'run.json';
const KEPT = [RUN_FILE, 'trials.jsonl', 'incidents.jsonl', CONFORMANCE_FILE, PORTS_FILE, LAB_FILE];

async function main(): Promise<number> {
  const target = join(packageRoot(), 'results', 'published', 'lab-cards');
  mkdirSync(target, { recursive: true });
  for (const folder of process.argv.slice(2)) keep(folder, join(target, basename(folder)));
  const names = readdirSync(target).filter((name) => existsSync(join(target, name, LAB_FILE)));
  if (names.length === 0) throw new UsageError('usage: lab-cards FOLDER…');
  const boots: CardBoot[] = [];
  for (const name of names.toSorted()) boots.push(await bootOf(join(target, name), name));
  const page = join(target, 'README.md');
  writeFileSync(page, cardsPage(boots));
  process.stdout.write(`${page}\n`);
  return EXIT.ok;
}

function keep(folder: string, target: string): void {
  if (!existsSync(join(folder, LAB_FILE)))
    throw new UsageError(`${folder} holds no run of the lab`);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  for (const file of KEPT.filter((one) => existsSync(join(folder, one)))) {
    copyFileSync(join(folder, file), join(target, file));
  }
}

async function bootOf(folder: string, name: string): Promise<CardBoot> {
  const parsed = (file: string): unknown => JSON.parse(readFileSync(join(folder, file), 'utf8'));
  const played = existsSync(join(folder, CONFORMANCE_FILE));
  const ran = existsSync(join(folder, RUN_FILE));
  return {
    name,
    facts: parsed(LAB_FILE) as LabFacts,
    matrix: played ? (parsed(CONFORMANCE_FILE) as Matrix) : null,
    trials: ran ? (await readRun(folder)).trials : [],
  };
}

await runProgram('lab-cards', main);
