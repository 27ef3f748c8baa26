/**
 * Quantities as people write them in scenarios and options: sizes (`64KiB`), durations (`200ms`),
 * shares (`3%`) and CPU lists (`0-2,5`). Every parser takes the text or a plain number, gives plain
 * numbers in one unit, and throws a UsageError that says what it expected and what it got.
 */
import { UsageError } from '../errors/errors.js';

const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** Largest first, so that formatting takes the largest unit that divides. */
const BINARY_UNITS = ['TiB', 'GiB', 'MiB', 'KiB'] as const;

const RATE_UNITS: Readonly<Record<string, number>> = {
  bps: 1,
  kbps: 1e3,
  Kbps: 1e3,
  Mbps: 1e6,
  Gbps: 1e9,
  Tbps: 1e12,
};

/** Largest first. */
const RATE_NAMES = ['Tbps', 'Gbps', 'Mbps', 'kbps', 'bps'] as const;

const DURATION_UNITS: Readonly<Record<string, number>> = {
  us: 1e-6,
  ms: 1e-3,
  s: 1,
  min: 60,
  h: 3600,
};

/** No machine has a CPU with a higher number; it keeps `0-4000000000` from filling the memory. */
export const HIGHEST_CPU = 65_535;

/**
 * A size in bytes: `64KiB`, `1MiB`, `1500`, `2GB` (decimal units are decimal).
 * @throws UsageError unless it is a whole number of bytes, 0 or more
 */
export function parseSize(value: unknown): number {
  const expected = 'a size such as 64KiB, 1MiB or 1500';
  const parts = quantity(value);
  if (parts === null) throw mismatch(expected, value);
  const factor = parts.unit === '' ? 1 : SIZE_UNITS[parts.unit];
  if (factor === undefined) {
    throw mismatch(`${expected} (units ${Object.keys(SIZE_UNITS).join(', ')})`, value);
  }
  const bytes = parts.number * factor;
  if (!Number.isSafeInteger(bytes)) throw mismatch('a whole number of bytes', value);
  return bytes;
}

/** Bytes as `parseSize` reads them back, in the largest binary unit that divides them: `64KiB`. */
export function formatSize(bytes: number): string {
  for (const unit of BINARY_UNITS) {
    const factor = SIZE_UNITS[unit] ?? 1;
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return String(bytes);
}

/**
 * A bit rate in bits per second: `1Gbps`, `500Mbps`; a plain number is bits per second.
 * @throws UsageError unless it is finite and 0 or more
 */
export function parseBitRate(value: unknown): number {
  const expected = 'a bit rate such as 1Gbps or 500Mbps';
  const parts = quantity(value);
  if (parts === null) throw mismatch(expected, value);
  const factor = parts.unit === '' ? 1 : RATE_UNITS[parts.unit];
  if (factor === undefined) {
    throw mismatch(`${expected} (units ${Object.keys(RATE_UNITS).join(', ')})`, value);
  }
  return Number((parts.number * factor).toPrecision(12));
}

/** Bits per second as `parseBitRate` reads them back, in the largest unit of at least one: `1.5Gbps`. */
export function formatBitRate(bitsPerSecond: number): string {
  const unit = RATE_NAMES.find((name) => bitsPerSecond >= (RATE_UNITS[name] ?? 1)) ?? 'bps';
  return `${Number((bitsPerSecond / (RATE_UNITS[unit] ?? 1)).toPrecision(12))}${unit}`;
}

/**
 * A duration in seconds: `3s`, `200ms`, `2min`; a plain number is seconds.
 * @throws UsageError unless it is finite and 0 or more
 */
export function parseDuration(value: unknown): number {
  const expected = 'a duration such as 3s or 200ms';
  const parts = quantity(value);
  if (parts === null) throw mismatch(expected, value);
  const factor = parts.unit === '' ? 1 : DURATION_UNITS[parts.unit];
  if (factor === undefined) {
    throw mismatch(`${expected} (units ${Object.keys(DURATION_UNITS).join(', ')})`, value);
  }
  // 200 * 1e-3 is not 0.2 in binary; twelve digits are more than any clock here has.
  return Number((parts.number * factor).toPrecision(12));
}

/** Seconds as `parseDuration` reads them back: `3s`, `200ms`. */
export function formatDuration(seconds: number): string {
  return seconds > 0 && seconds < 1
    ? `${Number((seconds * 1e3).toPrecision(12))}ms`
    : `${seconds}s`;
}

/**
 * A share as a fraction of one: `3%` is 0.03, and so is the plain number 0.03.
 * @throws UsageError unless it is finite and 0 or more
 */
export function parseShare(value: unknown): number {
  const expected = 'a share such as 3%';
  const parts = quantity(value);
  if (parts === null || !['', '%'].includes(parts.unit)) throw mismatch(expected, value);
  return parts.unit === '%' ? Number((parts.number / 100).toPrecision(12)) : parts.number;
}

/** A fraction as `parseShare` reads it back: `3%`. */
export function formatShare(fraction: number): string {
  return `${Number((fraction * 100).toPrecision(12))}%`;
}

/**
 * CPU numbers in ascending order, without repeats: `1`, `[0, 1]` or `0-2,5`, as taskset writes them.
 * @throws UsageError when it is none of these or empty
 */
export function parseCpuList(value: unknown): number[] {
  const cpus = new Set<number>();
  for (const item of Array.isArray(value) ? (value as unknown[]) : [value]) {
    if (typeof item !== 'number' && typeof item !== 'string') throw badCpuList(value);
    for (const range of String(item).split(',')) addCpuRange(cpus, range.trim(), value);
  }
  if (cpus.size === 0) throw badCpuList(value);
  return [...cpus].sort((a, b) => a - b);
}

function addCpuRange(cpus: Set<number>, range: string, whole: unknown): void {
  const match = /^(\d+)(?:-(\d+))?$/.exec(range);
  if (match === null) throw badCpuList(whole);
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (first > last || last > HIGHEST_CPU) throw badCpuList(whole);
  for (let cpu = first; cpu <= last; cpu++) cpus.add(cpu);
}

function badCpuList(value: unknown): UsageError {
  return mismatch('CPU numbers such as 1, [0, 1] or 0-2,5', value);
}

/** Splits a number and its unit; null when it is neither, negative, or not finite. */
function quantity(value: unknown): { number: number; unit: string } | null {
  if (typeof value === 'number') {
    return Number.isFinite(value) && value >= 0 ? { number: value, unit: '' } : null;
  }
  if (typeof value !== 'string') return null;
  const match = /^\s*(\d+(?:\.\d+)?(?:e\d+)?)\s*([a-zA-Z%]*)\s*$/.exec(value);
  if (match === null) return null;
  const number = Number(match[1]);
  return Number.isFinite(number) ? { number, unit: match[2] ?? '' } : null;
}

function mismatch(expected: string, value: unknown): UsageError {
  return new UsageError(`expected ${expected}, got ${shown(value)}`);
}

/** A value as it may be quoted in a message: short, on one line, strings in single quotes. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'string') return `'${abridged(value)}'`;
  return abridged(JSON.stringify(value));
}

function abridged(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}
