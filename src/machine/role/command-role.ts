/** The role `command`: any program as a forwarder, with everything that it starts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { x } from 'tinyexec';
import { type CommandPlaces, fillPlaceholders } from '../forwarders/places.js';
import type { CommandSpec } from '../forwarders/kind.js';
import { findProgram, searchPath } from '../../base/process/program.js';
import { native } from '../../data/native/native.js';
import { debugBuildOfProcesses } from './debug-build.js';
import { askSocket } from './ask-socket.js';
import { CallRecorder } from './call-recorder.js';
import { holdingsOf } from './holdings.js';
import { complaintIn, lineWith } from './complaint.js';
import { freePort } from './free-port.js';
import { HeldFolder } from '../../base/process/held-folder.js';
import { endedWell, endingOf, type ProgramLaunch, launch } from './program-launch.js';
import {
  anyReady,
  processTree,
  withVariable,
  threadsOf,
  treeContextSwitches,
  treeCpuNs,
} from '../../base/process/process-tree.js';
import type { CommandMethods, CommandStart, Handlers, SyscallRate } from './protocol.js';
import { listens, succeeds } from './readiness.js';
import { StraceReader, stracePrefix, TRACE_FD } from './strace.js';
import type { ServedRole } from './served-role.js';
import { memoryOf } from './tree-memory.js';
import { countSyscalls, movedBytes } from './tree-syscalls.js';

const READY_POLL = 10;
/** Time to end after SIGTERM, milliseconds. */
const TERM_TIMEOUT = 1000;
/** Variable that carries a program's mark. */
const MARK = 'SPLICEBENCH_PROGRAM';
const SAID_KEPT = 4000;
const VERSION_TIMEOUT = 5000;
/** Thousands of calls, and what they cost is no figure's; seconds. */
const MOVED_SECONDS = 0.08;

export function commandRole(): ServedRole & { handlers: Handlers<CommandMethods> } {
  let program: RunningProgram | undefined;
  let folder: HeldFolder | undefined;
  let recorder: CallRecorder | undefined;
  let over = false;
  const end = async () => {
    over = true;
    await program?.end();
    await folder?.remove();
    await recorder?.remove();
  };
  const opened = (): RunningProgram => {
    if (!program) throw new Error('command: not started');
    return program;
  };
  return {
    handlers: {
      specOf,
      freePort,
      open: async ({ spec, places, cpus, strace, record }) => {
        folder = needsFolder(spec) ? await HeldFolder.make() : undefined;
        const here = folder === undefined ? places : { ...places, dir: folder.path };
        const filled = filledSpec(spec, here);
        for (const [name, content] of Object.entries(filled.files)) {
          await writeFile(join(folder?.path ?? '', name), content);
        }
        if (record) recorder = await CallRecorder.make();
        // An end that came meanwhile found nothing to end.
        if (over) throw new Error('command: ended before its program started');
        program = new RunningProgram(filled, places, cpus, strace, recorder);
        const version = versionOf(filled);
        const build = printed(filled, filled.buildArgv ?? []);
        await program.untilReady();
        const trouble = recorder?.trouble(program.ownTree()) ?? null;
        if (trouble !== null) throw new Error(`command: ${trouble}`);
        const debugBuild = debugBuildOfProcesses((await build) ?? '', program.ownTree());
        return { version: await version, debugBuild };
      },
      mark: () => opened().mark(),
      memory: () => opened().memory(),
      told: () => opened().told(),
      holdings: () => holdingsOf(opened().ownTree()),
      ready: () => anyReady(opened().ownTree()),
      countSyscalls: (wish) => opened().countSyscalls(wish),
      freeze: () => {
        opened().trace?.freeze();
        recorder?.freeze();
        return null;
      },
      recorded: async () => {
        const { trace } = opened();
        return trace?.recorded() ?? recorder?.recorded(opened().places) ?? [];
      },
      stop: async () => {
        await end();
        return program?.ending ?? null;
      },
    },
    end,
  };
}

/** Only on other hosts: here the orchestrator has the registry at hand. */
async function specOf({
  use,
  options,
}: {
  use: string;
  options: Record<string, unknown>;
}): Promise<CommandSpec> {
  const { forwarderKinds } = await import('../forwarders/registry.js');
  const runner = forwarderKinds.get(use)?.runner;
  if (runner?.kind !== 'command') throw new Error(`command: '${use}' is no program`);
  return runner.command(options);
}

function needsFolder({ files, argv, env, cwd, probe, versionArgv }: CommandSpec): boolean {
  const asked = probe.kind === 'command' ? probe.argv : [];
  const texts = [...argv, ...asked, ...(versionArgv ?? []), ...Object.values(env), cwd ?? ''];
  return Object.keys(files).length > 0 || texts.some((text) => text.includes('{dir}'));
}

/** The spec with every placeholder filled in. */
function filledSpec(spec: CommandSpec, places: CommandPlaces): CommandSpec {
  const fill = (text: string) => fillPlaceholders(text, places);
  const fillAll = (texts: Record<string, string>) =>
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, fill(text)]));
  return {
    ...spec,
    argv: spec.argv.map(fill),
    env: fillAll(spec.env),
    cwd: spec.cwd === null ? null : fill(spec.cwd),
    files: fillAll(spec.files),
    probe:
      spec.probe.kind === 'command'
        ? { ...spec.probe, argv: spec.probe.argv.map(fill) }
        : spec.probe,
    versionArgv: spec.versionArgv?.map(fill) ?? null,
    ...(spec.counters === undefined
      ? {}
      : { counters: { ...spec.counters, socket: fill(spec.counters.socket) } }),
  };
}

/** The program under measurement and its process tree. */
class RunningProgram {
  /** Reads its calls, under strace. */
  readonly trace: StraceReader | null;
  private readonly child: ChildProcess;
  private readonly launch: ProgramLaunch;
  /** In the environment of all that it starts, however far that goes into the background. */
  private readonly id = randomUUID();
  private readonly program: string;
  private readonly exited: Promise<void>;
  private ended: string | null = null;
  private said = '';
  /** The first whole line that speaks of trouble. */
  private trouble: string | null = null;
  /** True once it has printed what the probe waits for. */
  private announced = false;

  constructor(
    private readonly spec: CommandSpec,
    readonly places: CommandStart['places'],
    cpus: readonly number[],
    strace: boolean,
    recorder: CallRecorder | undefined,
  ) {
    const { argv, cwd } = spec;
    const where = surroundings(spec);
    this.program = argv[0] ?? '';
    if (findProgram(this.program, cwd ?? undefined) === null) {
      throw new Error(`${this.program}: no such program; install it or correct argv`);
    }
    this.launch = launch(cpus);
    const [launcher = '', ...args] = [
      ...this.launch.prefix,
      ...(strace ? stracePrefix() : []),
      ...(recorder?.prefix() ?? []),
      ...argv,
    ];
    this.child = spawn(launcher, args, {
      stdio: strace ? ['ignore', 'pipe', 'pipe', 'pipe'] : ['ignore', 'pipe', 'pipe'],
      ...where,
      env: { ...where.env, [MARK]: this.id },
      // A group of its own, which all that stays in it can be ended by.
      detached: true,
    });
    const lines = this.child.stdio[TRACE_FD];
    this.trace = lines instanceof Readable ? new StraceReader(lines, places) : null;
    for (const stream of [this.child.stdout, this.child.stderr]) {
      // Read on, so that a talkative program is never blocked by a full pipe.
      stream?.setEncoding('utf8').on('data', (text: string) => {
        const all = this.said + text;
        const { probe, trouble } = this.spec;
        if (trouble !== undefined) this.trouble ??= lineWith(new RegExp(trouble), all);
        if (probe.kind === 'output') this.announced ||= all.includes(probe.text);
        this.said = all.slice(-SAID_KEPT);
      });
    }
    this.exited = new Promise((resolve) => {
      const leave = (how: string) => {
        this.ended ??= how;
        resolve();
      };
      this.child.once('error', (error) => {
        leave(error.message);
      });
      this.child.once('exit', (code, signal) => {
        leave(endingOf(this.launch, code, signal));
      });
    });
  }

  /** Waits until the probe is content; fails with what the program said when it is not in time. */
  async untilReady(): Promise<void> {
    const { ready } = this.spec;
    const deadline = performance.now() + ready * 1e3;
    while (!(await this.isReady())) {
      if (this.ended !== null) throw new Error(`${this.program}: ${this.how()}`);
      if (performance.now() > deadline) {
        throw new Error(
          `${this.program}: ${this.missing()} within ${ready} s${complaintIn(this.said)}`,
        );
      }
      await Promise.race([sleep(READY_POLL), this.exited]);
    }
  }

  private isReady(): boolean | Promise<boolean> {
    const { probe } = this.spec;
    switch (probe.kind) {
      case 'listen':
        return listens(this.places.listen.port);
      case 'output':
        return this.announced && listens(this.places.listen.port);
      case 'command':
        return succeeds(probe.argv, surroundings(this.spec));
    }
  }

  /** What the probe waited for in vain. */
  private missing(): string {
    const { probe } = this.spec;
    const { port } = this.places.listen;
    if (probe.kind === 'command') return `the probe '${probe.argv.join(' ')}' did not succeed`;
    if (probe.kind === 'output' && !this.announced) return `did not print '${probe.text}'`;
    return `did not listen on port ${port}`;
  }

  mark() {
    const pid = this.child.pid ?? 0;
    const tree = processTree(pid);
    return {
      timeNs: Number(process.hrtime.bigint()),
      cpuNs: treeCpuNs(pid, tree),
      contextSwitches: treeContextSwitches(pid, tree),
      traced: this.trace?.seen ?? null,
      alive: this.ended === null,
      ended: this.ended === null ? null : this.how(),
      died: this.ended !== null && !endedWell(this.ended),
    };
  }

  async told(): Promise<{ trouble: string | null; counters: string | null }> {
    const { counters } = this.spec;
    const text = counters === undefined ? null : await askSocket(counters.socket, counters.ask);
    return { trouble: this.trouble, counters: text };
  }

  /** Bytes that the tree holds now; null when it could not be read, or is strace's as well. */
  memory(): number | null {
    return this.trace === null ? memoryOf(this.ownTree()) : null;
  }

  /**
   * System calls per second of the tree, by perf_event. Only for a while and outside the measured
   * window: the tracepoint makes every system call of the host dearer while it is on.
   */
  async countSyscalls(wish: Parameters<CommandMethods['countSyscalls']>[0]): Promise<SyscallRate> {
    const { SyscallCounter, MovedBytes } = native();
    const { tracepoint, exit, seconds } = wish;
    const threads = this.ownTree().flatMap((pid) => threadsOf(pid).map((tid) => ({ pid, tid })));
    const rate = await countSyscalls(
      threads,
      seconds,
      (tid) => new SyscallCounter(tracepoint, tid),
    );
    if (exit === undefined)
      return { ...rate, moved: 'no tracepoint of the results of system calls' };
    const moved = movedBytes(threads, MOVED_SECONDS, (tid) => new MovedBytes(exit, tid));
    return { ...rate, moved: await moved.catch((error: unknown) => String(error)) };
  }

  /** How it has ended; null while it runs. */
  get ending(): string | null {
    return this.ended;
  }

  /**
   * Ends the program and everything below it: asks first, then kills. Without a process namespace what
   * went into the background is found by its group, and by the mark in its environment.
   */
  async end(): Promise<void> {
    if (this.ended === null) {
      const own = this.ownTree();
      signal(own.slice(1), 'SIGTERM');
      signal(own.slice(0, 1), 'SIGTERM');
      await Promise.race([this.exited, sleep(TERM_TIMEOUT)]);
    }
    const { pid } = this.child;
    if (pid === undefined) return;
    signal([-pid], 'SIGKILL');
    if (this.launch.launchers === 0) signal(withVariable(MARK, this.id), 'SIGKILL');
    await this.exited;
  }

  /** The tree without what it was launched by. */
  ownTree(): number[] {
    return processTree(this.child.pid ?? 0).slice(this.launch.launchers);
  }

  private how(): string {
    return `ended (${this.ended ?? 'unknown'})${complaintIn(this.said)}`;
  }
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** The first line that is not empty, or null. */
function firstLine(text: string): string | null {
  const line = text.trim().split('\n')[0]?.trim() ?? '';
  return line === '' ? null : line;
}

/** The first line that the version command prints; null when there is none. */
async function versionOf(spec: CommandSpec): Promise<string | null> {
  const text = await printed(spec, spec.versionArgv ?? []);
  return text === null ? null : firstLine(text);
}

/** What a command about the program prints, standard output first; null when it cannot be asked. */
async function printed(spec: CommandSpec, argv: readonly string[]): Promise<string | null> {
  const [program, ...args] = argv;
  if (program === undefined) return null;
  try {
    const { stdout, stderr } = await x(program, args, {
      timeout: VERSION_TIMEOUT,
      nodeOptions: surroundings(spec),
    });
    return `${stdout}\n${stderr}`;
  } catch {
    return null;
  }
}

/** Environment and working directory of the program, and of whatever is asked about it. */
function surroundings({ env, cwd }: CommandSpec): { env: NodeJS.ProcessEnv; cwd?: string } {
  const all = { ...process.env, PATH: searchPath(), ...env };
  return cwd === null ? { env: all } : { env: all, cwd };
}
