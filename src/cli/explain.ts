import type { Command } from 'commander';
import picocolors from 'picocolors';
import { groupIncidents } from '../data/integrity/groups.js';
import { relationOf } from '../data/integrity/relation.js';
import { type Explained, explainIncident, explainRun } from '../report/render/explanation.js';
import { terminalStyle } from '../report/render/terminal.js';
import { readRun } from '../data/results/store.js';
import { UsageError } from '../base/errors/errors.js';

/** Rows of hex that an explained incident shows: all that are stored. */
const ROWS = 64;
/** Both dumps with 16 bytes a row, and the offsets. */
const WIDE = 115;

/** `splicebench explain RUN [INCIDENT]`: the story of what was found. */
export function addExplain(root: Command): void {
  root
    .command('explain')
    .description(
      'explain the incidents of a run: what they are, which calls carried them, which are alike',
    )
    .argument('<run>', 'folder of the run')
    .argument('[incident]', 'number of an incident, from 1 (default: all, in groups)')
    .option('--json', 'as JSON')
    .action(async (folder: string, incident: string | undefined, options: { json?: boolean }) => {
      const { manifest, trials, incidents, warnings } = await readRun(folder);
      for (const warning of warnings) process.stderr.write(`${warning}\n`);
      const run = { manifest, trials, incidents };
      const number = incident === undefined ? null : numberOf(incident, incidents.length);
      process.stdout.write(options.json ? json(run, number) : text(run, number));
    });
}

function numberOf(text: string, known: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= known) return number;
  const expected = known === 0 ? 'this run has none' : `expected 1 to ${known}`;
  throw new UsageError(`no incident '${text}': ${expected}`);
}

function text(run: Explained, number: number | null): string {
  const { columns, color } = terminalStyle(process.stdout, process.env);
  const colors = picocolors.createColors(color);
  const mark = color ? (hex: string) => colors.inverse(hex) : null;
  const style = { bytesPerRow: columns >= WIDE ? 16 : 8, rows: ROWS, mark } as const;
  return number === null
    ? explainRun(run, style, columns)
    : explainIncident(run, number, style, columns);
}

function json({ incidents }: Explained, number: number | null): string {
  const numbered = incidents.map((incident, index) => ({
    number: index + 1,
    ...incident,
    relation: relationOf(incident),
  }));
  const value =
    number === null
      ? { groups: groupIncidents(incidents), incidents: numbered }
      : numbered[number - 1];
  return `${JSON.stringify(value, null, 2)}\n`;
}
