/** How a program is started so that it ends in order, and so that nothing of it outlives its trial. */
import { constants } from 'node:os';

/**
 * The first process of a process namespace. The kernel spares that one every signal that it has no
 * handler for: a program in its place could only be killed. It waits for the program, whose exit code
 * it passes on, and speaks to nobody; with it go all that the program has left behind. The parentheses
 * keep a program from being taken for one of the shell's own commands.
 */
const INIT = ['sh', '-c', 'exec 9>&2 2>/dev/null; (exec "$@" 2>&9 9>&-); exit $?', 'sh'];
/** unshare and INIT. */
const LAUNCHERS = 2;
/** A shell's exit code for "ended by signal n" is n more. */
const BY_SIGNAL = 128;

export interface ProgramLaunch {
  /** Put before the program's argv. */
  prefix: string[];
  /** Of the process tree so many from the root are not the program's. */
  launchers: number;
}

/**
 * Puts a program on its CPUs, and into a process namespace where that is allowed, so that whatever it
 * forks ends with it even when the role is killed.
 */
export function launch(cpus: readonly number[]): ProgramLaunch {
  const pin = cpus.length === 0 ? [] : ['taskset', '--cpu-list', cpus.join(',')];
  const die = ['setpriv', '--pdeathsig', 'KILL'];
  if (process.getuid?.() !== 0) return { prefix: [...die, ...pin], launchers: 0 };
  const enclose = ['unshare', '--pid', '--fork', '--kill-child=KILL', '--', ...INIT];
  return { prefix: [...die, ...enclose, ...pin], launchers: LAUNCHERS };
}

/** True for the ending, see endingOf, of a program that said itself that all went well. */
export function endedWell(ending: string): boolean {
  return ending === 'exit code 0';
}

/** "exit code 3", "signal SIGTERM": how a program ended that was started so. */
export function endingOf(
  { launchers }: ProgramLaunch,
  code: number | null,
  signal: NodeJS.Signals | null,
): string {
  if (signal !== null) return `signal ${signal}`;
  const number = launchers > 0 && code !== null ? code - BY_SIGNAL : 0;
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return name === undefined ? `exit code ${code ?? 'unknown'}` : `signal ${name}`;
}
