/**
 * A network namespace that is held by one idle process whose standard input is a pipe from us. When
 * we end, in whatever way, the pipe closes, the process ends, and the namespace is gone with all its
 * interfaces: there is no name to clean up.
 */
import { wordsOf } from '../errors/words.js';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { x } from 'tinyexec';

/** Start of the holder and of each set-up command, milliseconds. */
const SETUP_TIMEOUT = 10_000;

/** A way to make a namespace, with how to enter it, and how to make another of the same owner. */
export interface Way {
  make: readonly string[];
  enter: readonly string[];
  /** Entered before making further namespaces, so that interfaces can be moved between them. */
  owner: readonly string[];
}

/** Best first. */
export const WAYS: readonly Way[] = [
  { make: ['--net'], enter: ['--net'], owner: [] },
  // Without privileges: root inside a user namespace of our own, which may make network namespaces.
  {
    make: ['--net', '--user', '--map-root-user'],
    enter: ['--user', '--net', '--preserve-credentials'],
    owner: ['--user', '--preserve-credentials'],
  },
];

/** A namespace of ours, with its loopback up. */
export interface HeldNamespace {
  /** The holder; /proc/PID/net shows the namespace. */
  pid: number;
  /** Put before an argv to run it in there. */
  prefix: readonly string[];
  /** Gives the namespace back. Never throws. */
  end(): Promise<void>;
}

/**
 * Makes a namespace; a string says why it could not.
 * @param beside another namespace of ours, of which this one is to be a neighbour
 */
export async function holdNamespace(
  way: Way,
  beside: HeldNamespace | null = null,
): Promise<HeldNamespace | string> {
  const inOwner =
    beside === null || way.owner.length === 0
      ? ['unshare', ...way.make]
      : ['nsenter', `--target=${beside.pid}`, ...way.owner, '--', 'unshare', '--net'];
  // `cat` ends when its input does. The line says that unshare has done its work.
  const argv = [...inOwner, '--', 'sh', '-c', 'echo up; exec cat >/dev/null'];
  const made = await hold(argv);
  if (typeof made === 'string') return made;
  const prefix = ['nsenter', `--target=${made.pid}`, ...way.enter, '--'];
  const failure = await runCommand([...prefix, 'ip', 'link', 'set', 'lo', 'up']);
  if (failure === null) return { ...made, prefix };
  await made.end();
  return `cannot bring up its loopback: ${failure}`;
}

/** Why no namespace can be had here, the reason of every way; null when one can. It is given back at once. */
export async function namespaceRefusal(): Promise<string | null> {
  const refusals: string[] = [];
  for (const way of WAYS) {
    const made = await holdNamespace(way);
    if (typeof made !== 'string') {
      await made.end();
      return null;
    }
    refusals.push(made);
  }
  return [...new Set(refusals)].join('; ');
}

/** Runs a set-up command; null when it succeeded, else the first line of what it said. */
export async function runCommand(argv: readonly string[]): Promise<string | null> {
  const [program = '', ...args] = argv;
  try {
    const { exitCode, stderr } = await x(program, args, { timeout: SETUP_TIMEOUT });
    if (exitCode === 0) return null;
    return stderr.trim().split('\n')[0] ?? `exit code ${exitCode ?? 'unknown'}`;
  } catch (error) {
    return wordsOf(error);
  }
}

/** Sets a sysctl where the prefix leads; null, or why not. */
export async function writeSysctl(
  prefix: readonly string[],
  name: string,
  value: string,
): Promise<string | null> {
  const file = `/proc/sys/${name.replaceAll('.', '/')}`;
  return runCommand([...prefix, 'sh', '-c', 'printf %s "$2" > "$1"', 'sh', file, value]);
}

/**
 * What every namespace of a run has: no connection inherits what an earlier one learnt, and one that waits
 * for its turn does not begin slowly again.
 */
const OWN_SYSCTLS: Readonly<Record<string, string>> = {
  'net.ipv4.tcp_no_metrics_save': '1',
  'net.ipv4.tcp_slow_start_after_idle': '0',
};

/**
 * The settings of a namespace in which trials run: no memory of earlier connections, and what the
 * scenario asks for. Returns what could not be set, a sentence each.
 */
export async function writeSysctls(
  prefix: readonly string[],
  asked: Readonly<Record<string, string>>,
): Promise<string[]> {
  const limits: string[] = [];
  for (const [name, value] of Object.entries({ ...OWN_SYSCTLS, ...asked })) {
    const failure = await writeSysctl(prefix, name, value);
    if (failure !== null) limits.push(`sysctl ${name} could not be set to ${value}: ${failure}`);
  }
  return limits;
}

/** Starts the process that keeps the namespace; a string says why it could not. */
async function hold(argv: readonly string[]): Promise<Pick<HeldNamespace, 'pid' | 'end'> | string> {
  const [program = '', ...args] = argv;
  // A group of its own: Ctrl-C at the terminal is for us to handle.
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const outcome = await firstOutput(child);
  if (outcome !== null || child.pid === undefined) return outcome ?? 'unshare did not start';
  const { pid } = child;
  return {
    pid,
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), 1000);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** null once the child has printed something; else why it ended. */
async function firstOutput(child: ChildProcess): Promise<string | null> {
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      resolve('unshare did not answer');
    }, SETUP_TIMEOUT);
    const done = (result: string | null) => {
      clearTimeout(timer);
      resolve(result);
    };
    child.once('error', (error) => {
      done(error.message.includes('ENOENT') ? 'unshare not found (util-linux)' : error.message);
    });
    child.once('close', () => {
      done(complaint.trim().split('\n')[0] ?? 'unshare failed');
    });
    child.stdout?.once('data', () => {
      done(null);
    });
  });
}
