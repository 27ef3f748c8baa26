/**
 * One boot, from QEMU's start to its end. However it goes, QEMU has ended when it is over, and a boot
 * that did not come to its end says which step failed, with the console's last lines.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { CouldNotRunError } from '../../base/errors/errors.js';
import { Console, type Said } from './console.js';

/**
 * Seconds. What counts is progress, since an emulated CPU on a busy host may take ten times as long as a good
 * one; the others are bounds for what goes on without getting anywhere.
 */
export interface Patience {
  /** Without a word on the console, and without anything new among the results. */
  silence: number;
  /** From QEMU's start to the guest's shell. */
  shell: number;
  /** Afterwards, from one step to the next, with nothing but words that the guest is there. */
  step: number;
  /** From QEMU's start to its end. */
  whole: number;
}

/** A kernel that boots says something every second, and the guest every 15 seconds. */
export const PATIENCE: Patience = { silence: 180, shell: 900, step: 1800, whole: 3 * 3600 };

export interface BootOptions {
  argv: readonly string[];
  patience: Patience;
  signal: AbortSignal;
  /** Where everything on the console is kept; null = nowhere. */
  log: string | null;
  onSaid?: (said: Said) => void;
  /** Grows with the results, in bytes; absent = only the console tells. */
  results?: () => number;
}

/** The guest did not come to its end. */
export class BootFailed extends CouldNotRunError {
  constructor(
    /** As the console has it: boot, modules, shares, inside, or qemu itself. */
    readonly step: string,
    reason: string,
    lines: readonly string[],
  ) {
    const shown = lines.length === 0 ? 'the console was silent' : lastWords(lines);
    super(`lab: ${reason}\n${shown}`);
  }
}

function lastWords(lines: readonly string[]): string {
  return ['the console said last:', ...lines.map((line) => `  | ${line}`)].join('\n');
}

/** Time for QEMU to end after the guest has powered off, and after SIGTERM, milliseconds. */
const END_TIMEOUT = 5000;

/** How what ran inside ended. */
export interface BootEnd {
  code: number;
  /** The console's last lines. */
  lines: string[];
}

/**
 * Boots and waits for the end.
 * @throws BootFailed; the signal's reason when aborted
 */
export async function boot(options: BootOptions): Promise<BootEnd> {
  options.signal.throwIfAborted();
  return new RunningGuest(options).over;
}

/** A QEMU that was started, and how it comes out. */
class RunningGuest {
  /** Settles when QEMU has ended. */
  readonly over: Promise<BootEnd>;
  private readonly child: ChildProcess;
  private readonly console = new Console((said) => {
    this.take(said);
  });
  private readonly log: WriteStream | null;
  private readonly outcome: PromiseWithResolve;
  private complaint = '';
  private step = 'boot';
  private settled = false;
  private timer: NodeJS.Timeout | undefined;
  /** Bounds of the boot and of the whole. */
  private readonly bounds: NodeJS.Timeout[];
  private stepTimer: NodeJS.Timeout | undefined;
  private resultBytes = 0;

  constructor(private readonly options: BootOptions) {
    const { argv, log, signal, patience } = options;
    const [program = '', ...args] = argv;
    // A group of its own: Ctrl-C at the terminal is for us to handle.
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.child = child;
    this.log = log === null ? null : createWriteStream(log);
    this.log?.on('error', () => undefined);
    this.outcome = withResolve();
    this.over = this.outcome.promise;
    signal.addEventListener('abort', this.abort, { once: true });
    const { shell, whole } = patience;
    this.bounds = [
      this.bound(shell, () =>
        this.step === 'boot' ? `the kernel did not reach its shell within ${shell} s` : null,
      ),
      this.bound(whole, () => `the guest was not done within ${whole} s`),
    ];
    this.expectMore();
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.log?.write(text);
      this.console.take(text);
      this.expectMore();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.complaint = (this.complaint + text).slice(-4000);
    });
    child.once('error', (error) => {
      this.fail('qemu', `QEMU could not be started: ${error.message}`);
    });
    child.once('close', (status, killed) => {
      this.closed(status, killed);
    });
  }

  private take(said: Said): void {
    this.options.onSaid?.(said);
    if (said.step === 'failed' && 'reason' in said) this.fail(said.at, said.reason);
    else if (said.step === 'done' && 'code' in said) {
      this.settle(() => {
        this.outcome.resolve({ code: said.code, lines: this.console.lastLines() });
      });
    } else this.began(said.step);
  }

  private began(step: string): void {
    this.step = step;
    if (this.settled) return;
    clearTimeout(this.stepTimer);
    const { step: most } = this.options.patience;
    this.stepTimer = this.bound(most, () => `nothing new for ${most} s after the step '${step}'`);
  }

  private closed(status: number | null, killed: string | null): void {
    const panic = this.console.panic();
    const after = `after the step '${this.step}'`;
    if (panic !== null) {
      this.fail(this.step, `the kernel panicked after its step '${this.step}': ${panic}`);
    } else if (killed !== null) this.fail('qemu', `QEMU was killed (${killed}) ${after}`);
    else this.fail('qemu', `QEMU ended (exit code ${status ?? 'unknown'}) ${after}`);
  }

  private readonly abort = (): void => {
    this.settle(() => {
      this.outcome.reject(this.options.signal.reason as Error);
    });
  };

  private fail(at: string, reason: string): void {
    this.settle(() => {
      const lines = [...this.console.lastLines(), ...saidBy(this.complaint)];
      this.outcome.reject(new BootFailed(at, reason, lines));
    });
  }

  /** The first one counts. */
  private settle(outcome: () => void): void {
    if (this.settled) return;
    this.settled = true;
    for (const timer of [this.timer, this.stepTimer, ...this.bounds]) clearTimeout(timer);
    this.options.signal.removeEventListener('abort', this.abort);
    void endOf(this.child)
      .then(() => this.log?.end())
      .then(outcome);
  }

  /** Fails after so many seconds, unless there is no reason to. */
  private bound(seconds: number, reason: () => string | null): NodeJS.Timeout {
    return setTimeout(() => {
      const why = reason();
      if (why !== null) this.fail(this.step, why);
    }, seconds * 1e3);
  }

  /** Fails after a silence, unless it is called again before. */
  private expectMore(): void {
    if (this.settled) return;
    clearTimeout(this.timer);
    const { silence } = this.options.patience;
    this.timer = this.bound(silence, () => {
      const bytes = this.options.results?.() ?? 0;
      if (bytes === this.resultBytes) {
        return `no word from the guest for ${silence} s after its step '${this.step}'`;
      }
      this.resultBytes = bytes;
      this.expectMore();
      return null;
    });
  }
}

interface PromiseWithResolve {
  promise: Promise<BootEnd>;
  resolve: (end: BootEnd) => void;
  reject: (error: Error) => void;
}

function withResolve(): PromiseWithResolve {
  let resolve: (end: BootEnd) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<BootEnd>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

function saidBy(complaint: string): string[] {
  return complaint
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => `QEMU: ${line}`)
    .slice(-5);
}

/** Returns when QEMU has ended; one that has not by then is killed. */
async function endOf(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), END_TIMEOUT);
  await ended;
  clearTimeout(timer);
}
