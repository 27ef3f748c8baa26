/**
 * Nothing may be left behind: processes are found by a mark in their environment, which everything
 * inherits however far it forks, and network namespaces by who is in them. Other work on the same
 * machine does not disturb.
 */
import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Name of the variable that carries the mark. */
export const MARK = 'SPLICEBENCH_TEST_MARK';

export interface MarkedProcess {
  pid: number;
  /** argv. */
  command: string[];
  /** Its network namespace, as the kernel names it. */
  network: string | null;
}

/** Living processes that carry a mark, this one left out. Zombies have no environment. */
export function markedProcesses(mark: string): MarkedProcess[] {
  return pids().flatMap((pid) => {
    if (pid === process.pid) return [];
    const environment = read(`/proc/${pid}/environ`);
    if (!environment?.split('\0').includes(`${MARK}=${mark}`)) return [];
    const command = (read(`/proc/${pid}/cmdline`) ?? '').split('\0').filter(Boolean);
    return [{ pid, command, network: networkOf(pid) }];
  });
}

/** Role processes by name ("source", "sink", "forwarder", "command"). */
export function roleProcess(mark: string, role: string): MarkedProcess | undefined {
  return markedProcesses(mark).find(({ command }) => {
    const at = command.indexOf('role');
    return at > 0 && command[at + 1] === role && !command.some((word) => word.endsWith('nsenter'));
  });
}

/** Network namespaces that have a process in them. */
export function networks(): Set<string> {
  return new Set(pids().flatMap((pid) => networkOf(pid) ?? []));
}

/**
 * Open files of namespaces that were seen. The kernel gives the number of one that has ended to the next
 * that anybody makes, which would then seem to be left behind; it does not while a file of it is open.
 */
const kept = new Map<string, number>();

/** Network namespaces of marked processes that are not this process's; kept until `assertNothingLeft`. */
export function privateNetworks(mark: string): Set<string> {
  const own = networkOf(process.pid);
  const found = markedProcesses(mark).filter(
    ({ pid, network }) => network !== null && network !== own && keep(pid, network),
  );
  return new Set(found.flatMap(({ network }) => network ?? []));
}

/** False when the process has ended, or is elsewhere by now. */
function keep(pid: number, network: string): boolean {
  if (kept.has(network)) return true;
  try {
    const file = openSync(`/proc/${pid}/ns/net`, 'r');
    const same = network === `net:[${fstatSync(file).ino}]`;
    if (same) kept.set(network, file);
    else closeSync(file);
    return same;
  } catch {
    return false;
  }
}

function release(networks: ReadonlySet<string>): void {
  for (const network of networks) {
    const file = kept.get(network);
    if (file !== undefined) closeSync(file);
    kept.delete(network);
  }
}

/** Bytes received over loopback in a process's network namespace; 0 where the process has ended. */
export function rxBytes(pid: number): number {
  const line = (read(`/proc/${pid}/net/dev`) ?? '')
    .split('\n')
    .find((text) => text.trim().startsWith('lo:'));
  return Number(line?.trim().split(/\s+/)[1] ?? 0);
}

/** Named namespaces (`ip netns`), which would outlive every process. */
export function namedNetworks(): string[] {
  try {
    return readdirSync('/run/netns').sort();
  } catch {
    return [];
  }
}

/**
 * How long something may take to end, milliseconds. Ending takes CPU, which a busy machine gives late; what ends
 * by itself only now and then takes longer: a role without a word from its orchestrator, after 15 s.
 */
export const GONE_WITHIN = 10_000;

/**
 * Fails when something that carries the mark still lives after some time, or when one of the
 * namespaces that were seen still has a process in it. Nothing has to be found twice: a process
 * that is just calling execve has no environment to read for a moment.
 */
export async function assertNothingLeft(
  mark: string,
  seen: ReadonlySet<string>,
  within = GONE_WITHIN,
): Promise<void> {
  const deadline = performance.now() + within;
  try {
    for (let clean = 0; clean < 2;) {
      const left = markedProcesses(mark).map(({ pid, command }) => `${pid} ${command.join(' ')}`);
      const held = [...networks()].filter((network) => seen.has(network));
      clean = left.length === 0 && held.length === 0 ? clean + 1 : 0;
      if (clean === 0 && performance.now() > deadline) {
        assert.deepEqual({ left, held }, { left: [], held: [] }, 'left behind');
      }
      await sleep(50);
    }
  } finally {
    release(seen);
  }
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function networkOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return null;
  }
}

/** A process may end at any moment: then there is nothing to read. */
function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
