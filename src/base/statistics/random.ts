/**
 * Seeded randomness: the same seed gives the same order of trials and the same stamp seeds on every
 * machine. Seeds are 64 bits, as decimal digits, since a JSON number would lose their low bits.
 */
import { createHash, randomBytes } from 'node:crypto';
import { UsageError } from '../errors/errors.js';

const MAX_SEED = 2n ** 64n - 1n;

/**
 * xoshiro128** 1.1 of D. Blackman and S. Vigna, "Scrambled Linear Pseudorandom Number Generators",
 * ACM Transactions on Mathematical Software 47 (2021); public domain code at
 * prng.di.unimi.it/xoshiro128starstar.c. Its 32-bit arithmetic is what Math.imul does fast, while a
 * 64-bit generator would need BigInt. The state is filled from SHA-256, so related seeds are fine.
 */
export class Random {
  private readonly state: Uint32Array;

  /**
   * @param seed 64 bits as decimal digits
   * @param purpose whatever else the stream depends on; different lists give independent streams
   */
  constructor(seed: string, ...purpose: readonly (string | number)[]) {
    const digest = keyedHash(seed, purpose);
    this.state = Uint32Array.from({ length: 4 }, (_, word) => digest.readUInt32LE(word * 4));
  }

  /** The next 32 bits, as a number from 0 to 2^32 - 1. */
  next32(): number {
    const s = this.state;
    const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = s;
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    s[2] = s2 ^ s0;
    s[3] = s3 ^ s1;
    s[1] = s1 ^ s2 ^ s0;
    s[0] = s0 ^ s3 ^ s1;
    s[2] = s2 ^ s0 ^ (s1 << 9);
    s[3] = rotateLeft(s3 ^ s1, 11);
    return result;
  }

  /**
   * A whole number from 0 to `bound` - 1, every one equally likely (rejection of the incomplete last
   * interval).
   * @param bound from 1 to 2^32
   */
  below(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32) {
      throw new RangeError(`expected a bound from 1 to 2^32, got ${bound}`);
    }
    const usable = 2 ** 32 - (2 ** 32 % bound);
    let value = this.next32();
    while (value >= usable) value = this.next32();
    return value % bound;
  }

  /** A number from 0 (included) to 1 (excluded), with 53 random bits. */
  float(): number {
    const high = this.next32() >>> 5;
    const low = this.next32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** A copy in random order (Fisher and Yates; Durstenfeld 1964): every order equally likely. */
  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let last = result.length - 1; last > 0; last--) {
      const chosen = this.below(last + 1);
      // Both indices are inside the array, whatever T is.
      [result[last], result[chosen]] = [result[chosen] as T, result[last] as T];
    }
    return result;
  }
}

/** A fresh seed from the system, 64 bits as decimal digits. */
export function randomSeed(): string {
  return randomBytes(8).readBigUInt64LE().toString();
}

/**
 * A seed that depends on another seed and on a purpose: the first 64 bits of a SHA-256, so that
 * among n of them two are alike with a probability of n^2 / 2^65.
 * @returns 64 bits as decimal digits
 */
export function derivedSeed(seed: string, ...purpose: readonly (string | number)[]): string {
  return keyedHash(seed, purpose).readBigUInt64LE().toString();
}

/**
 * A seed as it was typed, checked and without leading zeros.
 * @throws UsageError unless it is a whole number from 0 to 2^64 - 1
 */
export function parseSeed(text: string): string {
  const digits = text.trim();
  if (!/^\d+$/.test(digits) || BigInt(digits) > MAX_SEED) {
    throw new UsageError(`expected a seed from 0 to ${MAX_SEED.toString()}, got '${text}'`);
  }
  return BigInt(digits).toString();
}

/** JSON keeps ["a", "b"] and ["a,b"] apart. */
function keyedHash(seed: string, purpose: readonly (string | number)[]): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([parseSeed(seed), ...purpose]))
    .digest();
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
