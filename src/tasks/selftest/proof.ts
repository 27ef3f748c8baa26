/** What the last selftest has shown, kept for the reports of later runs in selftest.json of the state folder. */
import { z } from 'zod';
import type { ProvenDetectors } from '../../data/record/record.js';
import type { Scenario } from '../../experiment/scenario/expand.js';
import {
  type FoundOn,
  foundOnSchema,
  keepResult,
  keptResults,
  sameHost,
  stateFile,
  thisHost,
} from '../../machine/host/kept-results.js';
import { DETECTORS } from './control.js';
import type { SelftestResult } from './selftest.js';

const verdict = z.enum(['proven', 'unproven', 'unavailable']);
const stored = foundOnSchema.extend({
  version: z.literal(1),
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

/** The file that results are kept in. */
export function proofFile(environment: NodeJS.ProcessEnv = process.env): string {
  return stateFile('selftest.json', environment);
}

/** Keeps a result in the place of an earlier one of this host, kernel and build. */
export function storeProof(result: SelftestResult, path = proofFile()): Promise<void> {
  return keepResult(result, path, stored);
}

/** What reports of a run that starts now may say of the detectors. */
export async function provenDetectors(
  path = proofFile(),
  host: FoundOn = thisHost(),
): Promise<ProvenDetectors> {
  const proofs = await keptResults(path, stored);
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

function absence(proofs: readonly FoundOn[], host: FoundOn): string {
  const here = proofs.filter((one) => one.host === host.host);
  if (here.length === 0) return 'no selftest was made on this host';
  return here.some((one) => one.kernel === host.kernel)
    ? 'the selftest of this host was made with another build of splicebench'
    : 'the selftest of this host was made under another kernel';
}
