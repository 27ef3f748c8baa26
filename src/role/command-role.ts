/** The role `command`: any program as a forwarder, with everything that it starts. */
import { type ChildProcess, spawn } from 'node:child_process';
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
import { processTree, threadsOf, treeContextSwitches, treeCpuNs } from './process-tree.js';
import type { CommandMethods, CommandStart, Handlers, SyscallRate } from './protocol.js';
import { listens, succeeds } from './readiness.js';
import { StraceReader, stracePrefix, TRACE_FD } from './strace.js';
import type { ServedRole } from './serve.js';

const READY_POLL = 10;
/** Time to end after SIGTERM, milliseconds. */
const TERM_TIMEOUT = 1000;
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
        return { version: await versionOf(spec.versionArgv) };
      },
      mark: () => opened().mark(),
      countSyscalls: ({ tracepoint, seconds }) => opened().countSyscalls(tracepoint, seconds),
      freeze: () => {
        opened().trace?.freeze();
        return null;
      },
      recorded: async () => (await opened().trace?.recorded()) ?? [],
      stop: async () => {
        await end();
        return null;
      },
    },
    end,
  };
}

function needsFolder({ files, argv, env, cwd, probe }: CommandSpec): boolean {
  const asked = probe.kind === 'command' ? probe.argv : [];
  const texts = [...argv, ...asked, ...Object.values(env), cwd ?? ''];
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
  };
}

/** The program under measurement and its process tree. */
class RunningProgram {
  /** Reads its calls, under strace. */
  readonly trace: StraceReader | null;
  private readonly child: ChildProcess;
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
    const { argv, env, cwd } = spec;
    this.program = argv[0] ?? '';
    if (findProgram(this.program, cwd ?? undefined) === null) {
      throw new Error(`${this.program}: no such program; install it or correct argv`);
    }
    const [launcher = '', ...args] = [
      ...launchPrefix(cpus),
      ...(strace ? stracePrefix() : []),
      ...argv,
    ];
    this.child = spawn(launcher, args, {
      stdio: strace ? ['ignore', 'pipe', 'pipe', 'pipe'] : ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: searchPath(), ...env },
      ...(cwd === null ? {} : { cwd }),
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
        leave(signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`);
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
        return succeeds(probe.argv);
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

  /**
   * System calls per second of the tree, by perf_event. Only for a while and outside the measured
   * window: the tracepoint makes every system call of the host dearer while it is on.
   */
  async countSyscalls(tracepoint: number, seconds: number): Promise<SyscallRate> {
    const { SyscallCounter } = native();
    const tids = processTree(this.child.pid ?? 0).flatMap(threadsOf);
    const counters = tids.map((tid) => new SyscallCounter(tracepoint, tid));
    const started = process.hrtime.bigint();
    const read = () => counters.map((counter) => counter.count());
    const before = read();
    await sleep(seconds * 1e3);
    const after = read();
    const elapsed = Number(process.hrtime.bigint() - started) / 1e9;
    let calls = 0;
    for (const [index, count] of after.entries()) {
      const first = before[index] ?? null;
      if (count === null || first === null)
        throw new Error('perf_event had to multiplex the counter');
      calls += count - first;
    }
    for (const counter of counters) counter.close();
    return { perSecond: calls / elapsed };
  }

  /** Ends the program and everything below it: asks first, then kills. */
  async end(): Promise<void> {
    const pids = processTree(this.child.pid ?? 0);
    if (this.ended === null) {
      signal(pids.slice(1), 'SIGTERM');
      signal(pids.slice(0, 1), 'SIGTERM');
      await Promise.race([this.exited, sleep(TERM_TIMEOUT)]);
    }
    signal(pids, 'SIGKILL');
    if (this.child.pid !== undefined) await this.exited;
  }

  private how(): string {
    return `ended (${this.ended ?? 'unknown'})${complaintIn(this.said)}`;
  }
}

/**
 * Puts the program on its CPUs, and into a process namespace where that is allowed, so that whatever
 * it forks ends with it even when this role is killed.
 */
function launchPrefix(cpus: readonly number[]): string[] {
  const pin = cpus.length === 0 ? [] : ['taskset', '--cpu-list', cpus.join(',')];
  const die = ['setpriv', '--pdeathsig', 'KILL'];
  const enclose =
    process.getuid?.() === 0 ? ['unshare', '--pid', '--fork', '--kill-child=KILL', '--'] : [];
  return [...die, ...enclose, ...pin];
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
async function versionOf(argv: readonly string[] | null): Promise<string | null> {
  const [program, ...args] = argv ?? [];
  if (program === undefined) return null;
  try {
    const { stdout, stderr } = await x(program, args, {
      timeout: VERSION_TIMEOUT,
      nodeOptions: { env: { ...process.env, PATH: searchPath() } },
    });
    return firstLine(stdout) ?? firstLine(stderr);
  } catch {
    return null;
  }
}
