/** How splicebench is started on another host: the prefix, and what stands for splicebench there. */
import { x } from 'tinyexec';
import { join } from 'node:path';
import { HeldFolder } from '../../../base/process/held-folder.js';
import type { Reach } from '../../../data/record/plan.js';
import { packageVersion } from '../../../base/process/package-root.js';
import type { Host } from '../../host/host.js';

export interface HostLaunch {
  start: Pick<Host, 'prefix' | 'shell' | 'splicebench'>;
  /** Ends what the launch itself has started. Never throws. */
  close: () => Promise<void>;
}

/** Time to log in, seconds; less than a connection may take in all, so that ssh says why. */
const LOGIN_TIMEOUT = 8;
/** A link that is silent is given up after three times so many seconds. */
const KEEPALIVE = 5;
const EXIT_TIMEOUT = 3000;

/** Where `deploy` puts versions, as a shell there reads it. */
export function deployedRoot(): string {
  return '${XDG_CACHE_HOME:-$HOME/.cache}/splicebench/deployed';
}

/** Where it puts this one. */
export function deployedFolder(): string {
  return `${deployedRoot()}/${packageVersion()}`;
}

/**
 * argv that starts what `deploy` has put there, else the splicebench on PATH. Decided there each time:
 * nothing is remembered here about other hosts.
 */
export function launcher(): string[] {
  const script = [
    `main="${deployedFolder()}/dist/src/cli/main.js"`,
    'if [ -e "$main" ]; then',
    '  command -v node >/dev/null || { echo "node: not found" >&2; exit 127; }',
    '  exec node "$main" "$@"',
    'fi',
    'command -v splicebench >/dev/null || { echo "splicebench is not installed" >&2; exit 127; }',
    'exec splicebench "$@"',
  ];
  return ['sh', '-c', script.join('\n'), 'sh'];
}

/** @param splicebench argv there; null = the one that runs now */
export function prefixLaunch(
  prefix: readonly string[],
  splicebench: readonly string[] | null,
): HostLaunch {
  return {
    start: {
      prefix,
      shell: joinsWords(prefix),
      ...(splicebench === null ? {} : { splicebench }),
    },
    close: () => Promise.resolve(),
  };
}

/** ssh hands the words of a command to a shell there, with blanks between them. */
export function joinsWords(prefix: readonly string[]): boolean {
  return prefix.some((word) => /(^|\/)ssh$/.test(word));
}

/** Options that a login without anybody at the keyboard takes; the user's own go before. */
export function sshPrefix(
  { host, options }: Extract<Reach, { by: 'ssh' }>,
  controlPath: string | null,
): string[] {
  const own = [
    'BatchMode=yes',
    `ConnectTimeout=${LOGIN_TIMEOUT}`,
    `ServerAliveInterval=${KEEPALIVE}`,
    'ServerAliveCountMax=3',
    ...(controlPath === null
      ? []
      : ['ControlMaster=auto', 'ControlPersist=no', `ControlPath=${controlPath}`]),
  ];
  return ['ssh', '-T', ...options, ...own.flatMap((option) => ['-o', option]), '--', host];
}

/**
 * System OpenSSH under the user's configuration. The observer's connection is the one that all other
 * roles of the host share; its socket lies in a folder that goes with us.
 */
export async function sshLaunch(
  reach: Extract<Reach, { by: 'ssh' }>,
  splicebench: readonly string[],
): Promise<HostLaunch> {
  const folder = await HeldFolder.make();
  const controlPath = join(folder.path, 'ssh');
  const prefix = sshPrefix(reach, controlPath);
  return {
    start: { prefix, shell: true, splicebench },
    close: async () => {
      const [program = '', ...args] = prefix;
      // It has ended with the observer, unless something held it up.
      const exit = [...args.slice(0, -2), '-O', 'exit', ...args.slice(-2)];
      try {
        await x(program, exit, { timeout: EXIT_TIMEOUT });
      } catch {
        // Then its folder is all that is left of it.
      }
      await folder.remove();
    },
  };
}
