/** What versions of nginx differ in, for all that start one. */

/** `-e`, where errors go until the configuration is read, came with it. */
const ERROR_OPTION_SINCE = [1, 19, 5];

/** [1, 22, 1] of what `nginx -v` or `nginx -V` prints; empty when it says no version. */
export function nginxVersionIn(printed: string): number[] {
  return /nginx\/(\d+)\.(\d+)\.(\d+)/.exec(printed)?.slice(1).map(Number) ?? [];
}

/** True when a version is another or a later one. */
export function isAtLeast(version: readonly number[], least: readonly number[]): boolean {
  for (const [index, part] of least.entries()) {
    const own = version[index] ?? 0;
    if (own !== part) return own > part;
  }
  return true;
}

/**
 * Arguments that send errors to stderr from the start on. An older nginx refuses them: it tries its own
 * log first, goes on when it may not, and does as its configuration says from there on.
 */
export function errorsToStderr(version: readonly number[]): string[] {
  return isAtLeast(version, ERROR_OPTION_SINCE) ? ['-e', 'stderr'] : [];
}
