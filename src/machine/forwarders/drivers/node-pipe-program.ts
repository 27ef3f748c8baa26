/**
 * A TCP proxy as a Node user writes it.
 * Usage: node node-pipe-program.js LISTEN_HOST LISTEN_PORT UPSTREAM_HOST UPSTREAM_PORT [HIGH_WATER_MARK]
 */
import { createServer, Socket } from 'node:net';

const [listenHost, listenPort, upstreamHost = '', upstreamPort, buffer] = process.argv.slice(2);
const sizes = buffer === undefined ? {} : { highWaterMark: Number(buffer) };

const server = createServer({ allowHalfOpen: true, noDelay: true, ...sizes }, (downstream) => {
  const upstream = new Socket({ allowHalfOpen: true, ...sizes });
  upstream.setNoDelay(true).connect(Number(upstreamPort), upstreamHost);
  // A pipe passes on the end of a stream, not its breaking off.
  for (const [one, other] of [
    [downstream, upstream],
    [upstream, downstream],
  ] as const) {
    one.once('error', () => {
      one.destroy();
      other.resetAndDestroy();
    });
    one.pipe(other);
  }
});

server.listen({ host: listenHost, port: Number(listenPort), backlog: 4096 });
