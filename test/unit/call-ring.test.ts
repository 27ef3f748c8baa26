/** The call recorder's files read into calls; and what it cannot be preloaded into. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasNoLoader } from '../../src/machine/role/call-recorder.js';
import { callText, parseRing, recordedCalls } from '../../src/machine/role/call-ring.js';

const HEADER = 4096;
const RECORD = 80;
const RECV = 4;
const SEND = 8;
const CLOSE = 15;
const EVENT = 0;

interface Written {
  number: number;
  call: number;
  socket: [number, number];
  result: number;
  offset?: number;
  asked?: number;
  out?: boolean;
  flags?: number;
}

/** A ring of four records, as native/recorder/ring.h lays it out. */
function ring(next: number, records: readonly Written[]): Buffer {
  const file = Buffer.alloc(HEADER + 4 * RECORD);
  file.write('SPCALLS1', 'latin1');
  file.writeUInt32LE(HEADER, 8);
  file.writeUInt32LE(RECORD, 12);
  file.writeBigUInt64LE(4n, 16);
  file.writeBigUInt64LE(BigInt(next), 24);
  file.writeBigUInt64LE(2n ** 64n - 1n, 32);
  file.writeUInt32LE(77, 40);
  file.writeBigUInt64LE(1_000_000n, 48);
  for (const { number, call, socket, result, ...more } of records) {
    const at = HEADER + (number % 4) * RECORD;
    const end = at + (more.out === true ? 52 : 40);
    file.writeBigUInt64LE(BigInt(number + 1), at);
    file.writeBigUInt64LE(BigInt(2_000_000 + number * 1000), at + 8);
    file.writeBigUInt64LE(BigInt(more.offset ?? 0), at + 16);
    file.writeBigInt64LE(BigInt(result), at + 24);
    file.writeBigUInt64LE(BigInt(more.asked ?? 0), at + 32);
    file.writeInt32LE(5, end);
    file.writeUInt8(2, end + 4);
    file.writeUInt16LE(socket[0], end + 6);
    file.writeUInt32LE(socket[1], end + 8);
    file.writeUInt16LE(call, at + 68);
    file.writeUInt16LE(more.flags ?? 0, at + 70);
  }
  return file;
}

const CLIENT: [number, number] = [80, 50_000];
const SERVER: [number, number] = [40_000, 90];

describe('the call recorder', () => {
  it('tells calls as the flight recorder does, with the offsets that it counted', () => {
    const read = parseRing(
      ring(6, [
        { number: 2, call: RECV, socket: SERVER, result: 100, offset: 900, asked: 4096 },
        { number: 3, call: SEND, socket: CLIENT, result: -11, offset: 900, asked: 100, out: true },
        { number: 4, call: SEND, socket: CLIENT, result: 100, offset: 900, asked: 100, out: true },
        { number: 5, call: CLOSE, socket: CLIENT, result: 0, asked: 33_792 },
      ]),
    );
    assert.ok(read !== null);
    const places = { listen: { port: 80 }, upstream: { port: 90 } };
    const calls = recordedCalls([read], places);
    const told = calls.map(({ name, got, offset, side, flow }) => [name, got, offset, side, flow]);
    assert.deepEqual(told, [
      ['recv', 100, 900, 'in', 0],
      ['send', -11, 900, 'out', 0],
      ['send', 100, 900, 'out', 0],
    ]);
    assert.ok(calls.every(({ port }) => port === 50_000));
    assert.equal(calls[0]?.t, 0.001002);
    assert.equal(read.calls.at(-1)?.unread, 33_792);
  });

  it('leaves out what was being written or has been overwritten', () => {
    const one = { call: RECV, socket: SERVER, result: 1 };
    const file = ring(6, [
      { number: 1, ...one },
      { number: 3, ...one },
      { number: 5, ...one },
    ]);
    file.writeBigUInt64LE(0n, HEADER + 3 * RECORD);
    assert.deepEqual(
      parseRing(file)?.calls.map(({ timeNs }) => timeNs),
      [2_005_000],
    );
  });

  it('is no ring without its first word, or cut off', () => {
    assert.equal(parseRing(Buffer.alloc(8192)), null);
    assert.equal(parseRing(Buffer.from('SPCALLS1')), null);
  });

  it('writes events by name, and what a close left unread', () => {
    const event = { number: 0, call: EVENT, socket: CLIENT, result: 1, flags: 0x2001 };
    const close = { number: 1, call: CLOSE, socket: CLIENT, result: 0, asked: 12 };
    const calls = parseRing(ring(2, [event, close]))?.calls ?? [];
    assert.deepEqual(
      calls.map((call) => callText(call, () => 'client')),
      ['event client: IN RDHUP', 'close(client) with 12 bytes unread'],
    );
  });
});

describe('a static program', () => {
  function elf(...types: number[]): Buffer {
    const head = Buffer.alloc(64 + 56 * types.length);
    head.writeUInt32BE(0x7f454c46, 0);
    head.writeUInt8(2, 4);
    head.writeBigUInt64LE(64n, 32);
    head.writeUInt16LE(56, 54);
    head.writeUInt16LE(types.length, 56);
    for (const [index, type] of types.entries()) head.writeUInt32LE(type, 64 + 56 * index);
    return head;
  }

  it('is one without a loader; a script is none', () => {
    assert.equal(hasNoLoader(elf(6, 1, 1)), true);
    assert.equal(hasNoLoader(elf(6, 3, 1)), false);
    assert.equal(hasNoLoader(Buffer.from('#!/bin/sh\n'.padEnd(100))), false);
  });
});
