import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tellAllocator } from '../../src/data/integrity/allocator.js';
import type { Incident } from '../../src/data/record/record.js';

const MSS = 1448;
const short = (offset: number, more: Partial<Incident> = {}): Incident => ({
  connection: 0,
  direction: 'down',
  offset,
  length: 8,
  class: 'unknown',
  expected_hex: '',
  received_hex: '',
  mss: MSS,
  ...more,
});
const inSegments = (count: number, place: number, more: Partial<Incident> = {}) =>
  Array.from({ length: count }, (_, k) => short(k * 7 * MSS + place, more));
const classes = (incidents: readonly Incident[]) => [
  ...new Set(incidents.map(({ class: kind }) => kind)),
];
/** Uniform and the same each time (Park and Miller's generator). */
function offsets(count: number): number[] {
  let state = 2008;
  return Array.from({ length: count }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return state % (8 << 20);
  });
}

describe("what the kernel's allocator wrote", () => {
  it('is told by five short incidents at one place of their segments, not by four', () => {
    const five = inSegments(5, 942);
    assert.deepEqual(tellAllocator(five), { unknown: 5, zeros: 0 });
    assert.deepEqual(classes(five), ['allocator']);
    const four = inSegments(4, 942);
    assert.deepEqual(tellAllocator(four), { unknown: 0, zeros: 0 });
    assert.deepEqual(classes(four), ['unknown']);
  });

  it('stays unknown where the offsets are random, be there thousands', () => {
    for (const count of [5, 100, 1000, 4000]) {
      const random = offsets(count).map((offset) => short(offset));
      assert.deepEqual(tellAllocator(random), { unknown: 0, zeros: 0 }, `${count} of them`);
      assert.deepEqual(classes(random), ['unknown']);
    }
  });

  it('is found among random ones, which stay what they are', () => {
    const random = offsets(200).map((offset) => short(offset));
    const own = inSegments(20, 300);
    assert.equal(tellAllocator([...random, ...own]).unknown >= 20, true);
    assert.deepEqual(classes(own), ['allocator']);
    assert.ok(random.filter(({ class: kind }) => kind === 'allocator').length <= 3);
  });

  it('has pointers of which a byte is as sent, and zero ones where the place is proven', () => {
    const seven = short(9 * MSS + 943, { length: 7 });
    const zero = short(11 * MSS + 942, { class: 'zeros' });
    const beside = short(13 * MSS + 944);
    const all = [...inSegments(6, 942), seven, zero, beside];
    assert.deepEqual(tellAllocator(all), { unknown: 7, zeros: 1 });
    assert.equal(beside.class, 'unknown');
    assert.deepEqual(classes(inSegments(9, 5, { class: 'zeros' })), ['zeros']);
  });

  it('is never longer than a pointer, nor of a known origin, nor without segments', () => {
    for (const change of [
      { length: 9 },
      { class: 'misplaced' },
      { class: 'bit-flip' },
    ] satisfies Partial<Incident>[]) {
      const others = inSegments(20, 942, change);
      assert.deepEqual(tellAllocator(others), { unknown: 0, zeros: 0 });
    }
    const untold = inSegments(20, 942, { mss: 0 });
    assert.deepEqual(tellAllocator(untold), { unknown: 0, zeros: 0 });
  });

  it('is looked for in each stream by itself, by what was sent', () => {
    const two = inSegments(4, 942).flatMap((one) => [one, { ...one, connection: 1 }]);
    assert.deepEqual(tellAllocator(two), { unknown: 0, zeros: 0 });
    const shifted = inSegments(5, 942).map((one, k) => ({
      ...one,
      offset: one.offset - k,
      source_offset: one.offset,
    }));
    assert.equal(tellAllocator(shifted).unknown, 5);
  });
});
