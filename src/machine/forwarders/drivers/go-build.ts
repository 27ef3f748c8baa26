/** The Go program: built once per source and toolchain, kept in the user's cache. */
import { wordsOf } from '../../../base/errors/words.js';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { x } from 'tinyexec';
import { packageRoot } from '../../../base/process/package-root.js';
import { locate } from './driver-program.js';

/** The first build compiles the net package too. */
const BUILD_TIMEOUT = 180_000;
const VERSION_TIMEOUT = 10_000;

export type GoProgram =
  { kind: 'built'; path: string; version: string } | { kind: 'unavailable'; reason: string };

const programs = new Map<string, Promise<GoProgram>>();

/**
 * The program, built if it is not in the cache; asked once per process and toolchain.
 * @param toolchain the `go` that builds it: a name or a path
 */
export function goProgram(toolchain: string): Promise<GoProgram> {
  const known = programs.get(toolchain);
  if (known !== undefined) return known;
  const source = join(packageRoot(), 'bench', 'proxies', 'forward.go');
  const built = buildGo(source, cacheFolder(), toolchain);
  programs.set(toolchain, built);
  return built;
}

function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'splicebench');
}

/**
 * Builds a Go program of one file into a cache folder, under a name that its source and the toolchain
 * decide. Two builds at once do not disturb each other.
 */
export async function buildGo(source: string, cache: string, toolchain = 'go'): Promise<GoProgram> {
  const named = toolchain === 'go' ? {} : { program: toolchain };
  const found = locate(named, 'go', 'golang-go');
  if ('reason' in found) return { kind: 'unavailable', ...found };
  const go = found.path;
  try {
    const { stdout } = await x(go, ['version'], { timeout: VERSION_TIMEOUT });
    const version = stdout.trim();
    const hash = createHash('sha256')
      .update(version)
      .update(await readFile(source));
    const path = join(cache, `go-forward-${hash.digest('hex').slice(0, 16)}`);
    if (!existsSync(path)) await compile(go, source, path, cache);
    return { kind: 'built', path, version };
  } catch (error) {
    const why = wordsOf(error);
    return { kind: 'unavailable', reason: `go could not build ${source}: ${why}` };
  }
}

async function compile(go: string, source: string, path: string, cache: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const unfinished = `${path}.${randomUUID()}`;
  const environment = {
    ...process.env,
    // Nothing but the standard library, and no other toolchain than this one.
    GO111MODULE: 'off',
    GOFLAGS: '',
    GOTOOLCHAIN: 'local',
    // Go's own cache needs a home; where there is none, ours will do.
    ...(process.env['HOME'] === undefined ? { GOCACHE: join(cache, 'go-build') } : {}),
  };
  try {
    const { exitCode, stderr } = await x(go, ['build', '-o', unfinished, source], {
      timeout: BUILD_TIMEOUT,
      nodeOptions: { env: environment },
    });
    if (exitCode !== 0) throw new Error(firstFault(stderr));
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
}

/** The compiler heads its complaints with "# package". */
function firstFault(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return lines[0]?.trim() ?? 'the build failed or took too long';
}
