/** `make docs`: writes the tables that docs have of columns, of mechanisms' options and of slices' lengths. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT } from '../src/base/errors/errors.js';
import { packageRoot } from '../src/base/process/package-root.js';
import { columnSections } from '../src/data/record/columns-text.js';
import { runProgram } from './entry.js';
import { OPTION_SECTION, optionTable } from './readme/option-table.js';
import { replaceSection } from './readme/section.js';
import { publishedSlices, SLICES_SECTION } from './slices.js';

async function main(): Promise<number> {
  await fill('reading-results.md', columnSections());
  await fill('mechanisms.md', new Map([[OPTION_SECTION, optionTable()]]));
  await fill('measuring.md', new Map([[SLICES_SECTION, await publishedSlices()]]));
  return EXIT.ok;
}

/** Puts tables into the marked sections of a page. */
async function fill(page: string, sections: ReadonlyMap<string, string>): Promise<void> {
  const path = join(packageRoot(), 'docs', page);
  let text = await readFile(path, 'utf8');
  for (const [name, table] of sections) text = replaceSection(text, name, table);
  await writeFile(path, text);
}

await runProgram('columns', main);
