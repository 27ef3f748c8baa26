import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { replaceFile } from '../../base/process/replace-file.js';
import { summaryCsv, trialsCsv } from './csv.js';
import { htmlReport } from './html.js';
import { markdownReport } from './markdown.js';
import { integrityCsv } from './integrity-csv.js';
import type { Exporter, RunReport } from '../model/report-types.js';
import { svgCharts } from './svg.js';

/** All files of a run's folder that are made from its trials. */
const EXPORTERS: readonly Exporter[] = [
  trialsCsv,
  summaryCsv,
  integrityCsv,
  markdownReport,
  svgCharts,
  htmlReport,
];

/**
 * Writes every report into a run's folder. Each file appears whole or not at all: whoever reads
 * while a report is rebuilt sees the old one or the new one. A folder of files is replaced by file,
 * so charts of a condition that is gone go with it.
 *
 * @param directory the run's folder; made when it does not exist
 * @returns paths of the files written, relative to `directory`
 */
export async function writeReport(directory: string, report: RunReport): Promise<string[]> {
  const written: string[] = [];
  for (const exporter of EXPORTERS) {
    const content = exporter.write(report);
    if (typeof content === 'string') {
      await writeWhole(join(directory, exporter.file), content);
      written.push(exporter.file);
    } else {
      written.push(...(await writeFolder(directory, exporter.file, content)));
    }
  }
  return written;
}

async function writeFolder(
  directory: string,
  folder: string,
  files: ReadonlyMap<string, string>,
): Promise<string[]> {
  await mkdir(join(directory, folder), { recursive: true });
  for (const [name, content] of files) await writeWhole(join(directory, folder, name), content);
  for (const name of await readdir(join(directory, folder))) {
    // Only what this exporter could have made: someone may keep notes beside the charts.
    if (name.endsWith('.svg') && !files.has(name)) await rm(join(directory, folder, name));
  }
  return [...files.keys()].map((name) => `${folder}/${name}`);
}

async function writeWhole(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await replaceFile(path, content);
}
