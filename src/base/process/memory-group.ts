/**
 * A control group of a trial's own that limits the kernel memory of what is started behind a prefix,
 * version 1 or 2, whichever has the `memory` controller here. Version 1 counts the memory of TCP sockets
 * by itself. Version 2 knows one limit for everything: it is set once the forwarder is up, to what that
 * takes then plus the limit, so that what comes in and waits runs into it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Controller, entering } from './control-group.js';

const V1_LIMIT = 'memory.kmem.tcp.limit_in_bytes';
const V1_PEAK = 'memory.kmem.tcp.max_usage_in_bytes';
const TIMEOUT = 5000;
/** Version 2 keeps no peak of the sockets: they are looked at so often, milliseconds. */
const WATCH = 20;

/** Why groups there cannot limit the memory of sockets, or null when they can. */
export function memoryLacking(controller: Controller | null): string | null {
  const what = 'limiting the memory of sockets needs';
  if (controller === null) {
    return `${what} the memory controller of cgroups, and no cgroup file system is mounted with it`;
  }
  const { version, folder } = controller;
  if (!existsSync(folder))
    return `${what} our own control group, and ${folder} is not visible here`;
  if (version === 1) {
    if (existsSync(join(folder, V1_LIMIT))) return null;
    return `${what} ${V1_LIMIT}, which ${folder} does not have (kernel without CONFIG_MEMCG_KMEM)`;
  }
  const enabled = contents(join(folder, 'cgroup.subtree_control')) ?? '';
  if (enabled.trim().split(' ').includes('memory')) return null;
  return `${what} memory in ${join(folder, 'cgroup.subtree_control')}`;
}

/** Waits for the forwarder to leave, which may take a moment after our own end. */
const HOLDER = [
  'trap "" HUP INT TERM',
  'mkdir "$1" || exit 1',
  'if ! echo "$3" >"$1/$2"; then rmdir "$1"; exit 1; fi',
  'echo made',
  'cat >/dev/null',
  'for attempt in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do',
  '  rmdir "$1" 2>/dev/null && exit',
  '  sleep 0.2',
  'done',
].join('\n');

let made = 0;

/** A control group that is gone when its user is: held by a process that waits on a pipe from us. */
export class MemoryGroup {
  /** Of the sockets, as far as it was seen; bytes. */
  private peak: number | null = null;
  private watch: NodeJS.Timeout | undefined;

  private constructor(
    private readonly version: 1 | 2,
    readonly path: string,
    private readonly bytes: number,
    private readonly holder: ChildProcess,
  ) {}

  /** @throws Error with what the kernel said when there is no such group to be had */
  static async make({ version, folder }: Controller, bytes: number): Promise<MemoryGroup> {
    const path = join(folder, `splicebench-${process.pid}-${made++}`);
    // Pages of the process that go to swap would make room for sockets.
    const first = version === 1 ? [V1_LIMIT, String(bytes)] : ['memory.swap.max', '0'];
    const holder = spawn('sh', ['-c', HOLDER, 'sh', path, ...first], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    let complaint = '';
    holder.stdin.on('error', () => undefined);
    holder.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
    const ready = once(holder.stdout, 'data').then(() => true);
    const failed = once(holder, 'close').then(
      () => false,
      () => false,
    );
    if (await Promise.race([ready, failed, sleep(TIMEOUT, false, { ref: false })])) {
      return new MemoryGroup(version, path, bytes, holder);
    }
    holder.kill('SIGKILL');
    throw new Error(`no control group for memory: ${complaint.trim() || 'no answer'}`);
  }

  /** Starts a program inside. */
  get prefix(): string[] {
    return entering(this.path);
  }

  /**
   * What was started inside is up, and has no connection yet: from here on the limit holds.
   * @throws Error when the kernel does not take it
   */
  tighten(): void {
    if (this.version === 1) return;
    const taken = numberIn(join(this.path, 'memory.current'));
    if (taken === null) throw new Error(`${this.path}/memory.current cannot be read`);
    writeFileSync(join(this.path, 'memory.max'), String(taken + this.bytes));
    this.look();
    this.watch = setInterval(() => {
      this.look();
    }, WATCH).unref();
  }

  private look(): void {
    const sock = /^sock (\d+)$/m.exec(contents(join(this.path, 'memory.stat')) ?? '')?.[1];
    if (sock !== undefined) this.peak = Math.max(this.peak ?? 0, Number(sock));
  }

  /**
   * What it came to, bytes; what cannot be read is absent. In version 1 the most that the sockets had:
   * what must not wait is granted above the limit, under pressure. In version 2 the same as it was seen
   * from time to time, the most of everything, and how many processes were killed for want of memory.
   */
  detail(): Record<string, number> {
    if (this.version === 1)
      return known({ socket_memory_peak: numberIn(join(this.path, V1_PEAK)) });
    this.look();
    const events = contents(join(this.path, 'memory.events')) ?? '';
    const killed = /^oom_kill (\d+)$/m.exec(events)?.[1];
    return known({
      socket_memory_peak: this.peak,
      memory_peak: numberIn(join(this.path, 'memory.peak')),
      memory_kills: killed === undefined ? null : Number(killed),
    });
  }

  async remove(): Promise<void> {
    clearInterval(this.watch);
    if (this.holder.exitCode !== null || this.holder.signalCode !== null) return;
    const gone = once(this.holder, 'exit');
    this.holder.stdin?.end();
    await Promise.race([gone, sleep(TIMEOUT, undefined, { ref: false })]);
  }
}

function contents(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function numberIn(path: string): number | null {
  const text = contents(path)?.trim() ?? '';
  return /^\d+$/.test(text) ? Number(text) : null;
}

function known(values: Record<string, number | null>): Record<string, number> {
  const entries = Object.entries(values).filter((one): one is [string, number] => one[1] !== null);
  return Object.fromEntries(entries);
}
