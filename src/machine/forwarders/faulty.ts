/** `use: faulty`: copies, and breaks the stream on purpose, to see that it is noticed. */
import { z } from 'zod';
import { native } from '../../data/native/native.js';
import { size, whole } from '../../base/units/fields.js';
import type { ForwarderKind } from './kind.js';
import { optionsOf } from './settings.js';

/** What it can do to a stream. */
const FAULTS = [
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
  'repeat-after-short-write',
  'spin-while-blocked',
  'leak-descriptors',
  'end-on-hang-up',
  'answer-cut-after-half-close',
  'late',
  'zerocopy-early',
] as const;

/** Windows are held in memory. */
const most = 64 * 1024 * 1024;

const settings = z.strictObject({
  fault: z.enum(FAULTS).default('bit-flip'),
  /** Offset in the stream of the first fault, and the distance to the next; 0 = only one. */
  at: size({ min: 0 }).default(1024 * 1024),
  every: size().default(0),
  length: size({ min: 1, max: most }).default(4096),
  /** Of `shift`: from how far ahead the bytes are. */
  shift: size({ min: 1, max: most }).default(4096),
  direction: z.enum(['download', 'upload', 'both']).default('download'),
  /** CPU beyond what it uses otherwise, per cent: with the fault `none` all bytes are right, and dearer. */
  burn: whole(0, 1000).default(0),
});

export const faultyKind: ForwarderKind = {
  use: 'faulty',
  summary: 'copies, with a fault on purpose: to see that thresholds and reports notice',
  damaging: true,
  options: optionsOf(settings),
  runner: { kind: 'builtin', mechanism: 'faulty', settings },
  unavailable: () => Promise.resolve(native().unavailable('faulty')),
  refuses: () => null,
};
