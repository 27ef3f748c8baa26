/**
 * Running everything with an addon built under AddressSanitizer and UBSan: SANITIZED_ADDON names it,
 * SANITIZER_RUNTIME the library that must be loaded first, SANITIZER_LOGS the folder for reports.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const { SANITIZED_ADDON, SANITIZER_RUNTIME, SANITIZER_LOGS } = process.env;

/** What programs under test need in their environment; empty without a sanitizer. */
export function sanitizerEnvironment(): Record<string, string> {
  if (!SANITIZED_ADDON || !SANITIZER_RUNTIME || !SANITIZER_LOGS) return {};
  // Node frees little of what it has at its end; leaks are looked for in the native tests.
  const log = `log_path=${join(SANITIZER_LOGS, 'report')}`;
  return {
    SPLICEBENCH_ADDON: SANITIZED_ADDON,
    LD_PRELOAD: SANITIZER_RUNTIME,
    ASAN_OPTIONS: `detect_leaks=0:${log}`,
    UBSAN_OPTIONS: `print_stacktrace=1:halt_on_error=1:${log}`,
  };
}

/** What the sanitizers have reported so far, of whichever process. */
export function sanitizerReports(): string[] {
  if (!SANITIZER_LOGS) return [];
  return readdirSync(SANITIZER_LOGS).map((name) => {
    return readFileSync(join(SANITIZER_LOGS, name), 'utf8').slice(0, 4000);
  });
}
