/** Exit codes of every command; part of the contract. */
export const EXIT = {
  ok: 0,
  couldNotRun: 1,
  usage: 2,
  violation: 3,
  threshold: 4,
  interrupted: 130,
} as const;

/** Invalid input or usage (exit code 2). The message is shown as it is, without a stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Something on this host stands in the way (exit code 1): says what, where and what to do. */
export class CouldNotRunError extends Error {
  override readonly name = 'CouldNotRunError';
}
