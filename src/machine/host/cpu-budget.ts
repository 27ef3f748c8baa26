/**
 * A limit on the CPU time of what is started behind a prefix: a control group of our own with a quota,
 * version 1 or 2, whichever has the `cpu` controller here. Its name carries the process that made it, so
 * that a later run finds and removes what a killed one left; groups of other makers are never touched.
 */
import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { entering, ownController } from '../../base/process/control-group.js';
import type { Host } from './host.js';
import { startOf } from '../../base/process/process-start.js';

/** Short, so that a share of a CPU is many small turns and not one long one. */
const PERIOD_US = 10_000;
/** The kernel's least quota. */
const LEAST_QUOTA_US = 1000;
/** The smallest budget that can be given, CPUs. */
export const LEAST_BUDGET = LEAST_QUOTA_US / PERIOD_US;
/** A group can be removed once its last process has been reaped. */
const REMOVE_TIMEOUT = 5000;
const POLL = 20;
const MARK = 'splicebench-cpu-';
const NAME = /^splicebench-cpu-(\d+)-(\d+)$/;

/** A budget that cannot be set here, and why. */
export class BudgetUnavailable extends Error {
  override readonly name = 'BudgetUnavailable';
}

export class CpuBudget {
  private constructor(
    private readonly version: 1 | 2,
    private readonly folder: string,
  ) {}

  /**
   * Makes a group without a limit, and removes those that killed runs left.
   * @throws BudgetUnavailable
   */
  static make(controller = ownController('cpu')): CpuBudget {
    if (controller === null) {
      throw new BudgetUnavailable('no cgroup file system with the cpu controller is mounted');
    }
    const { version, folder } = controller;
    try {
      removeOrphans(folder);
    } catch (error) {
      // In a namespace of its own a process may not see the group that /proc says it is in.
      const { code = '' } = error as NodeJS.ErrnoException;
      throw new BudgetUnavailable(
        `the control group ${folder} cannot be read (${code}); run where /sys/fs/cgroup shows it`,
      );
    }
    const path = join(folder, `${MARK}${process.pid}-${startOf(process.pid) ?? '0'}`);
    try {
      mkdirSync(path, { recursive: true });
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      throw new BudgetUnavailable(`a group in ${folder} cannot be made (${code}); run as root`);
    }
    const limit = join(path, version === 1 ? 'cpu.cfs_quota_us' : 'cpu.max');
    if (existsSync(limit)) return new CpuBudget(version, path);
    rmdirSync(path);
    const why = version === 1 ? 'without CFS bandwidth' : `cpu is not in cgroup.subtree_control`;
    throw new BudgetUnavailable(`groups in ${folder} have no CPU quota (${why})`);
  }

  /** @param cpus CPU seconds per second from now on */
  set(cpus: number): void {
    const quota = Math.max(LEAST_QUOTA_US, Math.round(cpus * PERIOD_US));
    if (this.version === 2) {
      writeFileSync(join(this.folder, 'cpu.max'), `${quota} ${PERIOD_US}`);
      return;
    }
    writeFileSync(join(this.folder, 'cpu.cfs_quota_us'), '-1');
    writeFileSync(join(this.folder, 'cpu.cfs_period_us'), `${PERIOD_US}`);
    writeFileSync(join(this.folder, 'cpu.cfs_quota_us'), `${quota}`);
  }

  /** The same host; what is started there joins the group before anything else. */
  confine(host: Host): Host {
    return { ...host, prefix: [...host.prefix, ...entering(this.folder)] };
  }

  /** Removes the group once it is empty. Never throws. */
  async end(): Promise<void> {
    const deadline = performance.now() + REMOVE_TIMEOUT;
    while (!removed(this.folder) && performance.now() < deadline) await sleep(POLL);
  }
}

/** Groups whose maker is gone. A group that still has processes is left to the next run. */
function removeOrphans(folder: string): void {
  for (const name of readdirSync(folder)) {
    const [, pid, start] = NAME.exec(name) ?? [];
    if (pid === undefined || startOf(Number(pid)) === start) continue;
    removed(join(folder, name));
  }
}

function removed(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
