import type { Command } from 'commander';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Claim } from '../tasks/claims/claim.js';
import {
  type ClaimEvidence,
  isMet,
  judgeFromRuns,
  type JudgedClaim,
} from '../tasks/claims/judge-claim.js';
import { claimsOf, scenariosOf } from '../tasks/claims/registry.js';
import { forwarderKinds } from '../machine/forwarders/registry.js';
import { claimCharts } from '../report/charts/claims-chart.js';
import { listed } from '../base/units/quantity.js';
import { claimsCsv, claimsMarkdown, claimsText } from '../report/render/claims-table.js';
import { renderSvg } from '../report/render/svg.js';
import { terminalStyle } from '../report/render/terminal.js';
import { storedScenarios } from '../experiment/trial/resume.js';
import { readRun, type StoredRun } from '../data/results/store.js';
import { quick, withBlocks } from '../experiment/scenario/adjust.js';
import type { Scenario } from '../experiment/scenario/expand.js';
import { loadScenarios } from '../experiment/scenario/load.js';
import { loadTopology } from '../experiment/scenario/topology-file.js';
import { describePlan } from './dry-run.js';
import { emulate2008 } from './emulate-2008.js';
import { EXIT, UsageError } from '../base/errors/errors.js';
import { wordsOf } from '../base/errors/words.js';
import { count } from './options.js';
import { executeRun } from './run.js';

interface Options {
  in?: string[];
  out?: string;
  quick?: boolean;
  blocks?: number;
  check?: boolean;
  dryRun?: boolean;
  list?: boolean;
  json?: boolean;
  emulate2008?: boolean;
  topology?: string;
}

/** `splicebench claims [ID…]`: published claims, judged from stored or fresh runs. */
export function addClaims(root: Command): void {
  root
    .command('claims')
    .description('judge published claims: supported, refuted, not reproduced, or untestable here')
    .argument('[ids...]', 'claims by id (default: all)')
    .option('--in <dirs...>', 'judge from these stored runs instead of fresh ones')
    .option('--topology <file>', "run claims about network cards on this file's topology")
    .option('--out <dir>', 'write claims.md, claims.csv and charts into this folder')
    .option('--quick', 'two short blocks: a test that it works, not a measurement')
    .option('--blocks <n>', 'number of blocks per scenario', count)
    .option(
      '--check',
      'exit with 4 when a claim has another verdict than is expected without a defect',
    )
    .option('--dry-run', 'show what would run')
    .option('--list', 'list the claims without judging them')
    .option(
      '--emulate-2008',
      'emulate 2008: give splicing the CPU with which copying reaches 3 Gbps',
    )
    .option('--json', 'as JSON on stdout, text on stderr')
    .action(claims);
}

async function claims(ids: string[], options: Options): Promise<void> {
  refuseUseless(ids, options);
  if (options.emulate2008) {
    await emulate2008(options);
    return;
  }
  const wanted = claimsOf(ids);
  if (options.list) {
    const lines = wanted.map(({ id, statement, source }) => `${id}\n  ${statement} (${source})\n`);
    process.stdout.write(options.json ? `${JSON.stringify(wanted, null, 2)}\n` : lines.join(''));
    return;
  }
  const human = options.json ? process.stderr : process.stdout;
  const runnable = scenariosOf(wanted).length > 0;
  if (options.in === undefined && (runnable || options.topology !== undefined)) {
    const scenarios = await scenariosFor(wanted, options);
    if (options.dryRun) {
      human.write(describePlan(scenarios, null));
      return;
    }
    const folder = await executeRun(scenarios, {}, process.stderr);
    if (process.exitCode === EXIT.interrupted) return;
    options.in = [folder];
  }
  // A violation found while running outlives what the claims say of it.
  const violated = process.exitCode === EXIT.violation;
  const runs = await readAll(options.in ?? []);
  const judged = judgeAll(wanted, runs);
  if (options.out !== undefined) await write(options.out, judged, runs);
  const { columns } = terminalStyle(process.stdout, process.env);
  human.write(`\n${claimsText(judged, columns)}`);
  if (options.json) process.stdout.write(`${JSON.stringify(judged, null, 2)}\n`);
  if (options.out !== undefined) human.write(`\nclaims: ${join(options.out, 'claims.md')}\n`);
  process.exitCode = violated ? EXIT.violation : EXIT.ok;
  if (!options.check) return;
  const unmet = judged.filter((one) => !isMet(one));
  for (const { claim, verdict } of unmet) {
    process.stderr.write(`${claim.id}: expected ${claim.expected ?? ''}, found ${verdict}\n`);
  }
  if (unmet.length > 0 && !violated) process.exitCode = EXIT.threshold;
}

async function readAll(folders: readonly string[]): Promise<StoredRun[]> {
  const runs = await Promise.all(folders.map((folder) => readRun(folder)));
  for (const warning of runs.flatMap(({ warnings }) => warnings)) {
    process.stderr.write(`${warning}\n`);
  }
  return runs;
}

function judgeAll(wanted: readonly Claim[], runs: readonly StoredRun[]): JudgedClaim[] {
  const evidence = runs.map(({ manifest, trials }): ClaimEvidence => ({
    trials,
    cells: storedScenarios(manifest).flatMap(({ cells }) => cells),
    unavailable: manifest.unavailable ?? [],
  }));
  return wanted.map((claim) => judgeFromRuns(claim, evidence));
}

/**
 * The scenarios of these claims, changed as the options say. Over another topology run those that a claim
 * about network cards is judged from: nothing else is claimed of that place.
 */
async function scenariosFor(wanted: readonly Claim[], options: Options): Promise<Scenario[]> {
  const { blocks, topology } = options;
  const names = scenariosOf(wanted);
  const onCards = scenariosOf(wanted.filter(({ place }) => place === 'nic'));
  if (topology !== undefined && onCards.length === 0) {
    throw new UsageError('--topology: none of these claims is about network cards; leave it out');
  }
  const elsewhere = topology === undefined ? null : await loadTopology(topology);
  const lists = names.map((name) =>
    loadScenarios([name], forwarderKinds, onCards.includes(name) ? elsewhere : null),
  );
  let scenarios = (await Promise.all(lists)).flat();
  if (options.quick) scenarios = scenarios.map((scenario) => quick(scenario).scenario);
  if (blocks !== undefined) {
    scenarios = scenarios.map((scenario) => withBlocks(scenario, blocks).scenario);
  }
  return scenarios;
}

/**
 * @throws UsageError for an option that would have no effect, in one line
 */
function refuseUseless(ids: readonly string[], options: Options): void {
  const given = (name: string, value: unknown) => (value === undefined ? [] : [name]);
  if (options.emulate2008) {
    if (ids.length > 0) throw new UsageError('--emulate-2008 is a claim of its own: leave out ids');
    const useless = [
      ...given('--check', options.check),
      ...given('--in', options.in),
      ...given('--list', options.list),
      ...given('--topology', options.topology),
    ];
    if (useless.length === 0) return;
    throw new UsageError(
      `--emulate-2008 always measures, over veth, and has no verdict: leave out ${listed(useless)}`,
    );
  }
  if (options.topology === undefined) return;
  const still = [...given('--in', options.in), ...given('--list', options.list)];
  if (still.length === 0) return;
  throw new UsageError(`--topology: nothing is run with ${listed(still)}; leave one of them out`);
}

async function write(
  folder: string,
  judged: readonly JudgedClaim[],
  runs: readonly StoredRun[],
): Promise<void> {
  const charts = claimCharts(judged);
  const manifests = runs.map(({ manifest }) => manifest);
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, text] of [
      ['claims.md', claimsMarkdown(judged, manifests, charts)],
      ['claims.csv', claimsCsv(judged)],
      ...charts.map((chart) => [`${chart.name}.svg`, renderSvg(chart)] as const),
    ] as const) {
      await writeFile(join(folder, name), text);
    }
  } catch (error) {
    throw new UsageError(`--out: ${wordsOf(error)}`);
  }
}
