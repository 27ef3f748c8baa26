/** The doctor on all hosts of a scenario at once. */
import { captureEnvironment } from '../host/environment.js';
import { connect, partsOf } from '../host/remote-hosts.js';
import type { HostEnvironment } from '../results/record.js';
import type { HostSpec, HostsTopology } from '../scenario/plan.js';
import { type HostFacts, readHostFacts } from './host-facts.js';
import { localReader } from './reader.js';
import { type Warning, warningsFor } from './warnings.js';

/** What was found on one host, or why nothing was. */
export type Visit =
  | {
      name: string;
      reason: null;
      found: { host: HostEnvironment; facts: HostFacts; warnings: Warning[] };
    }
  | { name: string; reason: string; found: null };

/** Looking at the load and trying out what there is takes a while, seconds. */
const EXAMINE_TIMEOUT = 30;

/** One visit per part; a host that cannot be reached does not keep the others from being seen. */
export async function visitHosts(topology: HostsTopology): Promise<Visit[]> {
  return Promise.all(partsOf(topology).map(({ name, spec }) => visit(name, spec)));
}

async function visit(part: string, spec: HostSpec): Promise<Visit> {
  try {
    const connected = await connect(part, spec);
    const { name, observer } = connected;
    try {
      const seen =
        observer === undefined
          ? { facts: await readHostFacts(localReader), host: await captureEnvironment(connected) }
          : await observer.ask('examine', name, EXAMINE_TIMEOUT);
      return { name, reason: null, found: { ...seen, warnings: warningsFor(seen.facts) } };
    } finally {
      await connected.close();
    }
  } catch (error) {
    return {
      name: part,
      reason: error instanceof Error ? error.message : String(error),
      found: null,
    };
  }
}
