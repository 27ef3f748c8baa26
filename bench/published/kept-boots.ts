/**
 * Boots of the lab as results/published keeps them: a folder each, with the files that are worth keeping, and one page of
 * all of them.
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
import { join } from 'node:path';
import { packageRoot } from '../../src/base/process/package-root.js';
import { LAB_FILE } from '../../src/tasks/lab/guest-plan.js';
import type { LabFacts } from '../../src/tasks/lab/lab.js';

/** The folder of that name under results/published, made where it is missing. */
export function publishedFolder(name: string): string {
  const folder = join(packageRoot(), 'results', 'published', name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * Reads every boot that is kept, one after the other, in the order of their names.
 * @param file a folder that has it holds a boot
 */
export async function readBoots<Boot>(
  folder: string,
  file: string,
  read: (boot: string, name: string) => Promise<Boot>,
): Promise<Boot[]> {
  const boots: Boot[] = [];
  for (const name of bootsIn(folder, file)) boots.push(await read(join(folder, name), name));
  return boots;
}

/** Names of the folders that hold a boot, which are those with this file. */
export function bootsIn(folder: string, file: string): string[] {
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, file)))
    .sort();
}

/** Puts a boot's files in place of what `target` held; files that it does not have are left out. */
export function keepBoot(folder: string, target: string, files: readonly string[]): void {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  for (const file of files.filter((one) => existsSync(join(folder, one)))) {
    copyFileSync(join(folder, file), join(target, file));
  }
}

/** What a boot's file says. @throws SyntaxError where it is no JSON */
export function readJson(folder: string, file: string): unknown {
  return JSON.parse(readFileSync(join(folder, file), 'utf8'));
}

/** On what a boot ran. */
export function factsOf(folder: string): LabFacts {
  return readJson(folder, LAB_FILE) as LabFacts;
}

/** Writes the page of all boots, and says on stdout where it is. */
export function writePage(folder: string, text: string): void {
  const page = join(folder, 'README.md');
  writeFileSync(page, text);
  process.stdout.write(`${page}\n`);
}
