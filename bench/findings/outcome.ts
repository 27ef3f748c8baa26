/** What all runs of the finding came to: counts with exact intervals, tables, files. Pure. */
import { exactInterval } from '../../src/base/statistics/proportions.js';
import type { Arm, Play } from './arms.js';
import type { Played, Stream } from './play.js';
import type { Route } from './routes.js';

/** One run of one arm. */
export interface Run extends Omit<Played, 'told'> {
  program: string;
  name: string;
  play: Play;
  role: Arm['role'];
}

/** All runs of one arm. */
export interface Row {
  program: string;
  name: string;
  play: Play;
  role: Arm['role'];
  /** Streams that lost their end in good order, of all that were played. */
  lost: number;
  streams: number;
  /** Share lost: exact interval at 95 %. */
  low: number;
  high: number;
  /** Bytes missing at the end, least and most; null = none were. */
  missing: { least: number; most: number } | null;
  /** Streams that ended in an error, which a reader notices. */
  broken: number;
  /** Ways of the losses that recorded calls show; null = not recorded. */
  routes: Record<Route, number> | null;
  /** Runs of which nothing came, and why the first. */
  failed: number;
  error: string | null;
}

/** True of a stream whose reader was told that it is whole, and is not. */
export function isLost({ sent, came, end }: Stream): boolean {
  return came < sent && end === 'in good order';
}

/** A row per arm: by program, those whose setting is to avoid the loss behind the others, as they were first run. */
export function rowsOf(all: readonly Run[]): Row[] {
  const arms = new Map<string, Run[]>();
  const runs = all.toSorted(
    (a, b) =>
      a.program.localeCompare(b.program) ||
      Number(a.role === 'avoided') - Number(b.role === 'avoided'),
  );
  for (const run of runs) {
    const key = JSON.stringify([run.program, run.name, run.play]);
    arms.set(key, [...(arms.get(key) ?? []), run]);
  }
  return [...arms.values()].flatMap((own) => (own[0] === undefined ? [] : rowOf(own[0], own)));
}

function rowOf({ program, name, play, role }: Run, runs: readonly Run[]): Row {
  const streams = runs.flatMap((run) => run.streams);
  const lost = streams.filter(isLost);
  const missing = lost.map(({ sent, came }) => sent - came);
  const interval =
    streams.length === 0
      ? { low: 0, high: 1 }
      : exactInterval({ hit: lost.length, of: streams.length });
  const errors = runs.flatMap(({ error }) => error ?? []);
  const recorded = runs.flatMap(({ routes }) => routes ?? []);
  return {
    ...{ program, name, play, role },
    lost: lost.length,
    streams: streams.length,
    ...interval,
    missing:
      missing.length === 0 ? null : { least: Math.min(...missing), most: Math.max(...missing) },
    broken: streams.filter(({ end }) => end !== 'in good order').length,
    routes: runs.every(({ routes }) => routes === null) ? null : countRoutes(recorded),
    failed: errors.length,
    error: errors[0] ?? null,
  };
}

function countRoutes(routes: readonly Route[]): Record<Route, number> {
  const counts = { A: 0, B: 0, other: 0 };
  for (const route of routes) counts[route] += 1;
  return counts;
}

/** The rows of some plays as a table of Markdown. */
export function markdownTable(rows: readonly Row[], plays: readonly Play[]): string {
  const own = rows.filter(({ play }) => plays.includes(play));
  return [
    '| program | settings | ends lost | share, exact 95 % | bytes missing | other ends in an error | closes with unread bytes: A, B, other |',
    '|---|---|---|---|---|---|---|',
    ...own.map((row) => `| ${cellsOf(row).join(' | ')} |`),
  ].join('\n');
}

function cellsOf(row: Row): string[] {
  const { lost, streams, missing, routes } = row;
  const counted =
    streams === 0
      ? ['not measured', row.error ?? '']
      : [`${lost} of ${streams}`, `${percent(row.low)} to ${percent(row.high)}`];
  return [
    row.program,
    row.name === 'control' ? '' : `\`${row.name}\``,
    ...counted.map((text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')),
    missing === null
      ? ''
      : missing.least === missing.most
        ? `${missing.least}`
        : `${missing.least} to ${missing.most}`,
    `${row.broken}`,
    routes === null ? '' : `${routes.A}, ${routes.B}, ${routes.other}`,
  ];
}

/** What the runs say of settings that were tried against the loss, in Markdown. */
export function avoidedText(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap(({ role, name }) => (role === 'avoided' ? name : [])))];
  const tried = names.map((name) => {
    const own = rows.filter((row) => row.name === name);
    const lost = own.reduce((sum, row) => sum + row.lost, 0);
    const streams = own.reduce((sum, row) => sum + row.streams, 0);
    const programs = [...new Set(own.map(({ program }) => program))].join(', ');
    const most = percent(exactInterval({ hit: lost, of: Math.max(1, streams) }).high);
    return `- \`${name}\` (${programs}): ${lost} of ${streams} streams lost, below ${most}`;
  });
  const useless = rows
    .filter(({ role, lost }) => role === 'haproxy' && lost > 0)
    .map(({ name }) => `\`${name}\``);
  return [
    ...(tried.length === 0 ? ['Nothing was tried.'] : tried),
    '',
    `Ends were lost with each of ${[...new Set(useless)].join(', ')}.`,
  ].join('\n');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** One line per run and outcome, with how many of its streams came to that. */
export function csvOf(runs: readonly Run[]): string {
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const lines = runs.flatMap(({ program, name, play, streams, error }, index) =>
    streams.length === 0
      ? [
          [
            index + 1,
            quoted(program),
            quoted(name),
            play,
            0,
            '',
            '',
            '',
            quoted(error ?? ''),
          ].join(),
        ]
      : tallied(streams.map(({ sent, came, end }) => [sent, came, quoted(end)].join())).map(
          ([outcome, times]) =>
            [index + 1, quoted(program), quoted(name), play, times, outcome, ''].join(),
        ),
  );
  return ['run,program,settings,play,streams,sent_bytes,came_bytes,end,error', ...lines, ''].join(
    '\n',
  );
}

/** How often each is among them, in the order of the first of each. */
function tallied(all: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const one of all) counts.set(one, (counts.get(one) ?? 0) + 1);
  return [...counts];
}
