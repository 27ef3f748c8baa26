/**
 * The 2008 report's steps by hand, with the programs it used: nc, the forwarder, nc | od. Its server
 * never ends, and neither do ours: the client takes a bounded volume and goes away, which also works
 * with every kind of nc.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { scratch } from '../support/folder.js';
import { freePorts, untilListening } from '../support/ports.js';
import { run, type Running, splicebench, start } from '../support/process.js';
import { requireMechanism, requireTools } from '../support/require-tool.js';

const AMOUNT = 64 * 2 ** 20;

/** What `od -Ax -tx1` prints for so many zeros: one line, "*" for its repetition, the length. */
function odOfZeros(bytes: number): string {
  const line = `000000${' 00'.repeat(16)}`;
  return `${line}\n*\n${bytes.toString(16).padStart(6, '0')}\n`;
}

function shell(script: string, ...args: (string | number)[]): string[] {
  return ['sh', '-c', script, 'sh', ...args.map(String)];
}

/**
 * The report's client: prints so many bytes as od does. Its input stays open as long, as at a
 * terminal: one nc ends with its input, another one only when that has ended.
 */
async function ncOd(t: TestContext, entry: number, bytes: number): Promise<string> {
  const script = 'nc 127.0.0.1 "$1" | head -c "$2" | od -Ax -tx1';
  const client = start(t, shell(script, entry, bytes), { holdInput: true });
  const last = `\n${bytes.toString(16).padStart(6, '0')}\n`;
  await client.until('the length in the last line of od', () => client.stdout.endsWith(last));
  client.closeInput();
  return (await client.ended).stdout;
}

async function forward(t: TestContext, mechanism: string, entry: number, server: number) {
  const forwarder = start(
    t,
    splicebench(
      ...['forward', '--mechanism', mechanism, '--once', '--json'],
      ...['--listen', `127.0.0.1:${entry}`, '--upstream', `127.0.0.1:${server}`],
    ),
  );
  await untilListening(forwarder, entry);
  return forwarder;
}

/** The forwarder ends by itself once its client has gone. */
async function assertForwarded(forwarder: Running, least: number): Promise<void> {
  const { code, stdout, stderr } = await forwarder.ended;
  assert.equal(stderr, '');
  assert.equal(code, 0);
  const counters = JSON.parse(stdout) as { bytes_upstream_to_downstream: number };
  assert.ok(counters.bytes_upstream_to_downstream >= least, stdout);
}

describe("the 2008 report's steps", () => {
  const { skip } = requireTools('nc', 'od', 'head');

  for (const mechanism of [
    'poc',
    'splice',
    'copy',
    'uring-copy',
    'uring-zerocopy',
    'uring-splice',
  ]) {
    const { skip: lacking } = requireMechanism(mechanism);
    const options = { skip: skip || lacking };
    it(`nc </dev/zero, forward --mechanism ${mechanism}, nc | od: zeros`, options, async (t) => {
      const [server = 0, entry = 0] = await freePorts(2);
      const nc = start(t, shell('nc -l "$1" </dev/zero', server));
      await untilListening(nc, server);
      const forwarder = await forward(t, mechanism, entry, server);
      assert.equal(await ncOd(t, entry, AMOUNT), odOfZeros(AMOUNT));
      await assertForwarded(forwarder, AMOUNT);
    });
  }

  it('a byte that is not zero shows in od', { skip }, async (t) => {
    const file = join(scratch(t), 'bytes');
    const bytes = Buffer.alloc(1 << 20);
    bytes[0x3754] = 0xa8;
    writeFileSync(file, bytes);
    const [server = 0, entry = 0] = await freePorts(2);
    const nc = start(t, shell('cat "$2" /dev/zero | nc -l "$1"', server, file));
    await untilListening(nc, server);
    const forwarder = await forward(t, 'splice', entry, server);
    assert.match(await ncOd(t, entry, bytes.length), /^003750 00 00 00 00 a8 00/m);
    await assertForwarded(forwarder, bytes.length);
  });

  it('source --zero and sink --output - stand in for nc', { skip }, async (t) => {
    const [server = 0, entry = 0] = await freePorts(2);
    const source = start(
      t,
      splicebench('source', '--zero', '--bytes', '64MiB', '--listen', `127.0.0.1:${server}`),
    );
    await untilListening(source, server);
    const forwarder = await forward(t, 'poc', entry, server);
    const sink = splicebench('sink', '--connect', `127.0.0.1:${entry}`, '--output', '-');
    const od = await run(t, ['sh', '-c', '"$@" | od -Ax -tx1', 'sh', ...sink]);
    assert.equal(od.stderr, '');
    assert.equal(od.stdout, odOfZeros(AMOUNT));
    assert.equal((await source.ended).code, 0);
    await assertForwarded(forwarder, AMOUNT);
  });

  it('sink --output - ends when nobody reads on', { skip }, async (t) => {
    const [server = 0] = await freePorts(1);
    const source = start(t, splicebench('source', '--zero', '--listen', `127.0.0.1:${server}`));
    await untilListening(source, server);
    const sink = splicebench('sink', '--connect', `127.0.0.1:${server}`, '--output', '-');
    const head = await run(t, ['sh', '-c', '"$@" | head -c 1000 | wc -c', 'sh', ...sink]);
    assert.equal(head.stdout.trim(), '1000');
    // The source sends until the other end closes, and that it did not do in order.
    assert.equal((await source.ended).code, 1);
  });
});
