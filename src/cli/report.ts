import type { Command } from 'commander';
import { join } from 'node:path';
import { buildReport } from '../report/model/model.js';
import { terminalReport, terminalStyle } from '../report/render/terminal.js';
import { writeReport } from '../report/render/write-all.js';
import { judgingByCell } from '../experiment/verdict/answer.js';
import { storedScenarios } from '../experiment/trial/resume.js';
import { readRun } from '../data/results/store.js';
import { runExitCode } from '../experiment/verdict/verdict.js';
import { evaluateThresholds } from '../experiment/verdict/thresholds.js';
import { summarise } from '../experiment/verdict/summary.js';

/** Where a report is printed. */
export interface HumanStream {
  isTTY?: boolean | undefined;
  columns?: number | undefined;
  write(text: string): unknown;
}

/** `splicebench report DIR`: rebuilds everything that is derived from the stored trials. */
export function addReport(root: Command): void {
  root
    .command('report')
    .description('rebuild every table, chart and page of a stored run')
    .argument('<dir>', 'folder of the run')
    .action(async (directory: string) => {
      process.exitCode = await finishReport(directory, process.stdout);
      process.stdout.write(`\nreport: ${join(directory, 'report.html')}\n`);
    });
}

/**
 * Writes a run's report from its stored trials and prints it.
 * @returns the exit code that the run's results call for
 */
export async function finishReport(directory: string, human: HumanStream): Promise<number> {
  const { manifest, trials, incidents, warnings } = await readRun(directory);
  for (const warning of warnings) process.stderr.write(`${warning}\n`);
  const scenarios = storedScenarios(manifest);
  const summary = summarise(
    trials,
    scenarios.flatMap(({ cells }) => cells),
    [],
    manifest.unavailable,
    judgingByCell(scenarios),
  );
  const thresholds = scenarios.flatMap((scenario) => {
    const own = new Set(scenario.cells.map(({ key }) => key));
    return evaluateThresholds(
      [...scenario.thresholds, ...(scenario.blocks.until ?? [])],
      summary.filter(({ cell }) => own.has(cell)),
      trials.filter(({ cell }) => own.has(cell)),
    );
  });
  const report = buildReport({ manifest, trials, incidents, summary, thresholds });
  await writeReport(directory, report);
  human.write(`\n${terminalReport(report, terminalStyle(human, process.env))}\n`);
  return runExitCode(trials, thresholds, manifest.interrupted);
}
