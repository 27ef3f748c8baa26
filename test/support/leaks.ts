/**
 * Nothing may be left behind: processes are found by a mark in their environment, which everything
 * inherits however far it forks, and network namespaces by who is in them. Other work on the same
 * machine does not disturb.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
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

/** Network namespaces of marked processes that are not this process's. */
export function privateNetworks(mark: string): Set<string> {
  const own = networkOf(process.pid);
  return new Set(
    markedProcesses(mark).flatMap(({ network }) =>
      network === null || network === own ? [] : [network],
    ),
  );
}

/** Bytes received over loopback in a process's network namespace. */
export function rxBytes(pid: number): number {
  const line = readFileSync(`/proc/${pid}/net/dev`, 'utf8')
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
 * Fails when something that carries the mark still lives after some time, or when one of the
 * namespaces that were seen still has a process in it. Nothing has to be found twice: a process
 * that is just calling execve has no environment to read for a moment.
 */
export async function assertNothingLeft(
  mark: string,
  seen: ReadonlySet<string>,
  within = 2500,
): Promise<void> {
  const deadline = performance.now() + within;
  for (let clean = 0; ;) {
    const left = markedProcesses(mark).map(({ pid, command }) => `${pid} ${command.join(' ')}`);
    const held = [...networks()].filter((network) => seen.has(network));
    clean = left.length === 0 && held.length === 0 ? clean + 1 : 0;
    if (clean === 2) return;
    if (clean === 0 && performance.now() > deadline) {
      assert.deepEqual({ left, held }, { left: [], held: [] }, 'left behind');
    }
    await sleep(50);
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
