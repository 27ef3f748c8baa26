/** One lab run: everything from a kernel and a scenario to a stored run that came out of the guest. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { CouldNotRunError, UsageError } from '../../base/errors/errors.js';
import { wordsOf } from '../../base/errors/words.js';
import { HeldFolder } from '../../base/process/held-folder.js';
import type { Scenario } from '../../experiment/scenario/expand.js';
import { boot, BootFailed, PATIENCE, type Patience } from './boot.js';
import { BUG_MODULE, buildBugModule } from './bug-module.js';
import type { Said } from './console.js';
import { CARDS, cardsFor, topologyInside } from './cards.js';
import { GUEST_NODE, GUEST_PACKAGE, packageEntries, stageGuest } from './guest-files.js';
import { type GuestConformance, type GuestPlan, LAB_FILE } from './guest-plan.js';
import { PLAN_FILE, PLAN_NAME, RESULT_SHARE } from './init-script.js';
import { type GuestModule, initramfs } from './initramfs.js';
import { accelerator, assertKernel, labTools, modulesBeside } from './kernel.js';
import { machineArgv } from './machine.js';
import type { Mishap } from './mishaps.js';
import { ModuleFolder } from './modules.js';
import { setLink } from './monitor.js';

export interface LabOptions {
  scenarios: readonly Scenario[];
  /** Of the package, relative to its root: what the guest needs of it. */
  packageFiles: readonly string[];
  kernel: string;
  /** null = beside the image. */
  modules: string | null;
  nic: string;
  cpus: number;
  bug: boolean;
  append: string;
  seed: string | null;
  /** What happens to cards in mid-trial. */
  mishaps: readonly Mishap[];
  /** Cases of the conformance suite to play as well; null = none. */
  conformance: GuestConformance | null;
  /** Folder of the run on this host; empty or absent. */
  out: string;
  keepConsole: boolean;
  signal: AbortSignal;
  /** Told of each step, in words. */
  onStep: (text: string) => void;
  patience?: Patience;
}

/** What was booted; lab.json. */
export interface LabFacts {
  version: 1;
  kernel: string;
  /** As the guest's `uname -r` says. */
  release: string | null;
  nic: string;
  cpus: number;
  bug: '2008' | null;
  append: string;
  accelerator: 'kvm' | 'tcg';
  /** Seconds from QEMU's start to its end. */
  seconds: number;
  /** Why the guest did not come to its end; null when it did. */
  failure: string | null;
}

/** Steps that say it all themselves. */
const PLAIN: readonly string[] = ['inside', 'mishap'];
/** Kept with --keep-console. */
const CONSOLE_FILE = 'console.txt';
/** Drivers of what the guest always has. */
const ALWAYS = ['virtio_pci', '9pnet_virtio', '9p'];
/** Where the topology needs them and the kernel has them as modules. */
const WISHED = ['veth', 'sch_fq', 'tcp_bbr'];

/**
 * Boots, runs inside, and leaves the run's folder on this host.
 * @throws BootFailed, CouldNotRunError; the signal's reason when aborted. Trials that had finished are
 *   in the folder then as well
 */
export async function runLab(options: LabOptions): Promise<LabFacts> {
  const { kernel, nic, signal, onStep } = options;
  const tools = labTools();
  assertKernel(kernel);
  const folder = resolve(options.out);
  prepare(folder);
  const held = await HeldFolder.make();
  let started = 0;
  const facts = factsOf(options);
  try {
    const share = join(held.path, 'host');
    mkdirSync(share);
    const { links } = stageGuest(share);
    const entries = packageEntries(options.packageFiles);
    const plan = guestPlan(options);
    writeFileSync(join(share, PLAN_NAME), JSON.stringify(plan));
    const image = join(held.path, 'initramfs.cpio');
    const modules = await guestModules(options, held.path);
    const argv = [GUEST_NODE, `${GUEST_PACKAGE}/dist/src/cli/main.js`, 'lab-inside', PLAN_FILE];
    writeFileSync(image, initramfs({ busybox: tools.busybox, modules, links, entries, argv }));
    facts.accelerator = await accelerator(kernel, tools, held.path, signal);
    onStep(`boots ${kernel} (${facts.accelerator === 'kvm' ? 'KVM' : 'emulated, no KVM'})`);
    started = performance.now();
    const monitor = join(held.path, 'monitor');
    const { code, lines } = await boot({
      argv: machineArgv({
        ...tools,
        kernel,
        initramfs: image,
        accelerator: facts.accelerator,
        cpus: options.cpus,
        append: options.append,
        nic,
        cards: plan.cards,
        shares: { host: share, results: folder },
        monitor,
      }),
      patience: options.patience ?? PATIENCE,
      signal,
      log: join(held.path, CONSOLE_FILE),
      results: () => bytesIn(folder),
      onSaid: follower(monitor, facts, onStep),
    });
    // What was found does not set it: the run inside itself went wrong, such as on a full share.
    if (code !== 0) {
      throw new BootFailed('inside', `the run inside ended with exit code ${code}`, lines);
    }
    return facts;
  } catch (error) {
    facts.failure = wordsOf(error);
    throw error;
  } finally {
    facts.seconds = started === 0 ? 0 : (performance.now() - started) / 1e3;
    const console = join(held.path, CONSOLE_FILE);
    // The guest wants its folder empty: the console comes last.
    if (options.keepConsole && existsSync(console))
      copyFileSync(console, join(folder, CONSOLE_FILE));
    tidy(folder, facts);
    await held.remove();
  }
}

/** Does what the guest asks for, notes what it is, and tells each step. */
function follower(monitor: string, facts: LabFacts, onStep: (text: string) => void) {
  return (said: Said) => {
    if (said.step === 'link' && 'up' in said) moveCable(monitor, said, onStep);
    if (!('text' in said)) return;
    if (said.step === 'shell') facts.release = said.text;
    onStep(PLAIN.includes(said.step) ? said.text : `${said.step} ${said.text}`.trim());
  };
}

/** The guest waits for what comes of it: that it does not is all that has to be said. */
function moveCable(
  monitor: string,
  { card, up }: { card: string; up: boolean },
  onStep: (text: string) => void,
): void {
  onStep(up ? `puts the cable of ${card} back` : `pulls the cable of ${card}`);
  setLink(monitor, card, up).catch((error: unknown) => {
    onStep(wordsOf(error));
  });
}

/** What is known before the boot. */
function factsOf({ kernel, nic, cpus, bug, append }: LabOptions): LabFacts {
  return {
    version: 1,
    kernel: resolve(kernel),
    release: null,
    nic,
    cpus,
    bug: bug ? '2008' : null,
    append,
    accelerator: 'tcg',
    seconds: 0,
    failure: null,
  };
}

/** What is taken into the guest beside its wires. */
async function guestModules(options: LabOptions, folder: string): Promise<GuestModule[]> {
  const where = options.modules ?? modulesBeside(options.kernel);
  const drivers = CARDS[options.nic] ?? [];
  if (where === null) {
    if (options.bug) {
      throw new UsageError(
        "--bug needs --modules: the kernel's folder of modules, with its headers under 'build'",
      );
    }
    return [];
  }
  const all = new ModuleFolder(where);
  const wished = WISHED.filter((name) => all.has(name));
  const modules: GuestModule[] = all.closure([...ALWAYS, ...drivers, ...wished]);
  if (!options.bug) return modules;
  options.onStep('builds the module with the bug of 2008');
  const data = await buildBugModule(where, folder, options.signal);
  // Receive buffers of a tap come from kmalloc by themselves.
  const parameters = options.nic === 'tap' ? '' : 'alloc=1';
  return [...modules, { name: BUG_MODULE, data, parameters }];
}

function guestPlan(options: LabOptions): GuestPlan {
  const { scenarios, nic, bug, seed, mishaps, conformance } = options;
  const own = scenarios.flatMap(({ cells }) => cells.map(({ topology }) => topology));
  const topologies = conformance === null ? own : [...own, conformance.topology];
  const ported = topologies.filter(({ kind }) => kind === 'nic');
  if (topologies.length === 0) throw new UsageError('lab: no scenario');
  if (ported.length > 0 && ported.length < topologies.length) {
    throw new UsageError('lab: scenarios with topology nic and with others do not go together');
  }
  if (ported.length > 0 && nic === 'tap') {
    throw new UsageError('lab: topology nic needs network cards: --nic e1000e, for example');
  }
  return {
    scenarios: scenarios.map((scenario) => ({
      ...scenario,
      cells: scenario.cells.map((cell) => ({
        ...cell,
        topology: topologyInside(cell.topology, nic),
        pin: null,
      })),
    })),
    seed,
    nic,
    cards: cardsFor(ported),
    bug,
    mishaps: [...mishaps],
    conformance,
    out: RESULT_SHARE,
  };
}

function bytesIn(folder: string): number {
  const sizes = readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size);
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}

function prepare(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    if (readdirSync(folder).length === 0) return;
  } catch (error) {
    const said = wordsOf(error);
    throw new CouldNotRunError(`lab: ${folder} cannot be made: ${said}`);
  }
  throw new UsageError(`lab: ${folder} is not empty; name another folder with --out`);
}

/** What a guest that ended in mid-run leaves: its lock, which nobody on this host can call stale. */
function tidy(folder: string, facts: LabFacts): void {
  for (const name of readdirSync(folder)) {
    if (name === 'lock' || name.startsWith('lock.')) rmSync(join(folder, name), { force: true });
  }
  // Nothing came out: the folder must not stand in the way of the next attempt.
  if (!readdirSync(folder).some((name) => statSync(join(folder, name)).size > 0)) {
    rmSync(folder, { recursive: true, force: true });
    return;
  }
  writeFileSync(join(folder, LAB_FILE), `${JSON.stringify(facts, null, 2)}\n`);
}
