/** `source`, `forward` and `sink` alone: the JSON of the contract, and what the sink finds. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { BAD_AT, BAD_LENGTH, type BadMode, EXTRA_LENGTH } from '../support/bad-proxy-modes.js';
import { jsonLines, scratch } from '../support/folder.js';
import { cli } from '../support/process.js';
import { requireMechanism } from '../support/require-tool.js';
import { sinkJson, startBadProxy, startForward, startSource } from '../support/stream.js';

const BYTES = 8 * 2 ** 20;
const MECHANISMS = ['poc', 'splice', 'copy', 'uring-copy', 'uring-zerocopy', 'uring-splice'];

interface Count {
  calls: number;
  eagain: number;
  bytes: number;
}

/** Keys and the types of their values. */
function shape(value: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [
      key,
      Array.isArray(entry) ? 'array' : typeof entry,
    ]),
  );
}

/** Fails unless the object has these keys with these types; more keys may follow. */
function assertShape(value: object, wanted: Record<string, string>): void {
  const found = shape(value);
  assert.deepEqual(Object.keys(found).slice(0, Object.keys(wanted).length), Object.keys(wanted));
  for (const [key, type] of Object.entries(wanted)) assert.equal(found[key], type, key);
}

describe('JSON of the contract', () => {
  for (const mechanism of MECHANISMS) {
    const { skip } = requireMechanism(mechanism);
    it(
      `source, forward --mechanism ${mechanism} and sink agree on every byte`,
      { skip },
      async (t) => {
        const { port, source } = await startSource(t, '--bytes', '8MiB', '--seed', '42');
        const { port: entry, forward } = await startForward(
          t,
          port,
          '--mechanism',
          mechanism,
          '--once',
        );
        const { json, code, stderr } = await sinkJson(
          t,
          entry,
          '--check',
          '--seed',
          '42',
          '--bytes',
          '8MiB',
        );
        assert.equal(stderr, '');
        assert.equal(code, 0);
        assertShape(json, {
          bytes: 'number',
          seconds: 'number',
          goodput_gbps: 'number',
          outcome: 'string',
          verified_bytes: 'number',
          incidents: 'array',
        });
        assert.equal(json.outcome, 'intact');
        assert.equal(json.bytes, BYTES);
        assert.equal(json.verified_bytes, BYTES);
        assert.deepEqual(json.incidents, []);
        assert.ok(json.seconds > 0 && json.goodput_gbps !== null);
        assert.ok(Math.abs(json.goodput_gbps - (BYTES * 8) / 1e9 / json.seconds) < 1e-6);

        const sent = await source.ended;
        assert.equal(sent.code, 0, sent.stderr);
        const sourceJson = JSON.parse(sent.stdout) as Record<string, unknown>;
        assertShape(sourceJson, {
          bytes: 'number',
          seconds: 'number',
          goodput_gbps: 'number',
          outcome: 'string',
        });
        assert.equal(sourceJson['bytes'], BYTES);
        assert.equal(sourceJson['outcome'], 'intact');

        const forwarded = await forward.ended;
        assert.equal(forwarded.code, 0, forwarded.stderr);
        const counters = JSON.parse(forwarded.stdout) as {
          connections: number;
          bytes_upstream_to_downstream: number;
          bytes_downstream_to_upstream: number;
          cpu_seconds: number;
          syscalls: Record<string, Count>;
          operations?: Record<string, Count>;
        };
        assertShape(counters, {
          connections: 'number',
          bytes_upstream_to_downstream: 'number',
          bytes_downstream_to_upstream: 'number',
          seconds: 'number',
          cpu_seconds: 'number',
          syscalls: 'object',
        });
        assert.equal(counters.connections, 1);
        assert.equal(counters.bytes_upstream_to_downstream, BYTES);
        assert.equal(counters.bytes_downstream_to_upstream, 0);
        assert.ok(counters.cpu_seconds > 0);
        const counts = [counters.syscalls, counters.operations ?? {}].flatMap((by) =>
          Object.values(by),
        );
        for (const count of counts) {
          assert.deepEqual(shape(count), { calls: 'number', eagain: 'number', bytes: 'number' });
          assert.ok(count.calls >= count.eagain);
        }
        assert.ok(Object.keys(counters.syscalls).every((name) => !name.includes(':')));
        const moved = counts.reduce((sum, { bytes }) => sum + bytes, 0);
        assert.equal(moved, 2 * BYTES, 'every byte goes in by a call and out by another');
      },
    );
  }

  it('without a check nothing is said about the bytes', async (t) => {
    const { port } = await startSource(t, '--bytes', '1MiB');
    const { json, code } = await sinkJson(t, port, '--discard');
    assert.equal(code, 0);
    assert.deepEqual(
      [json.bytes, json.outcome, json.verified_bytes, json.incidents],
      [2 ** 20, 'unchecked', null, null],
    );
  });

  it('takes sizes and durations with units', async (t) => {
    const sizes = { '1500': 1500, '64KiB': 65_536, '2kB': 2000 };
    for (const [text, bytes] of Object.entries(sizes)) {
      const { port } = await startSource(t, '--bytes', text);
      assert.equal((await sinkJson(t, port, '--bytes', text)).json.bytes, bytes, text);
    }
    const { port, source } = await startSource(t, '--seconds', '200ms');
    const { json, code } = await sinkJson(t, port);
    assert.equal(code, 0);
    assert.equal((await source.ended).code, 0);
    // By the sink's clock, from its first byte: shorter where it was kept waiting.
    assert.ok(json.seconds > 0 && json.seconds < 100 && json.bytes > 0, JSON.stringify(json));
  });

  it('upload: a source that connects, a sink that listens', async (t) => {
    const folder = scratch(t);
    const file = join(folder, 'content');
    writeFileSync(file, Buffer.from(Array.from({ length: 300_001 }, (_, i) => (i * 7) & 0xff)));
    for (const content of [['--seed', '9'], ['--zero'], ['--file', file]]) {
      const bytes = content[0] === '--file' ? [] : ['--bytes', '300001'];
      const { port, source } = await startSource(t, ...content, ...bytes);
      const { json, code } = await sinkJson(t, port, ...content, '--bytes', '300001');
      assert.deepEqual(
        [code, json.outcome, json.verified_bytes],
        [0, 'intact', 300_001],
        content[0],
      );
      assert.equal((await source.ended).code, 0);
    }
  });

  it('forward --trace writes the last calls, which add up', async (t) => {
    const trace = join(scratch(t), 'calls.jsonl');
    const { port } = await startSource(t, '--bytes', '256KiB');
    const { port: entry, forward } = await startForward(
      t,
      port,
      ...['--mechanism', 'splice', '--once', '--trace', trace],
    );
    assert.equal((await sinkJson(t, entry, '--bytes', '256KiB')).code, 0);
    assert.equal((await forward.ended).code, 0);
    const calls = jsonLines(readFileSync(trace, 'utf8')) as { got: number; call: string }[];
    const moved = calls.reduce((sum, { got }) => sum + Math.max(0, got), 0);
    assert.equal(moved, 2 * 256 * 1024);
  });
});

describe('what the sink finds', () => {
  it('another seed: corrupt, exit code 3', async (t) => {
    const { port } = await startSource(t, '--bytes', '1MiB', '--seed', '1');
    const { json, code } = await sinkJson(t, port, '--check', '--seed', '2');
    assert.equal(code, 3);
    assert.equal(json.outcome, 'corrupt');
    assert.equal(json.verified_bytes, 0);
    assert.equal(
      json.incidents?.reduce((sum, { length }) => sum + length, 0),
      2 ** 20,
    );
  });

  interface Expected {
    outcome: string;
    code: number;
    /** class, offset, length and origin of each incident. */
    incidents: [string, number, number, number?][];
  }
  const deeds: Partial<Record<BadMode, Expected>> = {
    honest: { outcome: 'intact', code: 0, incidents: [] },
    flip: { outcome: 'corrupt', code: 3, incidents: [['bit-flip', BAD_AT, 1]] },
    zeros: { outcome: 'corrupt', code: 3, incidents: [['zeros', BAD_AT, BAD_LENGTH]] },
    drop: { outcome: 'corrupt', code: 3, incidents: [['missing', BAD_AT, BAD_LENGTH]] },
    duplicate: {
      outcome: 'corrupt',
      code: 3,
      incidents: [['inserted', BAD_AT + BAD_LENGTH, BAD_LENGTH, BAD_AT]],
    },
    swap: {
      outcome: 'corrupt',
      code: 3,
      incidents: [
        ['misplaced', BAD_AT, BAD_LENGTH, BAD_AT + BAD_LENGTH],
        ['misplaced', BAD_AT + BAD_LENGTH, BAD_LENGTH, BAD_AT],
      ],
    },
    truncate: { outcome: 'truncated', code: 3, incidents: [] },
    extra: { outcome: 'extra', code: 3, incidents: [] },
    reset: { outcome: 'reset', code: 1, incidents: [] },
  };
  for (const [mode, expected] of Object.entries(deeds)) {
    it(`a proxy that does ${mode}: ${expected.outcome}, exit code ${expected.code}`, async (t) => {
      const { port } = await startSource(t, '--bytes', '8MiB', '--seed', '5');
      const entry = await startBadProxy(t, mode as BadMode, port);
      const { json, code } = await sinkJson(t, entry, '--check', '--seed', '5', '--bytes', '8MiB');
      assert.equal(json.outcome, expected.outcome);
      assert.equal(code, expected.code);
      const found = json.incidents?.map(({ class: kind, offset, length, origin_offset: origin }) =>
        origin === undefined ? [kind, offset, length] : [kind, offset, length, origin],
      );
      assert.deepEqual(found, expected.incidents);
      if (mode === 'truncate' || mode === 'reset') assert.ok(json.bytes <= BAD_AT);
      if (mode === 'extra') assert.equal(json.bytes, BYTES + EXTRA_LENGTH);
      for (const { expected_hex: sent, received_hex: got, class: kind } of json.incidents ?? []) {
        assert.match(sent, /^([0-9a-f]{2}){1,256}$/, kind);
        if (kind !== 'missing') assert.match(got, /^([0-9a-f]{2}){1,256}$/, kind);
        assert.notEqual(sent, got);
      }
    });
  }

  it('shows the bytes side by side for people, without escape codes', async (t) => {
    const { port } = await startSource(t, '--bytes', '8MiB', '--seed', '5');
    const entry = await startBadProxy(t, 'flip', port);
    const { code, stdout, stderr } = await cli(t, [
      'sink',
      '--connect',
      `127.0.0.1:${entry}`,
      '--seed',
      '5',
    ]);
    assert.equal(code, 3);
    assert.equal(stderr, '');
    assert.match(stdout, /corrupt/);
    assert.match(stdout, /bit-flip|bits? flipped|bit flip/i);
    assert.ok(!stdout.includes('\u001b'));
  });
});
