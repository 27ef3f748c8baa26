/** `forward --threads`: several threads at one port, each with descriptors of its own. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Socket, connect } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { jsonLines, scratch } from '../support/folder.js';
import { freePort, untilListening } from '../support/ports.js';
import { cli, splicebench, start, until } from '../support/process.js';

/** Descriptors that one table may hold: too few for both sockets of every connection. */
const LIMIT = 400;
const CONNECTIONS = 320;

/** A server that sends back what it gets. */
async function echo(t: TestContext): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.pipe(socket).on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}

async function forwardTo(t: TestContext, upstream: number, threads: number, ...more: string[]) {
  const port = await freePort();
  const forward = start(t, [
    ...['sh', '-c', `ulimit -n ${LIMIT}; exec "$@"`, 'sh'],
    ...splicebench('forward', '--mechanism', 'splice', '--json', '--threads', String(threads)),
    ...['--listen', `127.0.0.1:${port}`, '--upstream', `127.0.0.1:${upstream}`, ...more],
  ]);
  await untilListening(forward, port);
  return { forward, port };
}

/** Opens all connections, sends a line of its own on each, and tells which came back. */
function ask(t: TestContext, port: number, connections = CONNECTIONS): Map<number, string> {
  const answers = new Map<number, string>();
  for (let number = 0; number < connections; number++) {
    const socket = connect(port, '127.0.0.1', () => socket.write(`line ${number}\n`));
    t.after(() => socket.destroy());
    socket.setEncoding('utf8').on('error', () => undefined);
    socket.on('data', (text: string) => answers.set(number, (answers.get(number) ?? '') + text));
  }
  return answers;
}

describe('forward --threads', () => {
  it('holds more connections than one table of descriptors has room for', async (t) => {
    const { forward, port } = await forwardTo(t, await echo(t), 4);
    const answers = ask(t, port);
    await until('every connection has its answer', () => answers.size === CONNECTIONS);
    for (const [number, text] of answers) assert.equal(text, `line ${number}\n`);
    forward.kill('SIGINT');
    const { code, stdout } = await forward.ended;
    assert.equal(code, 130);
    const counters = JSON.parse(stdout) as Record<string, unknown> & {
      syscalls: Record<string, { calls: number }>;
    };
    assert.equal(counters['connections'], CONNECTIONS);
    const lines = [...answers.values()].join('').length;
    assert.equal(counters['bytes_upstream_to_downstream'], lines);
    assert.equal(counters['bytes_downstream_to_upstream'], lines);
    assert.ok((counters.syscalls['connect']?.calls ?? 0) >= CONNECTIONS);
  });

  it('which one thread has not: the others wait until it has room', async (t) => {
    const { port } = await forwardTo(t, await echo(t), 1);
    const answers = ask(t, port);
    await until('the first connections have their answers', () => answers.size >= LIMIT / 4);
    await sleep(500);
    assert.ok(answers.size < LIMIT / 2, `${answers.size} connections were served`);
  });

  it('does not share the port with another forwarder', async (t) => {
    const { port } = await forwardTo(t, await echo(t), 2);
    for (const threads of ['1', '2']) {
      const second = await cli(t, [
        ...['forward', '--mechanism', 'splice', '--threads', threads],
        ...['--listen', `127.0.0.1:${port}`, '--upstream', '127.0.0.1:9'],
      ]);
      assert.equal(second.code, 1);
      assert.match(second.stderr, new RegExp(`listen 127.0.0.1:${port}: Address already in use`));
    }
  });

  for (const [mechanism, option, said] of [
    ['splice', '--once', /--once works with one thread only: leave out --threads/],
    ['uring-splice', '--json', /--threads: unknown key 'threads'/],
  ] as const) {
    it(`is refused with ${mechanism} ${option}`, async (t) => {
      const { code, stderr } = await cli(t, [
        ...['forward', '--mechanism', mechanism, '--threads', '2', option],
        ...['--listen', '127.0.0.1:0', '--upstream', '127.0.0.1:9'],
      ]);
      assert.equal(code, 2);
      assert.match(stderr, said);
    });
  }

  it('--trace has the calls of all threads, by their times', async (t) => {
    const trace = join(scratch(t), 'trace.jsonl');
    const { forward, port } = await forwardTo(t, await echo(t), 2, '--trace', trace);
    const answers = ask(t, port, 40);
    await until('every connection has its answer', () => answers.size === 40);
    forward.kill('SIGINT');
    await forward.ended;
    const calls = jsonLines(readFileSync(trace, 'utf8'));
    const times = calls.map(({ t: at }) => Number(at));
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
    );
    // A download and an upload of each connection; no thread alone has all.
    assert.equal(new Set(calls.map(({ flow }) => flow)).size, 80);
  });
});
