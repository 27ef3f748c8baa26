/** The bars as a table to read, for bars.md, the terminal and the README. */
import type { RunManifest } from '../../src/data/record/record.js';
import { plural } from '../../src/base/units/quantity.js';
import { wrapped } from '../../src/base/text/layout.js';
import type { Bar } from './judged.js';

/** "met", "missed", "unavailable"; "inconclusive" where another run might say the opposite. */
export function verdictText({ verdict, certain }: Bar): string {
  if (verdict === 'unavailable') return 'unavailable';
  return certain === false ? `inconclusive` : verdict;
}

/** The table and its notes as Markdown. */
export function barsTable(bars: readonly Bar[]): string {
  const rows = bars.map((bar) => [bar.bar, bar.required, bar.measured, `**${verdictText(bar)}**`]);
  const lines = [
    ['Bar', 'Required', 'Measured [95 % interval]', ''],
    ['---', '---', '---', '---'],
    ...rows,
  ].map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`);
  const notes = bars.flatMap(({ bar, note }) => (note === null ? [] : [`- ${bar}: ${note}`]));
  return [...lines, ...(notes.length === 0 ? [] : ['', ...notes])].join('\n');
}

/** Where and when a run was made: date, kernel, CPU, command. */
export function provenance(
  manifest: Pick<RunManifest, 'started' | 'environment'>,
  command: string,
): string {
  const [host] = manifest.environment;
  const parts = [
    manifest.started.slice(0, 10),
    host === undefined ? null : `Linux ${host.kernel.split(' ')[0] ?? ''}`,
    host?.cpu_model ?? null,
    host === undefined ? null : plural(host.cpus, 'CPU'),
    `\`${command}\``,
  ];
  return parts.filter((part) => part !== null).join(' · ');
}

/** bars.md */
export function barsMarkdown(manifest: RunManifest, bars: readonly Bar[], load: string): string {
  return [
    '# Bars',
    '',
    provenance(manifest, 'make bars'),
    '',
    'All figures are from one interleaved run: every block holds every trial and every other',
    'measurement, in random order. Forwarders that take turns are compared by slices moments apart, as in',
    'every report: the mean over sets of the Hodges-Lehmann estimate inside a set, with the interval of',
    "Student. Other ratios are medians over blocks of the ratio inside a block, and a bar's note says so.",
    'The estimate decides whether a bar is met; where the interval holds the limit, the bar is inconclusive.',
    'The trials themselves are in [report.md](report.md) and trials.jsonl, the other',
    'measurements in measurements.jsonl.',
    '',
    barsTable(bars),
    '',
    load,
    '',
  ].join('\n');
}

/** For the terminal: a sentence each, wrapped. */
export function barsText(bars: readonly Bar[], width = 80): string {
  const column = Math.max(...bars.map((bar) => verdictText(bar).length)) + 2;
  const lines = bars.flatMap((bar) => {
    const text = `${bar.bar}: ${bar.measured} (required: ${bar.required})`;
    const [first = '', ...rest] = wrapped(text.replaceAll('`', ''), width - column);
    const head = verdictText(bar).padEnd(column) + first;
    return [head, ...rest.map((line) => ' '.repeat(column) + line)];
  });
  return lines.join('\n');
}
