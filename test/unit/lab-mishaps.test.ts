/** Cables and drivers: what may be asked for, what QEMU is told, what is made of the answer. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { portBytes } from '../../src/tasks/lab/guest-mishap.js';
import { type MishapRecord, mishapsFor, mishapText } from '../../src/tasks/lab/mishaps.js';
import { setLink } from '../../src/tasks/lab/monitor.js';
import { scenarioOf } from './scenario-fixtures.js';

let folder: string;
let server: Server | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'splicebench-lab-test-'));
});
afterEach(() => {
  server?.close();
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

/** A monitor that greets and answers each line with what the test says. @returns what it was told */
async function monitor(answers: readonly string[]): Promise<{ socket: string; told: string[] }> {
  const socket = join(folder, 'monitor');
  const told: string[] = [];
  server = createServer((stream) => {
    const left = [...answers];
    stream.on('error', () => undefined);
    stream.write('{"QMP": {}}\n');
    stream.on('data', (data) => {
      told.push(...data.toString().split('\n').filter(Boolean));
      const answer = left.shift();
      if (answer === undefined) return;
      if (answer === 'close') stream.destroy();
      else stream.write(`{"event": "RESUME"}\n${answer}\n`);
    });
  }).listen(socket);
  await once(server, 'listening');
  return { socket, told };
}

describe("a cable of the lab's guest", () => {
  it('is pulled by name, after the handshake', async () => {
    const { socket, told } = await monitor(['{"return": {}}', '{"return": {}}']);
    await setLink(socket, 'port1', false);
    assert.deepEqual(
      told.map((line) => JSON.parse(line) as unknown),
      [
        { execute: 'qmp_capabilities' },
        { execute: 'set_link', arguments: { name: 'port1', up: false } },
      ],
    );
  });

  it('that cannot be moved is said, whatever QEMU does', async () => {
    const refusing = await monitor(['{"return": {}}', '{"error": {"desc": "no such device"}}']);
    await assert.rejects(setLink(refusing.socket, 'port9', true), /cable of port9.*no such device/);
    server?.close();
    const closing = await monitor(['close']);
    await assert.rejects(setLink(closing.socket, 'p', true), /monitor was closed/);
    server?.close();
    const silent = await monitor([]);
    await assert.rejects(setLink(silent.socket, 'p', true, 50), /did not answer within 0.05 s/);
    await assert.rejects(setLink(join(folder, 'none'), 'p', true), /ENOENT/);
  });
});

const ports = (name: string) =>
  scenarioOf(`name: ${name}
topology: { kind: nic, ports: { forwarder: a, ends: b } }
forwarders: [copy]
`);

describe('mishaps of cards', () => {
  it('happen to the last port of a scenario that has ports', () => {
    const asked = mishapsFor([ports('one'), ports('two')], { pull: 'one', unbind: 'two' });
    assert.deepEqual(asked, [
      { kind: 'pull', scenario: 'one', card: 'b' },
      { kind: 'unbind', scenario: 'two', card: 'b' },
    ]);
    assert.deepEqual(mishapsFor([ports('one')], { pull: null, unbind: null }), []);
  });

  it('are refused where they cannot happen', () => {
    const wrong = (name: string | null, unbind: string | null) => () =>
      mishapsFor([ports('one'), scenarioOf('name: two\nforwarders: [copy]\n')], {
        pull: name,
        unbind,
      });
    assert.throws(wrong('three', null), /--pull-cable: no scenario 'three'/);
    assert.throws(wrong('two', null), /'two' has no ports/);
    assert.throws(wrong(null, 'one'), /must be the last scenario/);
  });

  const record: MishapRecord = {
    kind: 'pull',
    scenario: 's',
    card: 'b',
    trial_id: 't',
    driver: 'e1000e',
    device: '0000:00:05.0',
    bytes_before: 1,
    bytes_while_out: 0,
    seen: true,
    restored: true,
    outcome: 'intact',
    incidents: 0,
    said: [],
  };

  it('are told in a sentence, with what was not seen and did not come back', () => {
    assert.equal(
      mishapText(record),
      'the cable of b was pulled in mid-trial; the carrier is there again; the trial was intact, incidents 0',
    );
    const lost = {
      ...record,
      kind: 'unbind',
      seen: false,
      restored: false,
      outcome: null,
    } as const;
    assert.equal(
      mishapText({ ...lost, incidents: null, said: ['no word'] }),
      'e1000e was unbound in mid-trial, which its driver did not notice; b did not come back; the trial was not over (no word)',
    );
  });

  it('count what crossed a port, both ways', () => {
    const text = `Inter-|   Receive |  Transmit
 face |bytes packets
    lo: 1 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0
 port1: 100 2 0 0 0 0 0 0 23 1 0 0 0 0 0 0
`;
    assert.equal(portBytes(text, 'port1'), 123);
    assert.equal(portBytes(text, 'port'), null);
  });
});
