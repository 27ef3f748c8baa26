/** Ways to see that a program is ready to be connected to. */
import { readFileSync } from 'node:fs';
import { x } from 'tinyexec';

/** As the kernel writes the state LISTEN. */
const LISTEN = '0A';

/** True when something in this network namespace listens on a TCP port. */
export function listens(port: number): boolean {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return ['tcp', 'tcp6'].some((table) => {
    let text: string;
    try {
      text = readFileSync(`/proc/self/net/${table}`, 'utf8');
    } catch {
      return false;
    }
    return text.split('\n').some((line) => {
      const [, local, , state] = line.trim().split(/\s+/);
      return state === LISTEN && local?.split(':')[1] === wanted;
    });
  });
}

/** A probe that takes longer than this has answered no, milliseconds. */
const PROBE_TIMEOUT = 2000;

/**
 * True when a command ends with exit code 0.
 * @param where its environment and working directory
 */
export async function succeeds(
  argv: readonly string[],
  where: { env: NodeJS.ProcessEnv; cwd?: string },
): Promise<boolean> {
  const [program = '', ...args] = argv;
  try {
    const { exitCode } = await x(program, args, {
      timeout: PROBE_TIMEOUT,
      nodeOptions: where,
    });
    return exitCode === 0;
  } catch {
    return false;
  }
}
