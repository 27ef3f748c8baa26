/** The doctor on all hosts of a scenario at once. */
import { wordsOf } from '../../../base/errors/words.js';
import { captureEnvironment } from '../../host/environment.js';
import { captureInterfaces } from '../../host/interface-environment.js';
import type { HostIdentity } from '../../host/identity.js';
import { connect, type HostPart, partsOf } from './remote-hosts.js';
import type { HostEnvironment } from '../../../data/record/environment-record.js';
import type { Direction } from '../../../data/record/words.js';
import { pinnedEnds } from '../../host/placement.js';
import type { Cell, HostsTopology } from '../../../data/record/plan.js';
import { type HostFacts, readHostFacts } from '../../host/host-facts.js';
import { linkWarnings } from '../../host/link-warnings.js';
import { localReader } from '../../host/reader.js';
import { type Warning, warningsFor } from '../../host/warnings.js';

/** What was found on one host, or why nothing was. */
export type Visit =
  | {
      name: string;
      reason: null;
      found: { host: HostEnvironment; facts: HostFacts; warnings: Warning[] };
    }
  | { name: string; reason: string; found: null };

/** Looking at the load and trying out what there is takes a while, seconds. */
export const EXAMINE_TIMEOUT = 30;

/**
 * One visit per part; a host that cannot be reached does not keep the others from being seen. What is
 * wrong with a card stands with its host; what differs between hosts, with each of the two or more.
 */
export async function visitHosts(
  topology: HostsTopology,
  pin: Cell['pin'] = null,
  direction: Direction = 'download',
  connections: number | null = null,
): Promise<Visit[]> {
  const parts = partsOf(topology);
  const ends = pin === null ? null : pinnedEnds(pin, direction);
  const pinned = { source: ends?.upstream, forwarder: pin?.forwarder, sink: ends?.downstream };
  const looks = await Promise.all(parts.map(look));
  for (const { part, visit, identity } of looks) {
    if (visit.found === null || identity === undefined) continue;
    const { machine, cpus } = identity;
    const alone = looks.filter((other) => other.identity?.machine === machine).length === 1;
    // Who shares a machine is placed by what all of them need: only a run knows that.
    const own = pinned[part.end] ?? (alone ? cpus.slice(0, 2).slice(-1) : null);
    if (own !== null) visit.found.host.placement = { [part.end]: own };
  }
  const visits = looks.map(({ visit }) => visit);
  const hosts = visits.flatMap(({ found }) => found?.host ?? []);
  const links = linkWarnings({ hosts, connections });
  return visits.map((one) => {
    if (one.found === null) return one;
    const { host } = one.found.host;
    const own = links.filter((warning) => warning.host === null || warning.host === host);
    return { ...one, found: { ...one.found, warnings: [...one.found.warnings, ...own] } };
  });
}

/** A visit, with what says which CPUs the part is going to have. */
interface Look {
  part: HostPart;
  visit: Visit;
  identity?: HostIdentity | undefined;
}

async function look(part: HostPart): Promise<Look> {
  try {
    const connected = await connect(part.name, part.spec);
    const { name, observer, identity } = connected;
    try {
      const { facts, host } =
        observer === undefined
          ? { facts: await readHostFacts(localReader), host: await captureEnvironment(connected) }
          : await observer.ask('examine', name, EXAMINE_TIMEOUT);
      const seen = { ...host, interfaces: await captureInterfaces(connected) };
      const found = { host: seen, facts, warnings: warningsFor(facts) };
      return { part, visit: { name, reason: null, found }, identity };
    } finally {
      await connected.close();
    }
  } catch (error) {
    const reason = wordsOf(error);
    return { part, visit: { name: part.name, reason, found: null } };
  }
}
