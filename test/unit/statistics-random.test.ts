import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '../../src/base/errors/errors.js';
import { derivedSeed, parseSeed, Random, randomSeed } from '../../src/base/statistics/random.js';

describe('Random', () => {
  it('repeats itself for the same seed and purpose, and for no other', () => {
    const draw = (random: Random) => Array.from({ length: 8 }, () => random.next32());
    const first = draw(new Random('7', 'order', 3));
    assert.deepEqual(draw(new Random('7', 'order', 3)), first);
    assert.deepEqual(draw(new Random('007', 'order', 3)), first);
    for (const other of [new Random('8', 'order', 3), new Random('7', 'order', 4)]) {
      assert.notDeepEqual(draw(other), first);
    }
    assert.notDeepEqual(draw(new Random('7', 'a', 'b')), draw(new Random('7', 'a,b')));
  });

  it('tells seeds apart that a double cannot', () => {
    assert.notEqual(
      new Random('18446744073709551615').next32(),
      new Random('18446744073709551614').next32(),
    );
  });

  it('is xoshiro128**: the sequence of an independent 64-bit computation', () => {
    const random = new Random('42', 'reference');
    const state = [...(random as unknown as { state: Uint32Array }).state].map(BigInt);
    const mask = 0xffffffffn;
    const rotate = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask;
    for (let draw = 0; draw < 100; draw++) {
      const [a = 0n, b = 0n, c = 0n, d = 0n] = state;
      const expected = (rotate((b * 5n) & mask, 7n) * 9n) & mask;
      const t = (b << 9n) & mask;
      const c1 = c ^ a;
      const d1 = d ^ b;
      state.splice(0, 4, a ^ d1, b ^ c1, c1 ^ t, rotate(d1, 11n));
      assert.equal(BigInt(random.next32()), expected);
    }
  });

  it('draws every number below a bound equally often', () => {
    const random = new Random('1', 'below');
    const counts = new Array<number>(10).fill(0);
    const draws = 100_000;
    for (let i = 0; i < draws; i++) {
      const value = random.below(10);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    const chiSquare = counts.reduce((sum, n) => sum + (n - draws / 10) ** 2 / (draws / 10), 0);
    // 99.9 % of chi-square with 9 degrees of freedom is below 27.88.
    assert.ok(chiSquare < 27.88, `chi-square ${chiSquare}`);
    assert.throws(() => random.below(0), RangeError);
    assert.throws(() => random.below(1.5), RangeError);
  });

  it('is not biased by a bound that does not divide 2^32', () => {
    const random = new Random('1', 'bias');
    const values = Array.from({ length: 10_000 }, () => random.below(3 * 2 ** 30));
    const low = values.filter((value) => value < 2 ** 30).length / values.length;
    // A plain remainder would give the lowest third half of all draws.
    assert.ok(Math.abs(low - 1 / 3) < 0.02, `share ${low}`);
  });

  it('shuffles into every order equally often, and keeps the items', () => {
    const random = new Random('1', 'shuffle');
    const counts = new Map<string, number>();
    const rounds = 24_000;
    for (let round = 0; round < rounds; round++) {
      const order = random.shuffled(['a', 'b', 'c', 'd']).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    assert.equal(counts.size, 24);
    const chiSquare = [...counts.values()].reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
    // 99.9 % of chi-square with 23 degrees of freedom is below 49.73.
    assert.ok(chiSquare < 49.73, `chi-square ${chiSquare}`);
  });

  it('gives fractions from 0 to below 1 with a mean of a half', () => {
    const random = new Random('1', 'float');
    const values = Array.from({ length: 10_000 }, () => random.float());
    assert.ok(values.every((value) => value >= 0 && value < 1));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    assert.ok(Math.abs(mean - 0.5) < 0.015, `mean ${mean}`);
  });
});

describe('seeds', () => {
  it('are 64 bits in decimal digits', () => {
    assert.equal(parseSeed(' 00042 '), '42');
    assert.equal(parseSeed('18446744073709551615'), '18446744073709551615');
    for (const bad of ['18446744073709551616', '-1', '1.5', 'x', '', '0x10', '1e3']) {
      assert.throws(() => parseSeed(bad), UsageError, bad);
    }
    assert.match(randomSeed(), /^\d{1,20}$/);
    assert.notEqual(randomSeed(), randomSeed());
  });

  it('derive into distinct seeds', () => {
    const seeds = new Set<string>();
    for (let trial = 0; trial < 10_000; trial++) seeds.add(derivedSeed('1', 'trial', trial));
    assert.equal(seeds.size, 10_000);
    assert.equal(derivedSeed('1', 'trial', 5), derivedSeed('1', 'trial', 5));
  });
});
