/**
 * `node dist/bench/lab-cards.js [FOLDER…]`: adds boots of the lab on emulated cards to results/published/lab-cards, each
 * with cases of the conformance suite or with adversarial scenarios, or takes the place of those of the same name, and makes
 * the page of all that are there. `make lab-cards` makes all of them.
 */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { EXIT, UsageError } from '../src/base/errors/errors.js';
import { readRun } from '../src/data/results/store.js';
import type { Matrix } from '../src/tasks/conformance/suite.js';
import { CONFORMANCE_FILE, LAB_FILE, PORTS_FILE } from '../src/tasks/lab/guest-plan.js';
import { runProgram } from './entry.js';
import { type CardBoot, cardsPage } from './lab-cards/page.js';
import {
  factsOf,
  keepBoot,
  publishedFolder,
  readBoots,
  readJson,
  writePage,
} from './published/kept-boots.js';

const RUN_FILE = 'run.json';
const KEPT = [RUN_FILE, 'trials.jsonl', 'incidents.jsonl', CONFORMANCE_FILE, PORTS_FILE, LAB_FILE];

async function main(): Promise<number> {
  const target = publishedFolder('lab-cards');
  for (const folder of process.argv.slice(2)) keep(folder, join(target, basename(folder)));
  const boots = await readBoots(target, LAB_FILE, bootOf);
  if (boots.length === 0) throw new UsageError('usage: lab-cards FOLDER…');
  writePage(target, cardsPage(boots));
  return EXIT.ok;
}

function keep(folder: string, target: string): void {
  if (!existsSync(join(folder, LAB_FILE)))
    throw new UsageError(`${folder} holds no run of the lab`);
  keepBoot(folder, target, KEPT);
}

async function bootOf(folder: string, name: string): Promise<CardBoot> {
  const played = existsSync(join(folder, CONFORMANCE_FILE));
  const ran = existsSync(join(folder, RUN_FILE));
  return {
    name,
    facts: factsOf(folder),
    matrix: played ? (readJson(folder, CONFORMANCE_FILE) as Matrix) : null,
    trials: ran ? (await readRun(folder)).trials : [],
  };
}

await runProgram('lab-cards', main);
