/** Parsers of option values. Each throws InvalidArgumentError, which commander shows and exits with 2. */
import { InvalidArgumentError } from 'commander';
import { isIP } from 'node:net';
import { parseDuration, parseSize } from '../base/units/sizes.js';
import { parseSeed } from '../base/statistics/random.js';
import { UsageError } from '../base/errors/errors.js';

/** Where to listen or connect. */
export interface HostPort {
  host: string;
  port: number;
}

/** `127.0.0.1:4000`, `[::1]:4000`, `localhost:4000`, `:4000` (all addresses). */
export function hostPort(text: string): HostPort {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65535) {
    throw new InvalidArgumentError(`expected HOST:PORT, for example 127.0.0.1:4000`);
  }
  const host = match[1] ?? match[2] ?? '';
  const numeric = host === '' ? '0.0.0.0' : host === 'localhost' ? '127.0.0.1' : host;
  if (isIP(numeric) === 0) {
    throw new InvalidArgumentError(`'${host}' is not a numeric address; give one, or localhost`);
  }
  return { host: numeric, port };
}

export const size = wrapped(parseSize);
export const duration = wrapped(parseDuration);
export const seed = wrapped(parseSeed);

/** A whole number from 1. */
export function count(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError('expected a whole number from 1');
  }
  return value;
}

/** Hours, also a part of one; a month at most. */
export function hours(text: string): number {
  const value = Number(text);
  if (!/^[\d.]+$/.test(text) || !(value > 0) || value > 720) {
    throw new InvalidArgumentError('expected hours above 0, at most 720, for example 8 or 0.5');
  }
  return value;
}

/** A CPU number. */
export function cpu(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('expected a CPU number');
  return Number(text);
}

function wrapped<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof UsageError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}
