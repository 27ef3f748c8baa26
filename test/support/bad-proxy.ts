/**
 * A TCP proxy that does one thing wrong, to prove that it is noticed.
 * Usage: node bad-proxy.js MODE LISTEN_HOST LISTEN_PORT UPSTREAM_HOST UPSTREAM_PORT
 */
import { connect, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { BAD_AT, BAD_LENGTH, type BadMode, EXTRA_LENGTH } from './bad-proxy-modes.js';

/** The path of this program, for argv. */
export const BAD_PROXY = fileURLToPath(import.meta.url);

if (process.argv[1] === BAD_PROXY) serve(process.argv.slice(2));

function serve(argv: string[]): void {
  const [mode, listenHost, listenPort, upstreamHost, upstreamPort] = argv;
  createServer({ allowHalfOpen: true }, (down) => {
    const up = connect({ host: upstreamHost, port: Number(upstreamPort), allowHalfOpen: true });
    forward(mode as BadMode, up, down);
  }).listen(Number(listenPort), listenHost);
}

function forward(mode: BadMode, up: Socket, down: Socket): void {
  up.setNoDelay(true);
  down.setNoDelay(true);
  for (const socket of [up, down]) socket.on('error', () => socket.destroy());
  down.pipe(up);
  up.once('close', () => down.destroy());
  const spoiler = new Spoiler(mode, up, down);
  up.on('data', (chunk: Buffer) => {
    spoiler.take(chunk);
  });
  up.once('end', () => {
    spoiler.end();
  });
}

/** Passes a stream on from up to down, except around BAD_AT. */
class Spoiler {
  private offset = 0;
  /** Bytes held back from BAD_AT on, until there are enough for the deed. */
  private held: Buffer[] = [];
  private done = false;

  constructor(
    private readonly mode: BadMode,
    private readonly up: Socket,
    private readonly down: Socket,
  ) {
    this.done = mode === 'honest' || mode === 'extra';
  }

  take(chunk: Buffer): void {
    const start = this.offset;
    this.offset += chunk.length;
    if (this.done || this.offset <= BAD_AT) {
      this.write(chunk);
      return;
    }
    if (start < BAD_AT) this.write(chunk.subarray(0, BAD_AT - start));
    this.held.push(start < BAD_AT ? chunk.subarray(BAD_AT - start) : chunk);
    const held = Buffer.concat(this.held);
    if (held.length < 2 * BAD_LENGTH) return;
    this.done = true;
    this.spoil(held);
  }

  end(): void {
    if (this.mode === 'extra') this.down.write(Buffer.alloc(EXTRA_LENGTH, 0xee));
    this.down.end();
  }

  private spoil(held: Buffer): void {
    const first = held.subarray(0, BAD_LENGTH);
    const second = held.subarray(BAD_LENGTH, 2 * BAD_LENGTH);
    const rest = held.subarray(2 * BAD_LENGTH);
    switch (this.mode) {
      case 'flip':
        held.writeUInt8(held.readUInt8(0) ^ 0x10, 0);
        this.write(held);
        break;
      case 'zeros':
        first.fill(0);
        this.write(held);
        break;
      case 'drop':
        this.write(Buffer.concat([second, rest]));
        break;
      case 'duplicate':
        this.write(Buffer.concat([first, first, second, rest]));
        break;
      case 'swap':
        this.write(Buffer.concat([second, first, rest]));
        break;
      case 'truncate':
        this.down.end();
        this.up.resume();
        this.up.removeAllListeners('data').on('data', () => undefined);
        break;
      case 'reset':
        this.down.resetAndDestroy();
        this.up.destroy();
        break;
      case 'stall':
        this.up.pause();
        this.up.removeAllListeners('data');
        break;
      case 'honest':
      case 'extra':
        this.write(held);
        break;
    }
  }

  private write(data: Buffer): void {
    if (this.down.write(data)) return;
    this.up.pause();
    this.down.once('drain', () => this.up.resume());
  }
}
