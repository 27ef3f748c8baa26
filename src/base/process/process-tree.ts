/** What a process and everything below it costs, from /proc. */
import { readdirSync, readFileSync } from 'node:fs';

/** Deeper trees than this are a fork bomb, not a proxy. */
const MOST_PROCESSES = 10_000;

/** The process and its living descendants, the root first; empty when it has ended. */
export function processTree(root: number): number[] {
  const pids: number[] = [];
  const queue = [root];
  for (let pid = queue.shift(); pid !== undefined; pid = queue.shift()) {
    const threads = threadsOf(pid);
    if (threads.length === 0 || pids.length >= MOST_PROCESSES) continue;
    pids.push(pid);
    for (const tid of threads) {
      const children = readText(`/proc/${pid}/task/${tid}/children`) ?? '';
      queue.push(...children.split(' ').filter(Boolean).map(Number));
    }
  }
  return pids;
}

/** Thread ids of a process; empty when it has ended. */
export function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

/**
 * Whether a thread of these processes runs, or waits for nothing but a CPU.
 * @param aside a thread that does not count: whoever asks for its own process runs while it does
 */
export function anyReady(pids: readonly number[], aside?: number): boolean {
  return pids.some((pid) =>
    threadsOf(pid).some((tid) => tid !== aside && statFields(`${pid}/task/${tid}`)?.[0] === 'R'),
  );
}

/** Processes that were started with a variable in their environment, as far as it may be read. */
export function withVariable(name: string, value: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => readText(`/proc/${pid}/environ`)?.split('\0').includes(`${name}=${value}`));
}

/** The fields of /proc/PID/stat from the third on: the second, a name in parentheses, may hold anything. */
function statFields(task: number | string): string[] | null {
  return readText(`/proc/${task}/stat`)?.replace(/^.*\)/s, '').trim().split(' ') ?? null;
}

/** The kernel gives times in /proc/PID/stat in hundredths of a second, whatever its own tick is. */
const TICK_NS = 1e7;

/**
 * CPU time so far of a process and its descendants, nanoseconds: of the living from schedstat, of
 * those that have ended and were waited for in ticks of 10 ms. What ended without being waited for is
 * not in it.
 * @param tree of that process, where it is known already
 */
export function treeCpuNs(root: number, tree = processTree(root)): number {
  const living = sumThreads(tree, 'schedstat', (text) => Number(text.split(' ')[0] ?? 0));
  return living + endedChildrenNs(tree);
}

/** CPU time of the tree's ended children, which their parents have waited for. */
function endedChildrenNs(tree: readonly number[]): number {
  let ticks = 0;
  for (const pid of tree) {
    // cutime and cstime are 16 and 17.
    const fields = statFields(pid);
    ticks += Number(fields?.[13] ?? 0) + Number(fields?.[14] ?? 0);
  }
  return ticks * TICK_NS;
}

/** Voluntary and involuntary context switches so far of the tree; `tree` as above. */
export function treeContextSwitches(root: number, tree = processTree(root)): number {
  return sumThreads(tree, 'status', contextSwitchesIn);
}

/** Context switches of some threads of a process; null when one of them has ended. */
export function threadsContextSwitches(pid: number, tids: readonly number[]): number | null {
  let sum = 0;
  for (const tid of tids) {
    const text = readText(`/proc/${pid}/task/${tid}/status`);
    if (text === null) return null;
    sum += contextSwitchesIn(text);
  }
  return sum;
}

function contextSwitchesIn(status: string): number {
  let sum = 0;
  for (const match of status.matchAll(/^(?:non)?voluntary_ctxt_switches:\s+(\d+)/gm)) {
    sum += Number(match[1]);
  }
  return sum;
}

function sumThreads(tree: readonly number[], file: string, read: (text: string) => number): number {
  let sum = 0;
  for (const pid of tree) {
    for (const tid of threadsOf(pid)) {
      const text = readText(`/proc/${pid}/task/${tid}/${file}`);
      if (text !== null) sum += read(text);
    }
  }
  return sum;
}

/** A thread may end at any moment: then there is nothing to read. */
function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
