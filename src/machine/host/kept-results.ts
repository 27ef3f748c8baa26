/**
 * What was found out about this host once, kept for the reports of later runs: files in the state folder,
 * $XDG_STATE_HOME/splicebench or ~/.local/state/splicebench. A folder may be shared by hosts and outlives
 * kernels, so a file holds one result per host, kernel and build.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { homedir, hostname, release, version } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { packageVersion } from '../../base/process/package-root.js';
import { replaceFile } from '../../base/process/replace-file.js';
import { buildDigest } from './build-digest.js';

/** More hosts and kernels than this are not those of one person; the oldest go. */
const MOST_KEPT = 50;

/** What a result holds for: another kernel or another build of ours may behave differently. */
export interface FoundOn {
  host: string;
  kernel: string;
  splicebench: string;
  /** As buildDigest() tells it; absent in results of versions that did not, which hold for no build. */
  build?: string | undefined;
}

/** The same as a schema, for those of results to extend. */
export const foundOnSchema = z.object({
  host: z.string(),
  kernel: z.string(),
  splicebench: z.string(),
  build: z.string().optional(),
});

/** What this host is to a result. */
export function thisHost(): FoundOn {
  return {
    host: hostname(),
    kernel: `${release()} ${version()}`,
    splicebench: packageVersion(),
    build: buildDigest(),
  };
}

/** The file of this name that results are kept in. */
export function stateFile(name: string, environment: NodeJS.ProcessEnv = process.env): string {
  const given = environment['XDG_STATE_HOME'] ?? '';
  // As the base directory specification has it, a relative path is no path.
  const folder = isAbsolute(given) ? given : join(homedir(), '.local', 'state');
  return join(folder, 'splicebench', name);
}

/** Keeps a result in the place of an earlier one of this host, kernel and build. */
export async function keepResult<Result extends FoundOn>(
  result: Result,
  path: string,
  schema: z.ZodType<Result>,
): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  const others = (await keptResults(path, schema)).filter((one) => !sameHost(one, result));
  const kept = [result, ...others].slice(0, MOST_KEPT);
  await replaceFile(path, `${JSON.stringify(kept, null, 2)}\n`);
}

/** A file that is absent or cannot be understood tells nothing, which is what is then said. */
export async function keptResults<Result extends FoundOn>(
  path: string,
  schema: z.ZodType<Result>,
): Promise<Result[]> {
  try {
    const parsed = z.array(schema).safeParse(JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.data : [];
  } catch {
    return [];
  }
}

export function sameHost(a: FoundOn, b: FoundOn): boolean {
  return a.host === b.host && a.kernel === b.kernel && a.build === b.build;
}
