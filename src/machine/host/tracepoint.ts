/** The id of the syscall-entry tracepoint, without leaving anything mounted. */
import { wordsOf } from '../../base/errors/words.js';
import { readFile } from 'node:fs/promises';
import { x } from 'tinyexec';

const ENTER = 'events/raw_syscalls/sys_enter/id';
const EXIT = 'events/raw_syscalls/sys_exit/id';
const PLACES = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];

/**
 * Either the ids that perf_event_open takes, or why there are none. `exit` is that of the calls' results; absent
 * where only the other was found.
 */
export type Tracepoint = { id: number; exit?: number; reason: null } | { id: null; reason: string };

/**
 * Finds the ids of raw_syscalls:sys_enter and sys_exit. Where tracefs is not mounted it is mounted for a moment in a
 * mount namespace of its own, so that the host stays as it was.
 */
export async function syscallTracepoint(): Promise<Tracepoint> {
  for (const place of PLACES) {
    const id = await readId(`${place}/${ENTER}`);
    if (id === null) continue;
    const exit = await readId(`${place}/${EXIT}`);
    return { id, ...(exit === null ? {} : { exit }), reason: null };
  }
  if (process.getuid?.() !== 0) {
    return { id: null, reason: 'counting system calls by perf_event needs root' };
  }
  const script =
    'mount -t tracefs none /sys/kernel/tracing && cd /sys/kernel/tracing && cat "$1" "$2"';
  try {
    const { stdout, stderr, exitCode } = await x(
      'unshare',
      ['--mount', '--', 'sh', '-c', script, 'sh', ENTER, EXIT],
      { timeout: 5000 },
    );
    const [id, exit] = stdout.trim().split(/\s+/).map(Number);
    if (exitCode === 0 && isId(id) && isId(exit)) return { id, exit, reason: null };
    return { id: null, reason: `no syscall tracepoint: ${stderr.trim().split('\n')[0] ?? ''}` };
  } catch (error) {
    const said = wordsOf(error);
    return { id: null, reason: `no syscall tracepoint: ${said}` };
  }
}

async function readId(path: string): Promise<number | null> {
  try {
    const id = Number((await readFile(path, 'utf8')).trim());
    return isId(id) ? id : null;
  } catch {
    return null;
  }
}

function isId(id: number | undefined): id is number {
  return Number.isSafeInteger(id) && (id ?? 0) > 0;
}
