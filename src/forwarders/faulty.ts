/** `use: faulty`: copies, and breaks the stream on purpose, to see that it is noticed. */
import { z } from 'zod';
import { native } from '../native.js';
import { size } from '../scenario/fields.js';
import type { ForwarderKind } from './kind.js';

/** What it can do to a stream. */
export const FAULTS = [
  'none',
  'drop',
  'duplicate',
  'swap',
  'shift',
  'insert',
  'bit-flip',
  'zeros',
  'noise',
  'foreign',
  'decoy',
  'cross',
  'fin',
  'extra',
  'stall',
  'reset',
] as const;

/** Windows are held in memory. */
const most = 64 * 1024 * 1024;

export const faultyKind: ForwarderKind = {
  use: 'faulty',
  summary: 'copies, with a fault on purpose: to see that thresholds and reports notice',
  lab: true,
  options: z.strictObject({
    fault: z.enum(FAULTS).default('bit-flip'),
    /** Offset in the stream of the first fault, and the distance to the next; 0 = only one. */
    at: size({ min: 0 }).default(1024 * 1024),
    every: size().default(0),
    length: size({ min: 1, max: most }).default(4096),
    /** Of `shift`: from how far ahead the bytes are. */
    shift: size({ min: 1, max: most }).default(4096),
    direction: z.enum(['download', 'upload', 'both']).default('download'),
  }),
  runner: { kind: 'builtin', mechanism: 'faulty' },
  unavailable: () => Promise.resolve(native().unavailable('faulty')),
  refuses: () => null,
};
