/** What the bad proxy can do, and where: known to it and to the tests that look for it. */

/** Offset of the first spoiled byte: not a multiple of anything. */
export const BAD_AT = 1_000_003;
/** Bytes flipped to zero, dropped, sent twice, swapped with as many after them. */
export const BAD_LENGTH = 4099;
/** Bytes after the end. */
export const EXTRA_LENGTH = 777;

export type BadMode =
  | 'honest'
  | 'flip'
  | 'zeros'
  | 'drop'
  | 'duplicate'
  | 'swap'
  | 'truncate'
  | 'reset'
  | 'stall'
  | 'extra';
