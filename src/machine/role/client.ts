import { wordsOf } from '../../base/errors/words.js';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import {
  createMessageConnection,
  type MessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import { cpuOfTree, idleFor } from '../../base/process/idle-for.js';
import { packageRoot } from '../../base/process/package-root.js';
import { commandOn, type Host } from '../host/host.js';
import type { RoleName, Roles } from './protocol.js';

/** A role that could not do what it was asked, or is gone. */
export class RoleError extends Error {
  override readonly name = 'RoleError';
}

/** Answers come within this many seconds unless a request says otherwise. */
const ANSWER_TIMEOUT = 10;
/** Time for a role to end by itself once its input is closed, milliseconds. */
const END_TIMEOUT = 5000;
/** The end of what a role wrote to stderr, kept for messages, characters. */
const STDERR_KEPT = 2000;

const MAIN = join(packageRoot(), 'dist', 'src', 'cli', 'main.js');

/** argv of the splicebench that runs now. */
export const THIS_SPLICEBENCH: readonly string[] = [process.execPath, MAIN];

/** A lease is renewed so many times before it would be over. */
const RENEWALS = 6;

/**
 * A role's process, seen from the orchestrator. Every request fails with RoleError when the process
 * is gone or does not answer in time.
 */
export class RoleClient<N extends RoleName> {
  private readonly connection: MessageConnection;
  private readonly exited: Promise<string>;
  private gone: string | null = null;
  private stderr = '';

  private constructor(
    readonly name: N,
    private readonly host: Host,
    private readonly child: ChildProcess,
  ) {
    const { stdin, stdout, stderr } = child;
    if (!stdin || !stdout || !stderr) throw new RoleError(`${name} role: no pipes to its process`);
    const reader = new StreamMessageReader(stdout);
    // It would tell of a message that is not whole after some time, again and again: of a role that was killed in
    // the middle of one for ever, and this process would not end.
    reader.partialMessageTimeout = 0;
    this.connection = createMessageConnection(reader, new StreamMessageWriter(stdin));
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-STDERR_KEPT);
    });
    // Writing to a role that has just died fails here and in the request that wrote.
    stdin.on('error', () => undefined);
    this.connection.onError(() => undefined);
    this.exited = new Promise((resolve) => {
      const leave = (how: string) => {
        const said = this.stderr.trim().split('\n').at(-1) ?? '';
        this.gone = said === '' ? how : `${how}: ${said}`;
        resolve(this.gone);
      };
      child.once('error', (error) => {
        leave(error.message);
      });
      child.once('close', (code, signal) => {
        leave(signal ?? `exit code ${code ?? 'unknown'}`);
      });
    });
    this.connection.listen();
    if (host.lease !== undefined) this.renewLease(host.lease);
  }

  /** Lets the role know now and then that somebody is there, over a link that may break unnoticed. */
  private renewLease(seconds: number): void {
    const renew = () => {
      try {
        this.connection.sendNotification('alive').catch(() => undefined);
      } catch {
        // The connection is closed: whoever asks next hears of it.
        clearInterval(timer);
      }
    };
    const timer = setInterval(renew, (seconds * 1e3) / RENEWALS);
    timer.unref();
    void this.exited.then(() => {
      clearInterval(timer);
    });
  }

  /** Starts a role on a host. Failure to start shows in the first request. */
  static start<N extends RoleName>(host: Host, name: N): RoleClient<N> {
    const splicebench = host.splicebench ?? THIS_SPLICEBENCH;
    const lease = host.lease === undefined ? [] : ['--lease', String(host.lease)];
    const argv = commandOn(host, [...splicebench, 'role', name, ...lease]);
    const [program = '', ...args] = argv;
    // A group of its own, so that Ctrl-C at the terminal comes to the orchestrator alone.
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    return new RoleClient(name, host, child);
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** How the process ended, or null while it lives. */
  get ended(): string | null {
    return this.gone;
  }

  /**
   * Asks and waits for the answer.
   * @param timeout seconds in which the role does nothing; while it works it is waited for, up to ten
   *   times as long
   * @throws RoleError with what the role said, how its process ended, or that it did not answer
   */
  async ask<M extends keyof Roles[N] & string>(
    method: M,
    parameters: Parameters<Extract<Roles[N][M], (...p: never[]) => unknown>>[0] | null = null,
    timeout = ANSWER_TIMEOUT,
  ): Promise<ReturnType<Extract<Roles[N][M], (...p: never[]) => unknown>>> {
    const waiting = new AbortController();
    const late = idleFor(timeout * 1e3, cpuOfTree(this.child.pid), waiting.signal).then(() => {
      throw new RoleError(`${this.where}: no answer to '${method}' within ${timeout} s`);
    });
    const dead = this.exited.then((how) => {
      throw new RoleError(`${this.where} ended (${how})`);
    });
    // A connection that is already closed throws before anybody waits for the race.
    dead.catch(() => undefined);
    try {
      return await Promise.race([
        this.connection.sendRequest<ReturnType<Extract<Roles[N][M], (...p: never[]) => unknown>>>(
          method,
          parameters,
        ),
        late,
        dead,
      ]);
    } catch (error) {
      if (error instanceof RoleError) throw error;
      // The pipe often breaks before the exit is known: prefer saying how the process ended.
      const how = this.gone ?? (this.child.stdin?.destroyed ? await this.exited : null);
      if (how !== null) throw new RoleError(`${this.where} ended (${how})`);
      throw new RoleError(`${this.where}: ${wordsOf(error)}`);
    } finally {
      waiting.abort();
    }
  }

  /**
   * Ends the role: closes its input, and kills it when it does not end. Never throws.
   * @param patience milliseconds
   */
  async close(patience = END_TIMEOUT): Promise<void> {
    if (this.gone === null) {
      this.connection.end();
      this.child.stdin?.end();
      const timer = setTimeout(() => {
        this.abandon();
      }, patience);
      await this.exited;
      clearTimeout(timer);
    }
    this.connection.dispose();
  }

  /**
   * Kills the process, and waits for nobody who has its pipes: ssh with a shared connection hands
   * them to the process that holds it, and a launcher may leave a child with them, which keep them
   * open as long as a host that hangs does not answer.
   */
  private abandon(): void {
    const { stdin, stdout, stderr } = this.child;
    this.child.kill('SIGKILL');
    for (const pipe of [stdin, stdout, stderr]) pipe?.destroy();
  }

  private get where(): string {
    return this.host.name === 'local' || this.host.name === 'loopback'
      ? `${this.name} role`
      : `${this.name} role on ${this.host.name}`;
  }
}
