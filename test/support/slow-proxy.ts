/**
 * A TCP proxy that is slow or careless at times, to prove that it is noticed.
 * Usage: node slow-proxy.js stall|cut LISTEN_HOST LISTEN_PORT UPSTREAM_HOST UPSTREAM_PORT
 *
 * `stall` stands still for 100 ms every half second, all connections at once. `cut` ends every 20th
 * connection in order after 3,000 bytes, as if that were all.
 */
import { connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

/** The path of this program, for argv. */
export const SLOW_PROXY = fileURLToPath(import.meta.url);

const EVERY_MS = 500;
const STALL_MS = 100;
const CUT_EVERY = 20;
const CUT_AFTER = 3000;

if (process.argv[1] === SLOW_PROXY) serve(process.argv.slice(2));

function serve([mode, listenHost, listenPort, upstreamHost, upstreamPort]: string[]): void {
  let number = 0;
  createServer({ allowHalfOpen: true, noDelay: true }, (down) => {
    const cuts = mode === 'cut' && ++number % CUT_EVERY === 0;
    const up = connect({ host: upstreamHost, port: Number(upstreamPort), allowHalfOpen: true });
    up.setNoDelay(true);
    for (const socket of [up, down]) {
      socket.on('error', () => {
        up.destroy();
        down.destroy();
      });
    }
    down.pipe(up);
    if (!cuts) {
      up.pipe(down);
      return;
    }
    let passed = 0;
    up.on('data', (chunk: Buffer) => {
      const part = chunk.subarray(0, Math.max(0, CUT_AFTER - passed));
      passed += part.length;
      if (part.length > 0) down.write(part);
    });
    up.once('end', () => down.end());
  }).listen(Number(listenPort), listenHost);
  if (mode !== 'stall') return;
  const never = new Int32Array(new SharedArrayBuffer(4));
  setInterval(() => {
    Atomics.wait(never, 0, 0, STALL_MS);
  }, EVERY_MS);
}
