/**
 * What the last selftest has shown, kept for the reports of later runs: selftest.json in the state
 * folder, $XDG_STATE_HOME/splicebench or ~/.local/state/splicebench. A folder may be shared by hosts
 * and outlives kernels, so the file holds one result per host, kernel and build.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import type { ProvenDetectors } from '../results/record.js';
import type { Scenario } from '../scenario/expand.js';
import { DETECTORS } from './control.js';
import { type ProvenOn, type SelftestResult, thisHost } from './selftest.js';

/** More hosts and kernels than this are not those of one person; the oldest go. */
const MOST_KEPT = 50;

const verdict = z.enum(['proven', 'unproven', 'unavailable']);
const stored = z.object({
  version: z.literal(1),
  host: z.string(),
  kernel: z.string(),
  splicebench: z.string(),
  build: z.string().optional(),
  finished: z.string(),
  seconds: z.number(),
  detectors: z.array(
    z.object({
      detector: z.enum(DETECTORS),
      verdict,
      controls: z.array(z.object({ name: z.string(), verdict, evidence: z.string() })),
    }),
  ),
});
const file = z.array(stored);

/** The file that results are kept in. */
export function proofFile(environment: NodeJS.ProcessEnv = process.env): string {
  const given = environment['XDG_STATE_HOME'] ?? '';
  // As the base directory specification has it, a relative path is no path.
  const folder = isAbsolute(given) ? given : join(homedir(), '.local', 'state');
  return join(folder, 'splicebench', 'selftest.json');
}

/** Keeps a result in the place of an earlier one of this host, kernel and build. */
export async function storeProof(result: SelftestResult, path = proofFile()): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  const others = (await readProofs(path)).filter((one) => !sameHost(one, result));
  const kept = [result, ...others].slice(0, MOST_KEPT);
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify(kept, null, 2)}\n`);
  await rename(temporary, path);
}

/** What reports of a run that starts now may say of the detectors. */
export async function provenDetectors(
  path = proofFile(),
  host: ProvenOn = thisHost(),
): Promise<ProvenDetectors> {
  const proofs = await readProofs(path);
  const own = proofs.find((one) => sameHost(one, host));
  if (own === undefined) return { state: 'untested', reason: absence(proofs, host) };
  const having = (wanted: z.output<typeof verdict>) =>
    own.detectors.flatMap((one) => (one.verdict === wanted ? [one.detector] : []));
  return {
    state: 'tested',
    when: own.finished,
    proven: having('proven'),
    unproven: having('unproven'),
    unavailable: having('unavailable'),
  };
}

/**
 * The same for a run of these scenarios. Where an end is on a host that is reached over ssh or by a prefix,
 * the bytes are compared there, and what was shown here says nothing of it.
 */
export async function provenDetectorsFor(
  scenarios: readonly Pick<Scenario, 'cells'>[],
  path = proofFile(),
): Promise<ProvenDetectors> {
  const elsewhere = scenarios
    .flatMap(({ cells }) => cells)
    .flatMap(({ topology }) =>
      topology.kind === 'hosts' ? [...topology.source, ...topology.sink] : [],
    )
    .some(({ reach: { by } }) => by === 'ssh' || by === 'prefix');
  return elsewhere
    ? {
        state: 'untested',
        reason: 'the bytes are compared on other hosts, whose selftest is not known here',
      }
    : provenDetectors(path);
}

function absence(proofs: readonly ProvenOn[], host: ProvenOn): string {
  const here = proofs.filter((one) => one.host === host.host);
  if (here.length === 0) return 'no selftest was made on this host';
  return here.some((one) => one.kernel === host.kernel)
    ? 'the selftest of this host was made with another build of splicebench'
    : 'the selftest of this host was made under another kernel';
}

function sameHost(a: ProvenOn, b: ProvenOn): boolean {
  return a.host === b.host && a.kernel === b.kernel && a.build === b.build;
}

/** A file that is absent or cannot be understood proves nothing, which is what is then said. */
async function readProofs(path: string): Promise<z.output<typeof file>> {
  try {
    const parsed = file.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.data : [];
  } catch {
    return [];
  }
}
