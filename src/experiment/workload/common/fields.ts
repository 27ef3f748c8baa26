/** Keys of a workload that every kind has, or that several have. */
import { z } from 'zod';
import { bitRate, duration, size, whole } from '../../../base/units/fields.js';
import { shown } from '../../../base/units/sizes.js';
import type { AnyWorkload } from '../../../data/record/plan.js';
import { CHECKS } from '../../../data/record/words.js';

/** Bytes that one decoy may keep. */
const LEAST_DECOY = 2 ** 18;
const MOST_DECOY = 2 ** 30;

const decoys = z.strictObject({
  count: whole(1, 16).default(1),
  bytes: size({ min: LEAST_DECOY, max: MOST_DECOY }).default(2 ** 26),
  /** Bytes per second. */
  rate: size({ min: 0, max: 2 ** 33 }).default(2 ** 26),
});

export const COMMON_FIELDS = {
  /** Open at the same time. */
  connections: whole(1, 1_000_000),
  /** Seconds. */
  seconds: duration({ min: 0.05, max: 86_400 }),
  /** Seconds. */
  warmup: duration({ max: 3600 }),
  check: z.enum(CHECKS),
  /** Seconds. */
  stall: duration({ min: 0.1, max: 3600 }),
  decoys: decoys.nullable(),
  unprivileged: z.boolean(),
  memory: size({ min: 65_536 }).nullable(),
  mode: z.enum(['alternate', 'solo']),
} satisfies Record<keyof AnyWorkload, z.ZodType>;

export const COMMON_DEFAULTS: AnyWorkload = {
  connections: 1,
  seconds: 2,
  warmup: 0.5,
  check: 'full',
  stall: 5,
  decoys: null,
  unprivileged: false,
  memory: null,
  mode: 'alternate',
};

/** Bits per second of a stream: at least a byte. */
export const LEAST_RATE = 8;
const MOST_RATE = 1e12;

/** A rate as written: what a number counts depends on the kind, a unit says bits. */
export type GivenRate = number | { bitsPerSecond: number };

/** Of streams and exchanges; null = nothing holds the source back. */
export const RATE = z
  .unknown()
  .transform((value, context): GivenRate => {
    if (typeof value === 'number' && value > 0 && value <= MOST_RATE) return value;
    const bits = bitRate({ min: LEAST_RATE, max: MOST_RATE }).safeParse(value);
    if (bits.success && typeof value === 'string') return { bitsPerSecond: bits.data };
    const said = bits.error?.issues[0]?.message;
    const message = said ?? `expected a rate above 0, got ${shown(value)}`;
    context.addIssue({ code: 'custom', message, input: value });
    return z.NEVER;
  })
  .nullable();

/** In requests or bits per second, whichever the kind counts. */
export function rateNumber(given: GivenRate): number {
  return typeof given === 'number' ? given : given.bitsPerSecond;
}

/** Bytes of one connection (churn) or of one response (http). */
export const BODY = size({ max: 2 ** 40 });
