import type { Command } from 'commander';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, UsageError } from '../base/errors/errors.js';
import { publishedMarkdown } from '../report/render/published-markdown.js';
import { CLAIMS } from '../tasks/claims/registry.js';
import { publishedIndex } from '../tasks/publish/published-index.js';
import { addRun, publishedRuns, publishedSessions } from '../tasks/publish/published-runs.js';
import { finishReport } from './report.js';

interface Options {
  results: string;
  check?: boolean;
}

/** `splicebench publish RUN…`: keeps runs for good, and makes the index of all that are kept. */
export function addPublish(root: Command): void {
  root
    .command('publish')
    .description(
      'keep runs under results/published, and make results/README.md from all that are kept',
    )
    .argument('[runs...]', 'folders of runs to add; without any only the index is made again')
    .option('--results <dir>', 'folder of results', 'results')
    .option('--check', 'change nothing: exit with 4 when the index does not follow from the runs')
    .action(publish);
}

async function publish(runs: string[], { results, check }: Options): Promise<void> {
  if (check === true && runs.length > 0) {
    throw new UsageError('--check changes nothing: leave out the runs');
  }
  for (const run of runs) {
    const folder = await addRun(results, run);
    if (folder !== null) await finishReport(folder, { write: () => undefined });
    process.stdout.write(folder === null ? `${run}: published already\n` : `${run}: ${folder}\n`);
  }
  const path = join(results, 'README.md');
  const published = await publishedRuns(results);
  for (const warning of published.flatMap(({ warnings }) => warnings)) {
    process.stderr.write(`${warning}\n`);
  }
  const index = publishedMarkdown(
    publishedIndex(CLAIMS, published, await publishedSessions(results)),
  );
  if (check !== true) {
    await writeFile(path, index);
    process.stdout.write(`index: ${path}\n`);
    return;
  }
  const difference = firstDifference(await textOf(path), index);
  if (difference === null) {
    process.stdout.write(`${path} follows from ${published.length} stored runs\n`);
    return;
  }
  process.stderr.write(`${path} does not follow from the stored runs: ${difference}\n`);
  process.exitCode = EXIT.threshold;
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new UsageError(`${path}: not there; 'splicebench publish' makes it`);
    }
    throw error;
  }
}

/** Where two texts first differ, with both lines; null = nowhere. */
function firstDifference(found: string, wanted: string): string | null {
  if (found === wanted) return null;
  const [a, b] = [found.split('\n'), wanted.split('\n')];
  const line = b.findIndex((text, index) => text !== a[index]);
  const at = line === -1 ? b.length : line;
  const shown = (lines: readonly string[]) => lines[at] ?? '(end of file)';
  return `line ${at + 1}\n  stored:   ${shown(a)}\n  follows:  ${shown(b)}`;
}
