/** strace beside a forwarder: around a program from its start, or attached to a thread. */
import { wordsOf } from '../../base/errors/words.js';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { x } from 'tinyexec';
import { findProgram, searchPath } from '../../base/process/program.js';
import { cpuOfTree, idleFor } from '../../base/process/idle-for.js';
import { complaintIn } from './complaint.js';
import type { TracedPlaces } from './session-calls.js';
import { StraceCalls, TRACED } from './strace-lines.js';

/** strace that has done nothing for so long will not attach any more, milliseconds. */
const ATTACH_TIMEOUT = 5000;
/** The trace is complete when nothing more of it has come for so long, at most so long; milliseconds. */
const QUIET = 100;
const DRAIN = 3000;
/** The descriptor that a traced program's lines come through. */
export const TRACE_FD = 3;

/** Put before a program's argv; its lines go to descriptor TRACE_FD. */
export function stracePrefix(): string[] {
  const form = ['-f', '-ttt', '-yy', '-s', '0', '-e', `trace=${TRACED}`, '-e', 'signal=none'];
  // When strace is killed it lets go of the program, which then has to end by itself.
  const die = ['setpriv', '--pdeathsig', 'KILL', '--'];
  return ['strace', ...form, '-o', `|exec cat >&${TRACE_FD}`, '--', ...die];
}

/** Reads the lines of a program under strace, so that it never waits for a full pipe. */
export class StraceReader {
  private readonly calls: StraceCalls;
  private latest = performance.now();
  private lines = 0;

  constructor(lines: Readable, places: TracedPlaces) {
    this.calls = new StraceCalls(places);
    createInterface({ input: lines }).on('line', (line) => {
      this.latest = performance.now();
      this.lines++;
      this.calls.feed(line);
    });
    lines.on('error', () => undefined);
  }

  /** Lines so far, about one for each call. */
  get seen(): number {
    return this.lines;
  }

  freeze(): void {
    this.calls.freeze();
  }

  /** The last calls, oldest first, once the lines that are under way have come. */
  async recorded(): Promise<ReturnType<StraceCalls['calls']>> {
    const deadline = performance.now() + DRAIN;
    this.latest = performance.now();
    while (performance.now() < Math.min(deadline, this.latest + QUIET)) await sleep(QUIET / 4);
    return this.calls.calls();
  }
}

/** A line of a call, as against those that tell of signals and ends; of several threads it names one first. */
const CALL = /^(?:\d+ +)?\w+\(/;

/** strace attached to threads of this process or of a relative. */
export class AttachedStrace {
  private seen = 0;
  private ending = false;

  constructor(private readonly child: ChildProcess) {
    const lines = child.stdio[TRACE_FD];
    if (!(lines instanceof Readable)) return;
    createInterface({ input: lines }).on('line', (line) => {
      if (CALL.test(line)) this.seen++;
    });
    lines.on('error', () => undefined);
  }

  /** Calls that it has told of so far: what shows that it was there. */
  get calls(): number {
    return this.seen;
  }

  /** That it has ended before end(), from when on nothing is traced; null while it is there. */
  get trouble(): string | null {
    const { exitCode, signalCode } = this.child;
    if (this.ending || (exitCode === null && signalCode === null)) return null;
    return `strace ended early (${signalCode ?? `exit code ${exitCode ?? '?'}`})`;
  }

  /** Lets go of the threads, which run on. */
  async end(): Promise<void> {
    this.ending = true;
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}

/**
 * Attaches strace to threads, to see whether being traced changes what a forwarder does. Their calls
 * are counted and thrown away, since built-in forwarders record theirs. Ends with this process.
 * @throws Error with what strace said when it may not
 */
export async function attachStrace(tids: readonly number[]): Promise<AttachedStrace> {
  const threads = tids.flatMap((tid) => ['-p', String(tid)]);
  const trace = [...threads, '-s', '0', '-e', `trace=${TRACED}`, '-e', 'signal=none'];
  const output = ['-o', `|exec cat >&${TRACE_FD}`];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'strace', ...trace, ...output], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: searchPath() },
  });
  const attaching = new AttachedStrace(child);
  let said = '';
  const attached = new Promise<void>((resolve) => {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2000);
      if ((said.match(/\battached\b/g)?.length ?? 0) >= tids.length) resolve();
    });
  });
  const ended = Promise.race([once(child, 'exit'), once(child, 'error')]).catch(() => undefined);
  const timer = new AbortController();
  const outcome = await Promise.race([
    attached.then(() => 'attached'),
    ended.then(() => 'ended'),
    idleFor(ATTACH_TIMEOUT, cpuOfTree(child.pid), timer.signal).then(() => 'late'),
  ]);
  timer.abort();
  if (outcome === 'attached') return attaching;
  child.kill('SIGKILL');
  throw new Error(`strace could not be attached (${outcome})${complaintIn(said)}`);
}

/**
 * Why strace cannot be used on this host, or null when it can.
 * @param attach to a running thread, as for built-in forwarders; else around a program of ours
 */
export async function straceUnavailable(attach: boolean): Promise<string | null> {
  if (findProgram('strace') === null) return 'strace not found (apt-get install strace)';
  return attach ? cannotAttach() : cannotStart();
}

async function cannotStart(): Promise<string | null> {
  const { exitCode, stderr } = await x('strace', ['-o', '/dev/null', 'true'], {
    timeout: ATTACH_TIMEOUT,
    nodeOptions: { env: { ...process.env, PATH: searchPath() } },
  });
  return exitCode === 0 ? null : `strace may not trace here${complaintIn(stderr)}`;
}

/** Tried on a sleeping process, which is a relative of strace as far as the forwarder's role is. */
async function cannotAttach(): Promise<string | null> {
  const sleeper = spawn('sleep', ['30'], { stdio: 'ignore' });
  try {
    const tracer = await attachStrace([sleeper.pid ?? 0]);
    await tracer.end();
    return null;
  } catch (error) {
    const why = wordsOf(error);
    return `${why}; run as root, or allow it: sysctl kernel.yama.ptrace_scope=0`;
  } finally {
    sleeper.kill('SIGKILL');
  }
}
