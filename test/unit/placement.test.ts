import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Direction } from '../../src/data/record/words.js';
import { allowedCpus, placeParts, placeRoles } from '../../src/machine/host/placement.js';

const single = (cpu: number) => [cpu];
/** Threads 2n and 2n+1 share a core. */
const pairs = (cpu: number) => [cpu & ~1, cpu | 1];

describe('placeRoles', () => {
  it('one CPU: all share it', () => {
    assert.deepEqual(placeRoles(null, [3], single), { source: [3], forwarder: [3], sink: [3] });
  });

  it('two CPUs: the forwarder has one, the endpoints the other', () => {
    assert.deepEqual(placeRoles(null, [0, 1], single), { source: [0], forwarder: [1], sink: [0] });
  });

  it('three CPUs: one each', () => {
    assert.deepEqual(placeRoles(null, [4, 5, 9], single), {
      source: [4],
      forwarder: [5],
      sink: [9],
    });
  });

  it('takes whole cores while there are two, so that the forwarder has no sibling', () => {
    const four = placeRoles(null, [0, 1, 2, 3], pairs);
    assert.deepEqual(four, { source: [0], forwarder: [2], sink: [0] });
    const six = placeRoles(null, [0, 1, 2, 3, 4, 5], pairs);
    assert.deepEqual(six, { source: [0], forwarder: [2], sink: [4] });
  });

  it('one core of two threads: the threads are all there is', () => {
    assert.deepEqual(placeRoles(null, [0, 1], pairs), { source: [0], forwarder: [1], sink: [0] });
  });

  it('pin overrides', () => {
    const pin = { source: [0], forwarder: [0], sink: [0] };
    assert.deepEqual(placeRoles(pin, [0, 1], single), pin);
  });
});

describe('allowedCpus', () => {
  it('reads the list that the kernel gives', () => {
    assert.deepEqual(allowedCpus('Name:\tx\nCpus_allowed_list:\t0-2,5\nMems:\t0\n'), [0, 1, 2, 5]);
    assert.ok(allowedCpus().length > 0);
  });
});

describe('placeParts', () => {
  const on = (machine: string, ...cpus: number[]) => ({ machine, cpus });
  type Seats = ReturnType<typeof on>;
  /** One pair of ends: CPUs of upstream, forwarder and downstream. */
  const three = (upstream: Seats, forwarder: Seats, downstream: Seats, pin: Pin = null) => {
    const placed = placeParts(pin, 'download', { forwarder, pairs: [{ upstream, downstream }] });
    return [placed.pairs[0]?.upstream, placed.forwarder, placed.pairs[0]?.downstream];
  };
  type Pin = Parameters<typeof placeParts>[0];

  it('pins the sender to `source`, whichever end it is', () => {
    const pin = { source: [7], forwarder: [8], sink: [9] };
    const all = {
      forwarder: on('b', 0),
      pairs: [{ upstream: on('a', 0), downstream: on('c', 0) }],
    };
    const ends = (direction: Direction) => placeParts(pin, direction, all).pairs[0];
    assert.deepEqual(ends('download'), { upstream: [7], downstream: [9] });
    assert.deepEqual(ends('upload'), { upstream: [9], downstream: [7] });
  });

  it('a machine each: the second seat, since the first often has the interrupts', () => {
    assert.deepEqual(three(on('a', 0, 2), on('b', 0, 1), on('c', 5)), [[2], [1], [5]]);
  });

  it('one machine: as on loopback', () => {
    const one = (...cpus: number[]) => three(on('a', ...cpus), on('a', ...cpus), on('a', ...cpus));
    assert.deepEqual(one(0), [[0], [0], [0]]);
    assert.deepEqual(one(0, 1), [[0], [1], [0]]);
    assert.deepEqual(one(0, 1, 2), [[0], [1], [2]]);
  });

  it('both ends on one machine, the forwarder on another', () => {
    const ends = on('a', 0, 1, 2);
    assert.deepEqual(three(ends, on('b', 0, 1), ends), [[0], [1], [1]]);
  });

  it('the forwarder and one end on one machine', () => {
    const shared = on('a', 0, 1, 2);
    assert.deepEqual(three(shared, shared, on('b', 3)), [[0], [1], [3]]);
  });

  it('several pairs: each end a seat of its own while its machine has any left', () => {
    const [a, b, c] = [on('a', 0, 1), on('b', 0, 1), on('c', 0, 1, 2)];
    const machines = placeParts(null, 'download', {
      forwarder: on('f', 0, 1),
      pairs: [
        { upstream: a, downstream: c },
        { upstream: b, downstream: c },
      ],
    });
    assert.deepEqual(machines.forwarder, [1]);
    assert.deepEqual(machines.pairs, [
      { upstream: [1], downstream: [0] },
      { upstream: [1], downstream: [1] },
    ]);
    const crowded = placeParts(null, 'download', {
      forwarder: c,
      pairs: [
        { upstream: c, downstream: c },
        { upstream: c, downstream: c },
      ],
    });
    assert.deepEqual(crowded.forwarder, [1]);
    assert.deepEqual(crowded.pairs, [
      { upstream: [0], downstream: [2] },
      { upstream: [0], downstream: [2] },
    ]);
  });

  it('pin overrides, each list on the machine of its part', () => {
    const pin = { source: [4], forwarder: [5], sink: [6] };
    assert.deepEqual(three(on('a', 0), on('b', 0), on('c', 0), pin), [[4], [5], [6]]);
  });
});
