/** The role `command`: any program as a forwarder, with everything that it starts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { x } from 'tinyexec';
import { type CommandPlaces, fillPlaceholders } from '../forwarders/command.js';
import type { CommandSpec } from '../forwarders/kind.js';
import { findProgram, searchPath } from '../host/program.js';
import { native } from '../native.js';
import { complaintIn } from './complaint.js';
import { freePort } from './free-port.js';
import { HeldFolder } from './held-folder.js';
import { endingOf, type Launch, launch } from './launch.js';
import {
  processTree,
  withVariable,
  threadsOf,
  treeContextSwitches,
  treeCpuNs,
} from './process-tree.js';
import type { CommandMethods, CommandStart, Handlers, SyscallRate } from './protocol.js';
import { listens, succeeds } from './readiness.js';
import { StraceReader, stracePrefix, TRACE_FD } from './strace.js';
import type { ServedRole } from './serve.js';
import { memoryOf } from './tree-memory.js';
import { countSyscalls } from './tree-syscalls.js';

const READY_POLL = 10;
/** Time to end after SIGTERM, milliseconds. */
const TERM_TIMEOUT = 1000;
/** Variable that carries a program's mark. */
const MARK = 'SPLICEBENCH_PROGRAM';
const SAID_KEPT = 4000;
const VERSION_TIMEOUT = 5000;

export function commandRole(): ServedRole & { handlers: Handlers<CommandMethods> } {
  let program: RunningProgram | undefined;
  let folder: HeldFolder | undefined;
  let over = false;
  const end = async () => {
    over = true;
    await program?.end();
    await folder?.remove();
  };
  const opened = (): RunningProgram => {
    if (!program) throw new Error('command: not started');
    return program;
  };
  return {
    handlers: {
      specOf: async ({ use, options }) => {
        // Only on other hosts: here the orchestrator has the registry at hand.
        const { forwarderKinds } = await import('../forwarders/registry.js');
        const runner = forwarderKinds.get(use)?.runner;
        if (runner?.kind !== 'command') throw new Error(`command: '${use}' is no program`);
        return runner.command(options);
      },
      freePort,
      open: async ({ spec, places, cpus, strace }) => {
        folder = needsFolder(spec) ? await HeldFolder.make() : undefined;
        const here = folder === undefined ? places : { ...places, dir: folder.path };
        const filled = filledSpec(spec, here);
        for (const [name, content] of Object.entries(filled.files)) {
          await writeFile(join(folder?.path ?? '', name), content);
        }
        // An end that came meanwhile found nothing to end.
        if (over) throw new Error('command: ended before its program started');
        program = new RunningProgram(filled, places, cpus, strace);
        await program.untilReady();
        return { version: await versionOf(filled) };
      },
      mark: () => opened().mark(),
      memory: () => opened().memory(),
      countSyscalls: ({ tracepoint, seconds }) => opened().countSyscalls(tracepoint, seconds),
      freeze: () => {
        opened().trace?.freeze();
        return null;
      },
      recorded: async () => (await opened().trace?.recorded()) ?? [],
      stop: async () => {
        await end();
        return program?.ending ?? null;
      },
    },
    end,
  };
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
  };
}

/** The program under measurement and its process tree. */
class RunningProgram {
  /** Reads its calls, under strace. */
  readonly trace: StraceReader | null;
  private readonly child: ChildProcess;
  private readonly launch: Launch;
  /** In the environment of all that it starts, however far that goes into the background. */
  private readonly id = randomUUID();
  private readonly program: string;
  private readonly exited: Promise<void>;
  private ended: string | null = null;
  private said = '';
  /** True once it has printed what the probe waits for. */
  private announced = false;

  constructor(
    private readonly spec: CommandSpec,
    private readonly places: CommandStart['places'],
    cpus: readonly number[],
    strace: boolean,
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
        const { probe } = this.spec;
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
    return {
      timeNs: Number(process.hrtime.bigint()),
      cpuNs: treeCpuNs(pid),
      contextSwitches: treeContextSwitches(pid),
      traced: this.trace?.seen ?? null,
      alive: this.ended === null,
      ended: this.ended === null ? null : this.how(),
    };
  }

  /** Bytes that the tree holds now; null when it could not be read, or is strace's as well. */
  memory(): number | null {
    return this.trace === null ? memoryOf(this.ownTree()) : null;
  }

  /**
   * System calls per second of the tree, by perf_event. Only for a while and outside the measured
   * window: the tracepoint makes every system call of the host dearer while it is on.
   */
  countSyscalls(tracepoint: number, seconds: number): Promise<SyscallRate> {
    const { SyscallCounter } = native();
    const threads = this.ownTree().flatMap((pid) => threadsOf(pid).map((tid) => ({ pid, tid })));
    return countSyscalls(threads, seconds, (tid) => new SyscallCounter(tracepoint, tid));
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
  private ownTree(): number[] {
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
  const [program, ...args] = spec.versionArgv ?? [];
  if (program === undefined) return null;
  try {
    const { stdout, stderr } = await x(program, args, {
      timeout: VERSION_TIMEOUT,
      nodeOptions: surroundings(spec),
    });
    return firstLine(stdout) ?? firstLine(stderr);
  } catch {
    return null;
  }
}

/** Environment and working directory of the program, and of whatever is asked about it. */
function surroundings({ env, cwd }: CommandSpec): { env: NodeJS.ProcessEnv; cwd?: string } {
  const all = { ...process.env, PATH: searchPath(), ...env };
  return cwd === null ? { env: all } : { env: all, cwd };
}
