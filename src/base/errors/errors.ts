/** Exit codes of every command, as README.md has them: users' scripts rely on them. */
export const EXIT = {
  ok: 0,
  couldNotRun: 1,
  usage: 2,
  violation: 3,
  threshold: 4,
  interrupted: 130,
} as const;

/** Exit codes of `lab --bisect`, as `git bisect run` wants them. */
export const BISECT = { clean: 0, violation: 1, couldNotTell: 125 } as const;

/** Invalid input or usage (exit code 2). The message is shown as it is, without a stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Something on this host stands in the way (exit code 1): says what, where and what to do. */
export class CouldNotRunError extends Error {
  override readonly name = 'CouldNotRunError';
}
