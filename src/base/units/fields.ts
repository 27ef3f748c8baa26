/**
 * zod fields for the quantities of `sizes.ts`. Forwarder kinds use them for their own options, so
 * that `pipe: 1MiB` reads the same everywhere.
 */
import { z } from 'zod';
import { UsageError } from '../errors/errors.js';
import {
  parseBitRate,
  parseCpuList,
  parseDuration,
  parseShare,
  parseSize,
  shown,
} from './sizes.js';

/** Limits of a field, in its own unit (bytes, seconds or a fraction), with the words for a breach. */
interface Limits {
  min?: number;
  max?: number;
}

/** A size in whole bytes; `1MiB` or a number in the file. */
export function size({ min = 1, max = Number.MAX_SAFE_INTEGER }: Limits = {}) {
  return parsedBy((value) => within(parseSize(value), { min, max }, 'bytes'));
}

/** A duration in seconds; `200ms` or a number of seconds in the file. */
export function duration({ min = 0, max = 86_400 }: Limits = {}) {
  return parsedBy((value) => within(parseDuration(value), { min, max }, 's'));
}

/** A bit rate in bits per second; `1Gbps` or a plain number in the file. */
export function bitRate({ min = 1, max = 1e12 }: Limits = {}) {
  return parsedBy((value) => within(parseBitRate(value), { min, max }, 'bit/s'));
}

/** `on` or `off`, as ethtool has them (YAML reads these as text), or true or false. */
export function onOff() {
  return parsedBy((value): boolean => {
    if (value === true || value === 'on') return true;
    if (value === false || value === 'off') return false;
    throw new UsageError(`expected on or off, got ${shown(value)}`);
  });
}

/** A share as a fraction; `3%` or 0.03 in the file. */
export function share({ min = 0, max = 1 }: Limits = {}) {
  return parsedBy((value) => within(parseShare(value), { min, max }, '(as a fraction)'));
}

/** CPU numbers; `1`, `[0, 1]` or `0-2,5` in the file. */
export function cpuList() {
  return parsedBy(parseCpuList);
}

/** A whole number from `min` to `max`. */
export function whole(min: number, max: number) {
  return z.int().min(min).max(max);
}

/** Turns a parser that throws UsageError into a field. */
function parsedBy<T>(parse: (value: unknown) => T) {
  return z.unknown().transform((value, context): T => {
    try {
      return parse(value);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      context.addIssue({ code: 'custom', message: error.message, input: value });
      return z.NEVER;
    }
  });
}

function within(value: number, { min, max }: Required<Limits>, unit: string): number {
  if (value < min) throw new UsageError(`expected at least ${min} ${unit}, got ${value}`);
  if (value > max) throw new UsageError(`expected at most ${max} ${unit}, got ${value}`);
  return value;
}
