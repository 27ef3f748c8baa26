/** Ports: free ones, and who listens, without connecting to anybody. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Running } from './process.js';

const LISTEN = '0A';
const ESTABLISHED = '01';

/** Below what the kernel gives to whoever asks for any port (Linux, ip-sysctl: 32768 and up). */
const [LOWEST, HIGHEST] = [10_000, 32_767];

/**
 * A port that was free a moment ago, and that nobody gets by asking for any: a test in another process,
 * whose listener took it meanwhile, would be taken for ours.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    const server = createServer().listen(port, '127.0.0.1');
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** Several free ports, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

/** True when something in this network namespace listens on a TCP port. */
function listens(port: number): boolean {
  return inState(port, LISTEN);
}

/** True when a connection to a port of this network namespace is established. */
export function connected(port: number): boolean {
  return inState(port, ESTABLISHED);
}

function inState(port: number, wanted: string): boolean {
  const local = port.toString(16).toUpperCase().padStart(4, '0');
  return ['tcp', 'tcp6'].some((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .some((line) => {
        const [, address, , state] = line.trim().split(/\s+/);
        return state === wanted && address?.split(':')[1] === local;
      }),
  );
}

/** Waits until a program listens. A connection would be its first client, and some serve only one. */
export async function untilListening(running: Running, port: number): Promise<void> {
  await running.until(`listening on port ${port}`, () => {
    if (running.over !== null) throw new Error(`ended before it listened: ${running.said()}`);
    return listens(port);
  });
}
