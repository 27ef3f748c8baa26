/** The id of the syscall-entry tracepoint, without leaving anything mounted. */
import { readFile } from 'node:fs/promises';
import { x } from 'tinyexec';

const RELATIVE = 'events/raw_syscalls/sys_enter/id';
const PLACES = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];

/** Either the id that perf_event_open takes, or why there is none. */
export type Tracepoint = { id: number; reason: null } | { id: null; reason: string };

/**
 * Finds the id of raw_syscalls:sys_enter. Where tracefs is not mounted it is mounted for a moment in a
 * mount namespace of its own, so that the host stays as it was.
 */
export async function syscallTracepoint(): Promise<Tracepoint> {
  for (const place of PLACES) {
    const id = await readId(`${place}/${RELATIVE}`);
    if (id !== null) return { id, reason: null };
  }
  if (process.getuid?.() !== 0) {
    return { id: null, reason: 'counting system calls by perf_event needs root' };
  }
  const script = 'mount -t tracefs none /sys/kernel/tracing && cat "/sys/kernel/tracing/$1"';
  try {
    const { stdout, stderr, exitCode } = await x(
      'unshare',
      ['--mount', '--', 'sh', '-c', script, 'sh', RELATIVE],
      { timeout: 5000 },
    );
    const id = Number(stdout.trim());
    if (exitCode === 0 && Number.isSafeInteger(id) && id > 0) return { id, reason: null };
    return { id: null, reason: `no syscall tracepoint: ${stderr.trim().split('\n')[0] ?? ''}` };
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return { id: null, reason: `no syscall tracepoint: ${said}` };
  }
}

async function readId(path: string): Promise<number | null> {
  try {
    const id = Number((await readFile(path, 'utf8')).trim());
    return Number.isSafeInteger(id) && id > 0 ? id : null;
  } catch {
    return null;
  }
}
