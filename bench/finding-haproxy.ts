/**
 * `make finding-haproxy`: how often HAProxy loses the end of a stream, under which settings it does not, and
 * which of its calls led to it. Runs are counted and nothing is timed, so other work on the machine does no harm.
 * Everything runs in a network namespace of its own, some runs at a time on ports of their own.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir, release } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { x } from 'tinyexec';
import { CouldNotRunError, EXIT } from '../src/base/errors/errors.js';
import { packageRoot } from '../src/base/process/package-root.js';
import { findProgram } from '../src/base/process/program.js';
import { count } from '../src/cli/options.js';
import { stopSignal } from '../src/cli/stop-signal.js';
import type { LoopbackTopology } from '../src/data/record/plan.js';
import { loopbackHost } from '../src/machine/topology/loopback/private-namespace.js';
import { isEntry, runProgram } from './entry.js';
import { type Arm, controlArms, haproxyArms, type Program } from './findings/arms.js';
import {
  avoidedText,
  csvOf,
  markdownTable,
  type Row,
  rowsOf,
  type Run,
} from './findings/outcome.js';
import { type Played, playOnce } from './findings/play.js';
import type { Route } from './findings/routes.js';
import { endWithInput, INSIDE, runInside, tell } from './inside.js';
import { codeBlock, replaceSection } from './readme/section.js';

const RUNS = 20;
const MINUTES = 30;
/** Most of a run is waiting. */
const AT_ONCE = 8;
/** What the kernel lets a socket hold under `both-ways`. */
const SMALL = { 'net.ipv4.tcp_wmem': '4096 16384 32768' };

/** Which plays come first, and when they are over, as a share of the time. */
const PARTS = [
  ['default', 0.75],
  ['small', 1],
] as const;

type Plays = (typeof PARTS)[number][0];

interface Wish {
  programs: Record<'installed' | 'newer' | 'nginx' | 'socat', Program | null>;
  runs: number;
  /** Milliseconds since 1970 after which no further run begins. */
  until: number;
  plays: Plays;
  /** With these socket buffers only. */
  only: Plays | undefined;
}

interface Told {
  program: string;
  name: string;
  play: Arm['play'];
  route: Route;
  lines: string[];
}

/** The version that a program tells; null where it is not. */
async function programAt(
  path: string | null,
  argument: string,
  pattern: RegExp,
): Promise<Program | null> {
  if (path === null || !existsSync(path)) return null;
  const { stdout, stderr } = await x(path, [argument], { timeout: 5000 });
  const version = pattern.exec(`${stdout}\n${stderr}`)?.[1];
  return version === undefined ? null : { path, version };
}

async function programs(): Promise<Wish['programs']> {
  const rivals = join(
    process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
    'splicebench',
    'rivals',
  );
  const haproxy = /version (\d[\w.]*)/;
  return {
    installed: await programAt(findProgram('haproxy'), '-v', haproxy),
    newer: await programAt(join(rivals, 'haproxy'), '-v', haproxy),
    nginx: await programAt(findProgram('nginx'), '-v', /nginx\/(\d[\d.]*)/),
    socat: await programAt(findProgram('socat'), '-V', /^socat version (\S+)/m),
  };
}

function armsOf({ programs: { installed, newer, nginx, socat }, plays }: Wish): Arm[] {
  const all = [
    ...(installed === null ? [] : haproxyArms(installed)),
    ...(newer === null ? [] : haproxyArms(newer)),
    ...controlArms(nginx, socat),
  ];
  return all.filter(({ play }) => (play === 'both-ways') === (plays === 'small'));
}

/** In the namespace: every arm once, then again, so that what a time limit leaves out is left out of all. */
async function inside(wish: Wish): Promise<void> {
  const arms = armsOf(wish);
  const all = Array.from({ length: wish.runs }, () => arms).flat();
  let next = 0;
  const worker = async () => {
    while (next < all.length && Date.now() < wish.until) {
      const index = next++;
      const arm = all[index];
      if (arm === undefined) return;
      const base = 20_000 + (index % 8000) * 3;
      const ports = { listen: base, middle: base + 1, server: base + 2 };
      const { program, name, play, role } = arm;
      tell({ program, name, play, role, ...(await playOnce(arm, ports)) });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function measure(
  wish: Omit<Wish, 'plays'>,
  signal: AbortSignal,
): Promise<{ runs: Run[]; told: Told[] }> {
  const began = Date.now();
  const runs: Run[] = [];
  const told: Told[] = [];
  const take = (line: unknown) => {
    const { told: lines, ...run } = line as Run & Pick<Played, 'told'>;
    runs.push(run);
    for (const [route, own] of Object.entries(lines) as [Route, string[]][]) {
      const { program, name, play } = run;
      const known = told.some(
        (one) => one.program === program && one.name === name && one.route === route,
      );
      if (!known) told.push({ program, name, play, route, lines: own });
    }
    process.stderr.write(`\r${runs.length} runs`);
  };
  for (const [plays, share] of PARTS) {
    if (wish.only !== undefined && wish.only !== plays) continue;
    const topology: LoopbackTopology = {
      kind: 'loopback',
      congestion: 'cubic',
      sysctls: plays === 'small' ? SMALL : {},
    };
    const host = await loopbackHost(topology);
    try {
      if (!host.isolated) throw new CouldNotRunError(host.limits.join('; '));
      const until = began + (wish.until - began) * share;
      const given = JSON.stringify({ ...wish, plays, until });
      await runInside(host, fileURLToPath(import.meta.url), [given], take, signal);
    } finally {
      await host.close();
    }
  }
  process.stderr.write('\n');
  return { runs, told };
}

/** The marked sections of the finding's page, from what was measured. */
function sections(rows: readonly Row[], told: readonly Told[]): Record<string, string> {
  const haproxy = rows.filter(({ role }) => role !== 'control');
  const deterministic = markdownTable(haproxy, ['deterministic', 'upgraded']);
  const rates = markdownTable(haproxy, ['both-ways']);
  const controls = rows.filter(({ role }) => role === 'control');
  const calls = told
    .filter(({ route, name }) => route !== 'other' && name === 'copying')
    .map(
      ({ program, route, play, lines }) =>
        `${program}, route ${route} (${play}):\n\n${codeBlock(lines.join('\n'))}`,
    );
  return {
    deterministic,
    rates,
    avoids: avoidedText(haproxy),
    controls: markdownTable(controls, ['deterministic', 'both-ways']),
    calls: calls.join('\n\n'),
  };
}

async function main(signal: AbortSignal): Promise<number> {
  const {
    runs: count_,
    minutes,
    only,
    out,
  } = new Command('finding-haproxy')
    .description('how often HAProxy loses the end of a stream, and when it does not')
    .option('--runs <n>', 'of each arm', count, RUNS)
    .option('--minutes <n>', 'after which no further run begins', count, MINUTES)
    .addOption(
      new Option('--only <buffers>', 'with these socket buffers only; fills no page').choices(
        PARTS.map(([plays]) => plays),
      ),
    )
    .option(
      '--out <folder>',
      '',
      join(packageRoot(), 'results', 'findings', 'haproxy-end-of-stream'),
    )
    .parse()
    .opts<{ runs: number; minutes: number; only?: Plays; out: string }>();
  const found = await programs();
  if (found.installed === null && found.newer === null) {
    throw new CouldNotRunError('no haproxy (apt-get install haproxy, or make rivals)');
  }
  const began = Date.now();
  const wish = { programs: found, runs: count_, until: began + minutes * 60_000, only };
  const { runs, told } = await measure(wish, signal);
  const rows = rowsOf(runs);
  await mkdir(out, { recursive: true });
  const versions = Object.fromEntries(
    Object.entries(found).map(([name, program]) => [name, program?.version ?? null]),
  );
  const summary = {
    kernel: release(),
    measured: new Date(began).toISOString().slice(0, 10),
    seconds: Math.round((Date.now() - began) / 1e3),
    runs_per_arm: count_,
    versions,
    rows,
  };
  const own = sections(rows, told);
  const about = `Linux ${summary.kernel}, ${summary.measured}, \`make finding-haproxy\`: ${leastRuns(runs)} runs of each.`;
  await writeFile(join(out, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
  await writeFile(join(out, 'runs.csv'), csvOf(runs));
  await writeFile(join(out, 'calls.json'), `${JSON.stringify(told, null, 2)}\n`);
  await writeFile(join(out, 'tables.md'), `${[about, ...Object.values(own)].join('\n\n')}\n`);
  if (only === undefined) await fillPage({ about, ...own });
  process.stdout.write(`${own['deterministic']}\n\n${own['rates']}\n\n${own['controls']}\n`);
  return EXIT.ok;
}

/** Of the arm that was played least. A time limit may have ended before all were played as often. */
function leastRuns(runs: readonly Run[]): string {
  const counts = new Map<string, number>();
  for (const { program, name, play } of runs) {
    const key = JSON.stringify([program, name, play]);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const [least, most] = [Math.min(...counts.values()), Math.max(...counts.values())];
  return least === most ? `${least}` : `${least} to ${most}`;
}

async function fillPage(texts: Record<string, string>): Promise<void> {
  const path = join(packageRoot(), 'docs', 'findings', 'haproxy-end-of-stream.md');
  let page = await readFile(path, 'utf8');
  for (const [name, text] of Object.entries(texts)) page = replaceSection(page, name, text);
  await writeFile(path, page);
}

if (isEntry(import.meta.url)) {
  const [flag, inner] = process.argv.slice(2);
  if (flag === INSIDE) {
    endWithInput();
    await inside(JSON.parse(inner ?? '{}') as Wish);
    process.exit(0);
  }
  const signal = stopSignal();
  await runProgram(
    'finding-haproxy',
    () => main(signal),
    () => signal.aborted,
  );
}
