import { type Command, InvalidArgumentError, Option } from 'commander';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BISECT, EXIT, UsageError } from '../base/errors/errors.js';
import { packageRoot } from '../base/process/package-root.js';
import { forwarderKinds } from '../machine/forwarders/registry.js';
import { loadScenarios } from '../experiment/scenario/load.js';
import { packageFiles } from '../tasks/deploy/package-files.js';
import { CARDS } from '../tasks/lab/cards.js';
import { MANIFEST_FILE, readRun } from '../data/results/store-read.js';
import { bisectCode, emptyLines, weigh, type Weighed } from '../tasks/lab/evidence.js';
import { readHook } from '../tasks/lab/guest-plan.js';
import { type LabOptions, runLab } from '../tasks/lab/lab.js';
import { mishapsFor } from '../tasks/lab/mishaps.js';
import { guestConformance, reportConformance } from './lab-conformance.js';
import { labMatrix } from './lab-matrix.js';
import { count, seed } from './options.js';
import { finishReport } from './report.js';
import { releaseSignals, stopSignal } from './stop-signal.js';

interface Options {
  kernel: string[];
  modules?: string;
  nic: string;
  smp: number;
  bug?: string;
  append: string;
  keepConsole?: boolean;
  bisect?: boolean;
  matrix?: boolean;
  nics: string[];
  minutes: number;
  conformance?: string | true;
  pullCable?: string;
  unbindDriver?: string;
  seed?: string;
  out?: string;
}

const SCENARIO = 'lab';
const MATRIX_SCENARIO = 'lab-matrix';

/** `splicebench lab`: boots a kernel under QEMU and runs integrity scenarios in it. */
export function addLab(root: Command): void {
  root
    .command('lab')
    .description(
      'boot a kernel under QEMU and run integrity scenarios in it, across emulated cards',
    )
    .argument('[scenarios...]', `default: ${SCENARIO}`)
    .requiredOption(
      '--kernel <file>',
      'image to boot, such as /boot/vmlinuz-VERSION; with --matrix it may be repeated',
      (text: string, before: string[] | undefined) => [...(before ?? []), text],
    )
    .option('--modules <dir>', "the kernel's modules (default: beside the image)")
    .addOption(
      new Option('--nic <card>', 'emulated network card')
        .choices(Object.keys(CARDS))
        .default('tap'),
    )
    .option('--smp <n>', 'CPUs of the guest', count, 2)
    .addOption(new Option('--bug <year>', 'give the kernel a bug').choices(['2008']))
    .option('--append <arguments>', 'further arguments of the kernel', '')
    .option('--keep-console', "keep the guest's console in the run's folder")
    .option(
      '--bisect',
      'for `git bisect run`: exit code 0 = clean, 1 = a violation, 125 = could not tell',
    )
    .addOption(
      new Option(
        '--matrix',
        `kernels, cards and forwarders, with and without the bug: one table (default scenario: ${MATRIX_SCENARIO})`,
      ).conflicts(['bisect', 'bug', 'nic', 'conformance', 'pullCable', 'unbindDriver']),
    )
    .addOption(
      new Option('--nics <cards>', 'cards of the matrix, separated by commas')
        .argParser(cards)
        .default(['tap', 'e1000e'], 'tap,e1000e'),
    )
    .option(
      '--minutes <n>',
      'time for all boots of the matrix together, or for --conformance',
      count,
      60,
    )
    .option(
      '--conformance [cases]',
      'play cases of the conformance suite on three cards as well, separated by commas (default: all)',
    )
    .option(
      '--pull-cable <scenario>',
      "in this scenario's first trial, pull the last port's cable and put it back (topology nic)",
    )
    .option(
      '--unbind-driver <scenario>',
      "in this scenario's first trial, take the driver from the last port (topology nic)",
    )
    .option('--seed <n>', 'seed of the order and of the stamped bytes (default: random)', seed)
    .option('--out <dir>', 'folder of the run (default: results/runs/lab-TIME)')
    .action(lab);
}

async function lab(names: string[], options: Options): Promise<void> {
  const { conformance } = options;
  const standard = options.matrix === true ? [MATRIX_SCENARIO] : [SCENARIO];
  const wanted = names.length > 0 || conformance !== undefined ? names : standard;
  const scenarios = wanted.length === 0 ? [] : await loadScenarios(wanted, forwarderKinds);
  const signal = stopSignal();
  const out = options.out ?? join('results', 'runs', `lab-${stamp()}`);
  const shared = {
    scenarios,
    packageFiles: [...packageFiles(packageRoot()), 'bench/conformance'],
    modules: options.modules ?? null,
    cpus: options.smp,
    append: options.append,
    seed: options.seed ?? null,
    mishaps: mishapsFor(scenarios, {
      pull: options.pullCable ?? null,
      unbind: options.unbindDriver ?? null,
    }),
    conformance:
      conformance === undefined ? null : await guestConformance(conformance, options.minutes),
    out,
    keepConsole: options.keepConsole === true,
    signal,
  };
  const onStep = (text: string) => process.stderr.write(`  ${text}\n`);
  try {
    process.exitCode =
      options.matrix === true
        ? await labMatrix({
            kernels: options.kernel,
            cards: options.nics,
            bugs: [false, true],
            seconds: options.minutes * 60,
            shared,
            onStep,
          })
        : await oneBoot({ ...shared, ...oneOf(options), onStep }, options.bisect === true);
  } finally {
    releaseSignals();
  }
}

function oneOf({ kernel, nic, bug }: Options): Pick<LabOptions, 'kernel' | 'nic' | 'bug'> {
  const [only = '', ...more] = kernel;
  if (more.length > 0) throw new UsageError('lab: several kernels take --matrix');
  return { kernel: only, nic, bug: bug === '2008' };
}

/** @returns the exit code; with `bisect` as `git bisect run` wants it */
async function oneBoot(options: LabOptions, bisect: boolean): Promise<number> {
  const { out, bug, signal } = options;
  let failure: Error | null = null;
  try {
    await runLab(options);
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
  }
  const played = await reportConformance(out);
  const { code: ran, weighed } = await reported(out, bug);
  const code = options.scenarios.length === 0 ? (played ?? ran) : worse(ran, played);
  if (signal.aborted) return EXIT.interrupted;
  const told = bisect ? bisectCode(weighed, failure === null) : code;
  const proven = told === (bisect ? BISECT.violation : EXIT.violation);
  if (failure !== null && !proven) throw failure;
  if (failure !== null) process.stderr.write(`splicebench: ${failure.message}\n`);
  return told;
}

/** A violation before anything else, and whatever is no success before a success. */
function worse(ran: number, played: number | null): number {
  if (played === null || ran === EXIT.violation) return ran;
  return played === EXIT.violation || ran === EXIT.ok ? played : ran;
}

/** Cards by name, separated by commas. */
function cards(text: string): string[] {
  const names = text.split(',');
  const wrong = names.find((name) => !(name in CARDS));
  if (wrong === undefined) return names;
  throw new InvalidArgumentError(`no card '${wrong}'; there are ${Object.keys(CARDS).join(', ')}`);
}

/**
 * Reports what the guest left, be it all of the run or what had finished when it died.
 * @returns the exit code that it calls for
 */
async function reported(
  folder: string,
  bug: boolean,
): Promise<{ code: number; weighed: Weighed[] }> {
  if (!existsSync(join(folder, MANIFEST_FILE))) return { code: EXIT.couldNotRun, weighed: [] };
  const { trials } = await readRun(folder);
  if (trials.length === 0) return { code: EXIT.couldNotRun, weighed: [] };
  const code = await finishReport(folder, process.stdout);
  const weighed = weigh(trials, bug ? readHook(folder) : null);
  const empty = emptyLines(weighed);
  for (const line of empty) process.stderr.write(`splicebench: lab: ${line}\n`);
  return { code: empty.length > 0 && code === EXIT.ok ? EXIT.couldNotRun : code, weighed };
}

function stamp(): string {
  return new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
}
