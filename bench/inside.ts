/** Runs a program of bench/ inside a private namespace, under the conditions that trials have. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { RoleError } from '../src/machine/role/client.js';
import type { Host } from '../src/machine/host/host.js';
import type { LoopbackTopology } from '../src/data/record/plan.js';

/** What every measurement of bench/ runs under: no pacing, no memory of earlier connections. */
export const LOOPBACK: LoopbackTopology = { kind: 'loopback', congestion: 'cubic', sysctls: {} };

/** Tells the program that it is the inner one. */
export const INSIDE = '--inside';

/**
 * Starts `program --inside args` on a host and gives its lines of JSON to `take`.
 * @param program path of a compiled module
 * @throws RoleError when it fails, with the last thing it said; the signal's reason when aborted
 */
export async function runInside(
  host: Host,
  program: string,
  args: readonly string[],
  take: (line: unknown) => void,
  signal?: AbortSignal,
): Promise<void> {
  const [command = '', ...rest] = [...host.prefix, process.execPath, program, INSIDE, ...args];
  // It ends when its input does, so that it never outlives us.
  const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const ended = new Promise<number | string>((resolve) => {
    child.once('error', (error) => {
      resolve(error.message);
    });
    child.once('close', (code, killedBy) => {
      resolve(code ?? killedBy ?? 'unknown end');
    });
  });
  const abort = () => child.stdin.end();
  signal?.addEventListener('abort', abort, { once: true });
  let said = '';
  child.stdin.on('error', () => undefined);
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000);
  });
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      take(JSON.parse(line) as unknown);
    }
    const code = await ended;
    signal?.throwIfAborted();
    if (code !== 0) {
      const last = said.trim().split('\n').at(-1) ?? '';
      throw new RoleError(`${program.split('/').at(-1) ?? program}: ended (${code}): ${last}`);
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    child.stdin.end();
  }
}

/** In the inner program: ends it when the outer one is gone. */
export function endWithInput(): void {
  process.stdin.resume().once('end', () => process.exit(1));
  // The terminal's Ctrl-C is the outer program's to handle.
  process.on('SIGINT', () => undefined);
}

/** In the inner program: one line of JSON. */
export function tell(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
