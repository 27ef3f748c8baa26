/**
 * Keeps two runs from writing the same folder. The lock is a file that names its process; one whose
 * process is gone is taken over.
 */
import { randomUUID } from 'node:crypto';
import { link, readFile, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { startOf } from './process-start.js';

const NAME = 'lock';

/** How often and how long to wait while another process removes a stale lock, in milliseconds. */
const GUARD_POLL_MS = 20;
const GUARD_LIMIT_MS = 2000;

/** Who holds a lock. A pid alone would be mistaken after it is reused or after a reboot. */
interface Holder {
  host: string;
  pid: number;
  /** Clock ticks from boot to the start of the process; null when /proc does not say. */
  started: string | null;
  boot: string | null;
}

/** The folder is being written by a process that is alive. */
export class LockedError extends Error {
  override readonly name = 'LockedError';
}

/** A lock that is held. */
export interface Lock {
  /** Gives the folder free. Safe to call twice. */
  release(): Promise<void>;
}

/**
 * Locks a folder for this process.
 * @throws LockedError when a living process holds it; errors of the file system as they are
 */
export async function lockFolder(folder: string): Promise<Lock> {
  const path = join(folder, NAME);
  const own = `${path}.${process.pid}.${randomUUID()}`;
  await writeFile(own, JSON.stringify(await holder(process.pid)));
  try {
    while (!(await linked(own, path))) await removeStale(path, folder);
  } finally {
    await removed(own);
  }
  let held = true;
  return {
    release: async () => {
      if (held) await removed(path);
      held = false;
    },
  };
}

/** link(2) fails when the name exists, so of two processes one wins. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/**
 * Removes a lock whose process is gone. Of several that find the same one stale, only the holder of
 * the guard removes it, after having looked again: else the second would remove the fresh lock of the
 * first.
 */
async function removeStale(path: string, folder: string): Promise<void> {
  if (!(await isStale(path, folder))) return;
  const guard = `${path}.takeover`;
  const deadline = Date.now() + GUARD_LIMIT_MS;
  while (!(await createdNew(guard))) {
    if (Date.now() > deadline) {
      throw new LockedError(
        `${folder}: another run is taking over; if it has ended, remove ${guard}`,
      );
    }
    await setTimeout(GUARD_POLL_MS);
  }
  try {
    if (await isStale(path, folder)) await removed(path);
  } finally {
    await removed(guard);
  }
}

/**
 * True when there is a lock and its process is gone, false when there is none.
 * @throws LockedError when its process is alive, or may be
 */
async function isStale(path: string, folder: string): Promise<boolean> {
  const text = await content(path);
  if (text === null) return false;
  const held = parseHolder(text);
  if (held === null) return true;
  if (held.host !== hostname()) {
    const remedy = `if it has ended, remove ${path}`;
    throw new LockedError(
      `${folder}: a run on host ${held.host} is writing this folder; ${remedy}`,
    );
  }
  if (await isAlive(held)) {
    throw new LockedError(`${folder}: another run (process ${held.pid}) is writing this folder`);
  }
  return true;
}

async function createdNew(path: string): Promise<boolean> {
  try {
    await writeFile(path, '', { flag: 'wx' });
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
}

async function holder(pid: number): Promise<Holder> {
  const boot = await content('/proc/sys/kernel/random/boot_id');
  return { host: hostname(), pid, started: startOf(pid), boot: boot?.trim() ?? null };
}

async function isAlive(held: Holder): Promise<boolean> {
  try {
    process.kill(held.pid, 0);
  } catch (error) {
    // EPERM: it exists and belongs to someone else.
    if (!isCode(error, 'EPERM')) return false;
  }
  const now = await holder(held.pid);
  return now.started === held.started && now.boot === held.boot;
}

function parseHolder(text: string): Holder | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    const { host, pid, started, boot } = value as Partial<Holder>;
    if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return null;
    return { host: host ?? hostname(), pid, started: started ?? null, boot: boot ?? null };
  } catch {
    return null;
  }
}

/** The text of a file, or null when there is none. */
async function content(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT') || isCode(error, 'ESRCH')) return null;
    throw error;
  }
}

async function removed(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}
