/** Control groups: where this process may make them, and how a program is started in one. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A hierarchy with a controller, and the folder where groups of our own are made. */
export interface Controller {
  version: 1 | 2;
  folder: string;
}

/**
 * Where this process may make groups for a controller; null where no hierarchy can have it.
 * @param mounts contents of /proc/self/mounts
 * @param own contents of /proc/self/cgroup
 */
export function findController(name: string, mounts: string, own: string): Controller | null {
  const lines = mounts.split('\n').map((line) => line.split(' '));
  const v1 = lines.find(
    ([, , type, options = '']) => type === 'cgroup' && options.split(',').includes(name),
  )?.[1];
  if (v1 !== undefined) return { version: 1, folder: join(v1, groupOf(name, own) ?? '/') };
  // Beside our own: a group of version 2 with processes has no children with controllers.
  const v2 = lines.find(([, , type]) => type === 'cgroup2')?.[1];
  return v2 === undefined ? null : { version: 2, folder: v2 };
}

/** The one of this process. */
export function ownController(name: string): Controller | null {
  try {
    return findController(
      name,
      readFileSync('/proc/self/mounts', 'utf8'),
      readFileSync('/proc/self/cgroup', 'utf8'),
    );
  } catch {
    return null;
  }
}

/**
 * The path of a process's group in a hierarchy of version 1, or null when the controller has none.
 * @param own contents of /proc/PID/cgroup
 */
function groupOf(controller: string, own: string): string | null {
  const lines = own.split('\n').map((line) => /^\d+:([^:]*):(.*)$/.exec(line));
  const line = lines.find((match) => match?.[1]?.split(',').includes(controller));
  return line?.[2] ?? null;
}

/** A prefix of argv: joins the group before anything else. */
export function entering(folder: string): string[] {
  const enter = 'echo $$ >"$0/cgroup.procs" && exec "$@"';
  return ['sh', '-c', enter, folder];
}
