/** What says that a program was built to find faults, and not to be fast. */
import { readFileSync } from 'node:fs';

/** Libraries of sanitizers in a process's memory, by their names. */
const SANITIZERS: readonly [RegExp, string][] = [
  [/\/lib(?:clang_rt\.)?asan[^/]*\.so/, 'AddressSanitizer'],
  [/\/lib(?:clang_rt\.)?tsan[^/]*\.so/, 'ThreadSanitizer'],
  [/\/lib(?:clang_rt\.)?ubsan[^/]*\.so/, 'UndefinedBehaviorSanitizer'],
];

/**
 * What programs print of how they were built. No sign are -DDEBUG_STRICT and -DDEBUG_MEMORY_POOLS, which HAProxy's
 * usual packages have, and --with-debug, which nginx's have: it makes its debugging log possible and costs next to nothing.
 */
const MARKS: readonly RegExp[] = [
  /(?<![\w-])-O0(?![\w-])/,
  /(?<![\w-])-fsanitize=[a-z,]+/,
  /(?<![\w-])-DDEBUG_(?:UAF|FULL|DEV|THREAD|EXPR|FAIL_ALLOC|DONT_SHARE_POOLS)(?![\w])/,
];

/**
 * @param build what a program prints of how it was built; empty = it prints nothing
 * @param maps the text of /proc/PID/maps of each of its processes
 * @returns "-O0, AddressSanitizer"; null = nothing says that it is a debug build
 */
export function debugBuildOf(build: string, maps: readonly string[]): string | null {
  const marks = MARKS.flatMap((mark) => mark.exec(build)?.[0] ?? []);
  const loaded = SANITIZERS.flatMap(([library, name]) =>
    maps.some((text) => library.test(text)) ? name : [],
  );
  const found = [...marks, ...loaded];
  return found.length === 0 ? null : found.join(', ');
}

/** Of processes that run now; what has ended meanwhile says nothing. */
export function debugBuildOfProcesses(build: string, pids: readonly number[]): string | null {
  const maps = pids.flatMap((pid) => {
    try {
      return [readFileSync(`/proc/${pid}/maps`, 'utf8')];
    } catch {
      return [];
    }
  });
  return debugBuildOf(build, maps);
}
