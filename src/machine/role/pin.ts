import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Puts all threads of this process on its CPUs; children follow. Without CPUs it stays anywhere. */
export async function pinProcess(cpus: readonly number[]): Promise<void> {
  if (cpus.length === 0) return;
  const list = cpus.join(',');
  await promisify(execFile)('taskset', [
    '--all-tasks',
    '--pid',
    '--cpu-list',
    list,
    `${process.pid}`,
  ]);
}
