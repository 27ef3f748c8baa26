/** Bounds as people write them: `corruption < 1/TB`, `splice.corruption < 5/1000 connections`. */
import type { BoundUnit } from '../../data/integrity/bound-reached.js';
import { rateDigits } from '../../data/integrity/tally-text.js';
import { suggestion } from '../../base/text/nearest.js';

/** A bound on the rate of corruption, at 95 %. Plain data: it is stored with the scenario. */
export interface BoundQuantity {
  kind: 'bound';
  /** null = each forwarder that can be checked. */
  forwarder: string | null;
  unit: BoundUnit;
  /** Bytes or connections that the limit is written per: 1e12 for `/TB`. */
  per: number;
  /** "TB", "1,000 connections". */
  perText: string;
  /** Set where trials go on until the bound is reached, which takes a stricter one; absent = judged once. */
  looks?: 'repeated';
}

export const EXPECTED_BOUND =
  "expected [FORWARDER.]corruption < NUMBER/UNIT, such as 'corruption < 1/TB', " +
  "'splice.corruption < 5/GB' or 'corruption < 1/1000 connections'";

const BYTE_UNITS: Readonly<Record<string, number>> = { TB: 1e12, GB: 1e9, MB: 1e6 };

/** True for a text that means to be a bound, be it a valid one or not. */
export function looksLikeBound(text: string): boolean {
  return /(^|\.)\s*corruption\s*(<|$)/.test(text.trim());
}

/**
 * Parses a bound.
 * @param labels the forwarders of the scenario
 * @returns what is bounded and the limit in the unit as written, or what is wrong with it
 */
export function parseBound(
  text: string,
  labels: readonly string[],
): { quantity: BoundQuantity; limit: number } | string {
  const match = /^\s*(?:(.+)\.)?corruption\s*<\s*([\d.]+)\s*\/\s*([\d,_]+\s*)?([A-Za-z]+)\s*$/.exec(
    text,
  );
  const [, forwarder = null, number, many = '1', unit = ''] = match ?? [];
  const limit = Number(number);
  const times = Number(many.replaceAll(/[,_\s]/g, ''));
  const isBytes = unit in BYTE_UNITS;
  const known = isBytes || /^(connection|transfer)s?$/.test(unit);
  if (match === null || !(limit > 0) || !(times > 0) || !known) return EXPECTED_BOUND;
  if (forwarder !== null && !labels.includes(forwarder)) {
    return `unknown forwarder '${forwarder}'${suggestion(forwarder, labels)}`;
  }
  const count = times === 1 ? '' : `${times.toLocaleString('en-US')} `;
  const noun = isBytes ? unit : times === 1 ? 'connection' : 'connections';
  return {
    quantity: {
      kind: 'bound',
      forwarder,
      unit: isBytes ? 'byte' : 'connection',
      per: times * (BYTE_UNITS[unit] ?? 1),
      perText: count + noun,
    },
    limit,
  };
}

/** "3.5 per TB": a rate per byte or connection in the unit of the bound. */
export function boundRateText(rate: number, { per, perText }: BoundQuantity): string {
  return `${rateDigits(rate * per)} per ${perText}`;
}
