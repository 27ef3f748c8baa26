/**
 * `node dist/bench/lab-published.js [FOLDER…]`: adds runs of the lab to results/published/lab-2008, or takes the place of
 * those of the same name, and makes the page of all that are there: folders of matrices, and runs of lab-2008 and
 * lab-2008-programs in a kernel with the bug. `make lab-published` makes all of them.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { EXIT, UsageError } from '../src/base/errors/errors.js';
import { readRun, type StoredRun } from '../src/data/results/store.js';
import { storedScenarios } from '../src/experiment/trial/resume.js';
import { explainIncident } from '../src/report/render/explanation.js';
import { LAB_FILE, readHook } from '../src/tasks/lab/guest-plan.js';
import type { LabFacts } from '../src/tasks/lab/lab.js';
import { type MatrixRow, rowsOf } from '../src/tasks/lab/matrix-rows.js';
import { matrixMarkdownTable, matrixTableCsv } from '../src/tasks/lab/matrix-table.js';
import { judgeStatements, likeTheReports } from '../src/tasks/lab/statements.js';
import { superseded } from '../src/tasks/lab/superseded.js';
import { runProgram } from './entry.js';
import {
  bootsIn,
  factsOf,
  keepBoot,
  publishedFolder,
  readBoots,
  readJson,
  writePage,
} from './published/kept-boots.js';

const RUN_FILE = 'run.json';
const KEPT = [RUN_FILE, 'trials.jsonl', 'hook.jsonl', LAB_FILE];
const STYLE = { bytesPerRow: 16, rows: 12, mark: null } as const;
const COLUMNS = 115;
/** A folder that has it holds a boot in each of its folders. */
const MATRIX_FILE = 'matrix.json';
/** What is kept in place of the incidents, which are thousands: the rows that they count in, and one explained. */
const ROWS_FILE = 'rows.json';
const INCIDENT_FILE = 'incident.txt';
/** Its trials compare kernels and cards; the others try what the report tried. */
const MATRIX = 'lab-matrix';

/** A run as it is published. */
interface LabRun {
  name: string;
  facts: LabFacts;
  stored: StoredRun;
  rows: MatrixRow[];
  incident: string | null;
}

async function main(): Promise<number> {
  const folders = process.argv.slice(2);
  const target = publishedFolder('lab-2008');
  for (const folder of folders) {
    if (existsSync(join(folder, MATRIX_FILE))) await keepMatrix(folder, target);
    else await keep(folder, join(target, basename(folder)));
  }
  const all = await readBoots(target, RUN_FILE, published);
  const old = outdated(all);
  for (const name of old) rmSync(join(target, name), { recursive: true });
  const runs = all.filter(({ name }) => !old.includes(name));
  if (runs.length === 0) throw new UsageError('usage: lab-published FOLDER…');
  const rows = runs.flatMap((run) => run.rows);
  writeFileSync(join(target, 'rows.csv'), matrixTableCsv([...rows, ...notRun(target)]));
  writePage(target, page(runs, notRun(target)));
  return EXIT.ok;
}

/** Runs whose trials a later one of the same kind made anew. */
function outdated(runs: readonly LabRun[]): string[] {
  const dated = (own: readonly LabRun[]) =>
    superseded(
      own.map(({ name, stored, rows }) => ({ name, started: stored.manifest.started, rows })),
    );
  const isMatrix = ({ stored }: LabRun) => scenarioOf(stored) === MATRIX;
  return [...dated(runs.filter(isMatrix)), ...dated(runs.filter((run) => !isMatrix(run)))];
}

/** Every boot of a matrix; those that left no run have rows that say why. */
async function keepMatrix(folder: string, target: string): Promise<void> {
  const name = basename(folder);
  const boots = bootsIn(folder, RUN_FILE);
  for (const boot of boots) await keep(join(folder, boot), join(target, `${name}-${boot}`));
  const rows = readJson(folder, MATRIX_FILE) as MatrixRow[];
  mkdirSync(join(target, 'not-run'), { recursive: true });
  const lost = rows.filter(({ verdict }) => verdict === 'not run');
  writeFileSync(join(target, 'not-run', `${name}.json`), `${JSON.stringify(lost, null, 2)}\n`);
}

function notRun(target: string): MatrixRow[] {
  const folder = join(target, 'not-run');
  const files = existsSync(folder) ? readdirSync(folder).sort() : [];
  return files.flatMap((name) => readJson(folder, name) as MatrixRow[]);
}

/** What is published of a run. */
async function keep(folder: string, target: string): Promise<void> {
  const stored = await readRun(folder);
  keepBoot(folder, target, KEPT);
  const { release, kernel: image, nic, bug, failure } = factsOf(folder);
  const { trials, incidents, manifest } = stored;
  const kernel = release ?? image;
  const result = { kernel, nic, bug, failure, trials, incidents, hook: readHook(folder) };
  const rows = rowsOf(storedScenarios(manifest), result);
  writeFileSync(join(target, ROWS_FILE), `${JSON.stringify(rows, null, 2)}\n`);
  const number = likeTheReports(incidents);
  if (number === null) return;
  const text = explainIncident(stored, number, STYLE, COLUMNS).trimEnd();
  writeFileSync(join(target, INCIDENT_FILE), `${text}\n`);
}

async function published(folder: string, name: string): Promise<LabRun> {
  const incident = join(folder, INCIDENT_FILE);
  return {
    name,
    facts: factsOf(folder),
    stored: await readRun(folder),
    rows: readJson(folder, ROWS_FILE) as MatrixRow[],
    incident: existsSync(incident) ? readFileSync(incident, 'utf8').trimEnd() : null,
  };
}

function page(runs: readonly LabRun[], lost: readonly MatrixRow[]): string {
  const trying = runs.filter(({ stored }) => scenarioOf(stored) !== MATRIX);
  const cards = runs.filter(({ stored }) => scenarioOf(stored) === MATRIX);
  const judged = judgeStatements(trying.flatMap(({ stored }) => stored.trials));
  const incident = trying.map((run) => run.incident).find((text) => text !== null);
  return [
    '# A kernel that has the bug of 2008',
    '',
    'Made from runs of `splicebench lab` by bench/lab-published.ts; `make lab-published` makes the runs as well. Speed is not',
    'measured: everything is emulated. How it is done, and what the bug is in a kernel that never had it:',
    '[docs/lab.md](../../../docs/lab.md).',
    '',
    ...runs.map(bootLine),
    '',
    '## Kernels and cards, with the bug and without',
    '',
    matrixMarkdownTable([...cards.flatMap(({ rows }) => rows), ...lost]),
    '',
    '## What the report tried',
    '',
    matrixMarkdownTable(trying.flatMap(({ rows }) => rows)),
    '',
    '## Statements, in a kernel that has the bug',
    '',
    'One trial each. The claims of the same name ask whether it is so on the host where `splicebench claims` is run.',
    '',
    '| statement | verdict | trials | claim |',
    '|---|---|---|---|',
    ...judged.map(
      ({ statement, verdict, why, claim }) =>
        `| ${statement} | **${verdict}** | ${why} | ${claim === null ? '–' : `\`${claim}\``} |`,
    ),
    '',
    '## One incident, as the report explained its own',
    '',
    ...(incident === undefined
      ? ['No incident came in by a call of its own and went out with others.']
      : ['```text', incident, '```']),
    '',
  ].join('\n');
}

function scenarioOf({ manifest }: StoredRun): string | undefined {
  return storedScenarios(manifest)[0]?.name;
}

function bootLine({ name, facts, stored }: LabRun): string {
  const { release, nic, cpus, bug, accelerator } = facts;
  const how = accelerator === 'kvm' ? 'KVM' : 'emulated CPUs';
  const day = stored.manifest.started.slice(0, 10);
  return `- [${name}](${name}/run.json): kernel ${release ?? 'unknown'}, ${nic}, ${cpus} ${how}, bug ${bug ?? 'no'}, ${day}, seed ${stored.manifest.seed}.`;
}

await runProgram('lab-published', main);
