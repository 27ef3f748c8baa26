import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mergedCalls, sumOfSnapshots } from '../../src/machine/forwarders/threads.js';
import type { ForwarderSnapshot } from '../../src/data/native/native-surface.js';

const SNAPSHOT: ForwarderSnapshot = {
  timeNs: 10,
  startNs: 1,
  cpuNs: 100,
  tid: 7,
  accepted: 2,
  open: 1,
  downBytes: 1000,
  upBytes: 10,
  resets: 0,
  connectFailures: 0,
  lastErrno: null,
  trouble: null,
  copyFallbacks: 0,
  pipeCapacity: 0,
  pipesCreated: 0,
  details: { joined_writes: 1 },
  syscalls: 20,
};

describe('a forwarder on several threads', () => {
  it('counts what all of them did, and has the clock of the first', () => {
    const other = { ...SNAPSHOT, timeNs: 11, tid: 8, details: { joined_writes: 2, other: 3 } };
    const sum = sumOfSnapshots(SNAPSHOT, [other]);
    assert.deepEqual(sum, {
      ...SNAPSHOT,
      cpuNs: 200,
      accepted: 4,
      open: 2,
      downBytes: 2000,
      upBytes: 20,
      syscalls: 40,
      details: { joined_writes: 3, other: 3 },
    });
  });

  it('tells the smallest pipe that was made, and nothing of threads that made none', () => {
    const sizes = (...all: number[]) => {
      const [first = 0, ...beside] = all;
      const of = (pipeCapacity: number) => ({ ...SNAPSHOT, pipeCapacity });
      return sumOfSnapshots(of(first), beside.map(of)).pipeCapacity;
    };
    assert.equal(sizes(0, 4096), 4096);
    assert.equal(sizes(65_536, 4096, 0), 4096);
    assert.equal(sizes(0, 0), 0);
  });

  it('tells the first failure that there is', () => {
    const sum = sumOfSnapshots(SNAPSHOT, [
      { ...SNAPSHOT, lastErrno: 'ECONNREFUSED', connectFailures: 1 },
      { ...SNAPSHOT, trouble: 'write: disk full' },
    ]);
    assert.equal(sum.lastErrno, 'ECONNREFUSED');
    assert.equal(sum.connectFailures, 1);
    assert.equal(sum.trouble, 'write: disk full');
  });

  it('tells its calls in the order of their times, each flow by a number of its own', () => {
    const call = (t: number, flow: number, name: string) => ({
      ...{ t, flow, name, asked: 1, got: 1, offset: 0, port: 5 },
    });
    const merged = mergedCalls([
      { startNs: 1e9, calls: [call(0, 0, 'a'), call(1, 1, 'b')] },
      { startNs: 1.5e9, calls: [call(0, 0, 'c'), call(1, 3, 'd')] },
    ]);
    assert.deepEqual(
      merged.map(({ t, flow, name }) => [name, t, flow]),
      [
        ['a', 0, 0],
        ['c', 0.5, 2],
        ['b', 1, 1],
        ['d', 1.5, 7],
      ],
    );
    const alone = [call(0, 4, 'a'), call(1, 7, 'b')];
    assert.deepEqual(
      mergedCalls([{ startNs: 3, calls: alone }]),
      alone,
      'one thread changes nothing',
    );
  });
});
