/**
 * Programs started by tests: output collected, a deadline on every wait, killed by id when the test
 * is over, found again by a mark in their environment wherever they went.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { markedProcesses, MARK } from './leaks.js';
import { sanitizerEnvironment } from './sanitizer.js';

/** How a program ended. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface StartOptions {
  cwd?: string;
  /** Added to the environment; undefined takes a variable away. */
  env?: Record<string, string | undefined>;
  /** Standard input is a pipe that stays open until closeInput; without it there is no input. */
  holdInput?: boolean;
  /** Everything must be over within this many milliseconds. */
  deadline?: number;
}

/**
 * Of a program that hangs: what it needs in time is the machine's business, which may be busy with others, and take
 * ten times what it takes alone.
 */
const DEADLINE = 180_000;
const POLL = 20;

/** The package's root, from wherever the tests were compiled to. */
export const ROOT = rootOf(dirname(fileURLToPath(import.meta.url)));
export const MAIN = join(ROOT, 'dist', 'src', 'cli', 'main.js');

/** A running program. */
export class Running {
  readonly ended: Promise<Ended>;
  /** In the environment of this program and of everything that it starts. */
  readonly mark = randomUUID();
  private readonly child: ChildProcess;
  private readonly deadline: number;
  private readonly chunks: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  private result: Ended | null = null;

  constructor(
    readonly argv: readonly string[],
    { cwd, env, holdInput = false, deadline = DEADLINE }: StartOptions = {},
  ) {
    this.deadline = deadline;
    const [program = '', ...args] = argv;
    this.child = spawn(program, args, {
      stdio: [holdInput ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
      env: environment(env ?? {}, this.mark),
      // A group of its own, so that a signal of the terminal is the test's business.
      detached: true,
    });
    for (const name of ['stdout', 'stderr'] as const) {
      this.child[name]?.on('data', (chunk: Buffer) => this.chunks[name].push(chunk));
    }
    const timer = setTimeout(() => {
      const late = `not over within ${deadline / 1e3} s, killed by the test:\n${held(this.pid, this.mark)}`;
      this.chunks.stderr.push(Buffer.from(late));
      this.child.kill('SIGKILL');
    }, deadline);
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      this.child.once('close', (code, signal) => {
        clearTimeout(timer);
        // A crash says nothing itself: whoever shows stderr shows what happened.
        if (signal !== null) this.chunks.stderr.push(Buffer.from(`\nended by ${signal}\n`));
        this.result = { code, signal, stdout: this.stdout, stderr: this.stderr };
        resolve(this.result);
      });
    });
    // Whoever waits for the end sees the failure.
    this.ended.catch(() => undefined);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** How it ended; null while it runs. */
  get over(): Ended | null {
    return this.result;
  }

  get stdout(): string {
    return Buffer.concat(this.chunks.stdout).toString('utf8');
  }

  get stderr(): string {
    return Buffer.concat(this.chunks.stderr).toString('utf8');
  }

  /** What it printed, as bytes. */
  get bytes(): Buffer {
    return Buffer.concat(this.chunks.stdout);
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.child.kill(signal);
  }

  closeInput(): void {
    this.child.stdin?.end();
  }

  /**
   * The wait ends with an error that shows what the program said. It is as long as the program may take:
   * on a busy machine a shorter one would be about the machine.
   */
  async until(what: string, isTrue: () => boolean, deadline = this.deadline): Promise<void> {
    await until(what, isTrue, deadline, () => this.said());
  }

  said(): string {
    const how = this.result === null ? 'running' : `code ${String(this.result.code)}`;
    return `${this.argv.join(' ')} (${how})\n${this.stdout.slice(-2000)}\n${this.stderr.slice(-2000)}`;
  }

  /** Kills it and everything it started that still lives. */
  async clean(): Promise<void> {
    this.kill();
    await this.ended.catch(() => undefined);
    for (const { pid } of markedProcesses(this.mark)) killById(pid);
  }
}

/** Starts a program that ends with the test at the latest. */
export function start(t: TestContext, argv: readonly string[], options?: StartOptions): Running {
  const running = new Running(argv, options);
  t.after(() => running.clean());
  return running;
}

/** Runs a program to its end. */
export async function run(
  t: TestContext,
  argv: readonly string[],
  options?: StartOptions,
): Promise<Ended> {
  return start(t, argv, options).ended;
}

/** argv of a splicebench command. */
export function splicebench(...args: string[]): string[] {
  return [process.execPath, MAIN, ...args];
}

/** Runs a splicebench command to its end. */
export async function cli(
  t: TestContext,
  args: readonly string[],
  options?: StartOptions,
): Promise<Ended> {
  return run(t, splicebench(...args), options);
}

/** Waits until something is true; fails with what it was that never came. */
export async function until(
  what: string,
  isTrue: () => boolean,
  deadline = DEADLINE,
  context: () => string = () => '',
): Promise<void> {
  const end = performance.now() + deadline;
  while (!isTrue()) {
    if (performance.now() > end) {
      throw new Error(`waited ${deadline / 1e3} s in vain: ${what}\n${context()}`);
    }
    await sleep(POLL);
  }
}

export function killById(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

/** What keeps a program from ending, as far as /proc tells: its threads, descriptors and offspring. */
function held(pid: number, mark: string): string {
  const folder = `/proc/${pid}`;
  const threads = names(`${folder}/task`).map((tid) => {
    const at = `${folder}/task/${tid}`;
    return `thread ${tid} ${content(`${at}/comm`)} in ${content(`${at}/wchan`)} ${content(`${at}/syscall`)}`;
  });
  const descriptors = names(`${folder}/fd`).map((fd) => `fd ${fd} ${target(`${folder}/fd/${fd}`)}`);
  const offspring = markedProcesses(mark).map(
    (other) => `process ${other.pid} ${other.command.join(' ')}`,
  );
  return [...threads, ...descriptors, ...offspring].join('\n');
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function content(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '?';
  }
}

function target(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '?';
  }
}

function environment(
  changes: Record<string, string | undefined>,
  mark: string,
): Record<string, string | undefined> {
  const env: Record<string, string | undefined> = {
    ...process.env,
    [MARK]: mark,
    ...sanitizerEnvironment(),
    ...changes,
  };
  // The test runner's own settings are not for what the tests start.
  delete env['NODE_TEST_CONTEXT'];
  delete env['NODE_OPTIONS'];
  return env;
}

function rootOf(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : rootOf(dirname(folder));
}
