/**
 * A TCP proxy that forwards every byte and is careless beside it, to prove that this is noticed.
 * Usage: node careless-proxy.js MODE LISTEN_HOST LISTEN_PORT UPSTREAM_HOST UPSTREAM_PORT
 */
import { connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

/** The path of this program, for argv. */
export const CARELESS_PROXY = fileURLToPath(import.meta.url);

/** `leak`: never closes towards upstream. `spin`: does not wait for anything from the first session on. */
export type CarelessMode = 'honest' | 'leak' | 'spin';

if (process.argv[1] === CARELESS_PROXY) serve(process.argv.slice(2));

function serve(argv: string[]): void {
  const [mode, listenHost, listenPort, upstreamHost, upstreamPort] = argv;
  createServer({ allowHalfOpen: true }, (down) => {
    const up = connect({ host: upstreamHost, port: Number(upstreamPort), allowHalfOpen: true });
    for (const socket of [up, down]) socket.on('error', () => socket.destroy());
    up.pipe(down);
    if (mode === 'leak') down.resume();
    else down.pipe(up);
    if (mode === 'spin') spin();
  }).listen(Number(listenPort), listenHost);
}

function spin(): void {
  setImmediate(spin);
}
