/** Puts the package on another host, and takes it away again: a script there, a tar through its input. */
import { spawn } from 'node:child_process';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import { commandOn, type Host } from '../../machine/host/host.js';
import { deployedFolder, deployedRoot } from '../../machine/topology/hosts/host-launch.js';
import { packageRoot } from '../../base/process/package-root.js';
import { packageFiles } from './package-files.js';

/** How a host is reached. */
export type DeployTarget = Pick<Host, 'name' | 'prefix' | 'shell'>;

export interface Installed {
  folder: string;
  node: string;
  arch: string;
  /** How its addon came about. */
  addon: 'as built here' | 'built there';
}

/** Until the script begins over there, milliseconds: as long as a run waits for a host. */
const ANSWER_TIMEOUT = 10_000;
/** What it says then, as its first line. */
const BEGUN = 'splicebench: begun';
/** Includes a build over there, milliseconds. */
const INSTALL_TIMEOUT = 600_000;
const REMOVE_TIMEOUT = 30_000;
const SAID_KEPT = 4000;

/**
 * Unpacks beside what is there and takes its place when it works, so that a failure leaves what there
 * was, and nothing else. Prints one line of JSON at the end.
 */
const INSTALL = `echo '${BEGUN}'
set -eu
command -v node >/dev/null || { echo "node: not found; install node 20 or newer" >&2; exit 1; }
node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' || {
  echo "node $(node --version) is too old, 20 or newer is needed" >&2; exit 1; }
final="${deployedFolder()}"
new="$final.new.$$"
trap 'rm -rf "$new" "$final.old.$$"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$new"
tar -xzf - -C "$new"
[ -e "$new/package.json" ] || { echo "the package did not arrive whole" >&2; exit 1; }
addon='as built here'
loads() { (cd "$new" && node -e 'require("./native/build/Release/splicebench.node")' 2>&1); }
if ! loads >/dev/null; then
  addon='built there'
  gyp=$(npm root -g 2>/dev/null || true)/npm/node_modules/node-gyp/bin/node-gyp.js
  if [ -e "$gyp" ]; then set -- node "$gyp"; else set -- node-gyp; fi
  command -v "$1" >/dev/null || { echo "the addon does not load, and there is no npm or node-gyp to build it" >&2; exit 1; }
  home=$(dirname "$(dirname "$(node -p process.execPath)")")
  if [ -e "$home/include/node/node.h" ]; then set -- "$@" "--nodedir=$home"; fi
  (cd "$new" && "$@" rebuild -C native -j max --loglevel=error >"$new/build.log" 2>&1 </dev/null) || {
    echo "the addon does not load, and its build failed: $(grep -iE 'error|not found' "$new/build.log" | head -n 1)" >&2; exit 1; }
  rm -f "$new/build.log"
  loads >/dev/null || { echo "the addon was built and does not load: $(loads | grep Error | head -n 1)" >&2; exit 1; }
fi
[ ! -e "$final" ] || mv "$final" "$final.old.$$"
mv "$new" "$final"
node -p 'JSON.stringify({folder: process.argv[1], node: process.version, arch: process.arch, addon: process.argv[2]})' "$final" "$addon"`;

/** Every version that was ever put there; prints "none" when there was none. */
const REMOVE = `echo '${BEGUN}'
set -eu
root="${deployedRoot()}"
[ -e "$root" ] || { echo none; exit 0; }
rm -rf "$root"
rmdir "$(dirname "$root")" 2>/dev/null || true`;

/** @throws Error with what went wrong there, in a line */
export async function install(host: DeployTarget): Promise<Installed> {
  const root = packageRoot();
  const files = packageFiles(root);
  const tar = spawn('tar', ['--exclude=*.map', '-cf', '-', '-C', root, ...files], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const packed = tar.stdout.pipe(createGzip({ level: constants.Z_BEST_SPEED }));
  const failed = new Promise<never>((_, reject) => {
    let said = '';
    tar.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    tar.once('error', reject);
    tar.once('close', (code) => {
      if (code !== 0) reject(new Error(`tar failed: ${said.trim().split('\n')[0] ?? ''}`));
    });
  });
  failed.catch(() => undefined);
  try {
    const said = await Promise.race([shellOn(host, INSTALL, INSTALL_TIMEOUT, packed), failed]);
    return JSON.parse(said.trim().split('\n').at(-1) ?? '') as Installed;
  } finally {
    tar.kill();
  }
}

/** False when nothing was there. @throws Error with what went wrong there */
export async function remove(host: DeployTarget): Promise<boolean> {
  return (await shellOn(host, REMOVE, REMOVE_TIMEOUT, null)).trim() !== 'none';
}

/** Runs a script on a host; answers with what it printed after the line that says it has begun. */
async function shellOn(
  host: DeployTarget,
  script: string,
  timeout: number,
  input: NodeJS.ReadableStream | null,
): Promise<string> {
  const [program = '', ...args] = commandOn(host, ['sh', '-c', script]);
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-SAID_KEPT);
  });
  const ended = new Promise<string | null>((resolve) => {
    child.once('error', (error) => {
      resolve(error.message);
    });
    child.once('close', (code, signal) => {
      const how = signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`;
      const last = stderr.trim().split('\n').at(-1) ?? '';
      resolve(code === 0 ? null : last === '' ? how : last);
    });
  });
  // What a prefix has started may hold its output open: nobody waits for that once it is too late.
  const late = new AbortController();
  const tooLate = new Promise<never>((_, reject) => {
    late.signal.addEventListener('abort', () => {
      reject(late.signal.reason as Error);
    });
  });
  tooLate.catch(() => undefined);
  const silence = setTimeout(() => {
    if (stdout.startsWith(BEGUN)) return;
    const waited = `no answer within ${ANSWER_TIMEOUT / 1e3} s`;
    late.abort(new Error(`${waited}; see whether \`${host.prefix.join(' ')} sh -c true\` ends`));
  }, ANSWER_TIMEOUT);
  const timer = setTimeout(() => {
    late.abort(new Error(`not done within ${timeout / 1e3} s`));
  }, timeout);
  try {
    // Whoever ends early says why below; what could not be written is of no interest then.
    if (input === null) child.stdin.end();
    else {
      const sent = pipeline(input, child.stdin).catch(() => undefined);
      await Promise.race([sent, tooLate]);
    }
    const failure = await Promise.race([ended, tooLate]);
    if (failure !== null) throw new Error(failure);
    return stdout.slice(stdout.indexOf('\n') + 1);
  } finally {
    clearTimeout(silence);
    clearTimeout(timer);
    killGroup(child.pid);
  }
}

/** The child leads a group of its own, in which whatever its prefix started is as well. */
function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}
