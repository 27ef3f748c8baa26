/** Builds the module that gives the guest's kernel the bug of 2008, against the kernel's headers. */
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { CouldNotRunError } from '../../base/errors/errors.js';
import { findProgram } from '../../base/process/program.js';
import { packageRoot } from '../../base/process/package-root.js';

const run = promisify(execFile);

export const BUG_MODULE = 'splicebench_2008';
/** Milliseconds; it takes a second or two. */
const BUILD_TIMEOUT = 120_000;

/**
 * Builds the module in a folder and returns its bytes.
 * @param modules the kernel's, with `build` in it as distributions have it
 * @throws CouldNotRunError with the compiler's first error
 */
export async function buildBugModule(
  modules: string,
  folder: string,
  signal: AbortSignal,
): Promise<Buffer> {
  const headers = headersOf(modules);
  const objects = join(folder, 'objects');
  const source = join(folder, 'module');
  overlay(headers, objects);
  mkdirSync(source, { recursive: true });
  const own = join(packageRoot(), 'native', 'lab-module');
  for (const name of ['Kbuild', `${BUG_MODULE}.c`]) {
    copyFileSync(join(own, name), join(source, name));
  }
  try {
    const argv = ['-C', objects, `M=${source}`, ...settings(headers), 'modules'];
    await run('make', argv, { timeout: BUILD_TIMEOUT, signal, env: cleanEnvironment() });
  } catch (error) {
    signal.throwIfAborted();
    throw new CouldNotRunError(
      `lab: the module with the bug of 2008 does not build against ${headers}: ${firstError(error)}`,
    );
  }
  return readFileSync(join(source, `${BUG_MODULE}.ko`));
}

/**
 * What the build is told beside what the headers say. Type information for BPF would take pahole and is of no
 * use here. Where the compiler that built the kernel is not here, the one that is gets no flag that older ones
 * lack: it builds a module that loads as well.
 */
function settings(headers: string): string[] {
  const variables = join(headers, '.kernelvariables');
  const text = existsSync(variables) ? readFileSync(variables, 'utf8') : '';
  const compiler = /^CC = .*?([\w.-]*gcc-\d+)$/m.exec(text)?.[1];
  const other = compiler !== undefined && findProgram(compiler) === null;
  return [
    'CONFIG_DEBUG_INFO_BTF_MODULES=',
    ...(other ? ['CC=gcc', 'CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT='] : []),
  ];
}

/** make's own variables would make a make within a make another one. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const inherited = ['MAKEFLAGS', 'MAKELEVEL', 'MFLAGS'];
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !inherited.includes(name)),
  );
}

/** Unpacked packages keep absolute paths that begin where they were unpacked, three folders up. */
function rootOf(modules: string): string {
  return resolve(modules, '..', '..', '..');
}

function headersOf(modules: string): string {
  const link = join(modules, 'build');
  let target: string;
  try {
    target = lstatSync(link).isSymbolicLink() ? readlinkSync(link) : link;
  } catch {
    throw new CouldNotRunError(
      `lab: ${link} is missing, so the module with the bug cannot be built: unpack the kernel's headers package beside it (linux-headers-VERSION)`,
    );
  }
  const places = [join(rootOf(modules), target), resolve(modules, target)];
  const found = places.find((place) => existsSync(join(place, 'Makefile')));
  if (found === undefined) {
    throw new CouldNotRunError(
      `lab: ${link} leads to ${target}, which is neither there nor below ${rootOf(modules)}: unpack the kernel's headers package beside it (linux-headers-VERSION)`,
    );
  }
  return found;
}

/**
 * The headers' folder as the build wants it, without writing to it: links to all it has, and a Makefile
 * that includes its common part from where it is.
 */
function overlay(headers: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(headers)) {
    if (name !== 'Makefile') symlinkSync(join(headers, name), join(folder, name));
  }
  const makefile = readFileSync(join(headers, 'Makefile'), 'utf8');
  const common = /^include (\/\S+)$/m.exec(makefile)?.[1];
  const there = common === undefined ? null : commonPart(headers, common);
  // Newer ones look for what is generated, such as the configuration, where this says.
  const output = /^KBUILD_OUTPUT=/m.test(makefile) ? `KBUILD_OUTPUT=${folder}\n` : '';
  const included = there ?? join(headers, 'Makefile');
  writeFileSync(join(folder, 'Makefile'), `${output}include ${included}\n`);
}

/** Beside the headers, as packages have it, or where it is said to be. */
function commonPart(headers: string, path: string): string {
  const beside = join(dirname(headers), basename(dirname(path)), basename(path));
  return existsSync(beside) ? beside : path;
}

function firstError(error: unknown): string {
  const said = error as { stderr?: string; message?: string; code?: unknown };
  if (said.code === 'ENOENT') return 'make not found (apt-get install make gcc)';
  const lines = (said.stderr ?? '').split('\n');
  const line = lines.find((text) => /error|not found|\*\*\*/i.test(text));
  return line?.trim() ?? said.message?.split('\n')[0] ?? 'no reason given';
}
