/** What the hosts of a trial are: their environment, their parts' CPUs, and what the doctor sees there. */
import { readQuickFacts } from '../../machine/host/reader.js';
import type { SeenHost } from '../../machine/host/start-warnings.js';
import { EXAMINE_TIMEOUT } from '../../machine/topology/hosts/visit.js';
import { captureEnvironment } from '../../machine/host/environment.js';
import { distinctHosts, type Host, pairsOf, type TrialHosts } from '../../machine/host/host.js';
import { captureInterfaces } from '../../machine/host/interface-environment.js';
import {
  allowedCpus,
  type Placement,
  placeParts,
  placeRoles,
} from '../../machine/host/placement.js';
import type { HostEnvironment } from '../../data/record/environment-record.js';
import type { Cell, Topology } from '../../data/record/plan.js';
import { settingsText } from '../../machine/topology/common/topology-text.js';
import { sends, type Side } from '../measure/endpoints.js';

export function placementOf({ pin, workload }: Cell, hosts: TrialHosts): Placement {
  const { identity } = hosts.forwarder;
  const named = pairsOf(hosts).flatMap(({ upstream, downstream }) =>
    upstream.identity && downstream.identity
      ? [{ upstream: upstream.identity, downstream: downstream.identity }]
      : [],
  );
  if (identity === undefined || named.length === 0) return placeRoles(pin, allowedCpus());
  const { forwarder, pairs } = placeParts(pin, workload.direction, {
    forwarder: identity,
    pairs: named,
  });
  const of = (side: Side) => pairs.flatMap((pair) => pair[side]);
  const [source, sink] = sends('upstream', workload)
    ? [of('upstream'), of('downstream')]
    : [of('downstream'), of('upstream')];
  return { source, forwarder, sink, ends: pairs };
}

/**
 * What the hosts of a topology are. On one machine that is one environment: that of the forwarder's
 * host stands for all three. A trial has the interfaces of all of them.
 */
export function environmentsOf(topology: Topology, hosts: TrialHosts): Promise<HostEnvironment>[] {
  const one = async (host: Host, carriers: readonly Host[]) => ({
    ...(await captureEnvironment(host)),
    topology: settingsText(topology),
    interfaces: (await Promise.all(carriers.map(captureInterfaces))).flat(),
  });
  const all = distinctHosts(hosts);
  const named = all.every(({ identity }) => identity !== undefined);
  return named ? all.map((host) => one(host, [host])) : [one(hosts.forwarder, all)];
}

/** The same with the CPUs of the parts that are there, by the default placement or the cell's `pin`. */
export async function placedEnvironments(
  cell: Cell,
  hosts: TrialHosts,
): Promise<HostEnvironment[]> {
  const environments = await Promise.all(environmentsOf(cell.topology, hosts));
  const { source, forwarder, sink, ends } = placementOf(cell, hosts);
  if (ends === undefined) {
    return environments.map((one) => ({ ...one, placement: { source, forwarder, sink } }));
  }
  const [up, down] = sends('upstream', cell.workload) ? ['source', 'sink'] : ['sink', 'source'];
  const pairs = pairsOf(hosts);
  return distinctHosts(hosts).flatMap((host, index) => {
    const one = environments[index];
    if (one === undefined) return [];
    const cpus = (side: Side) =>
      ends.flatMap((end, pair) => (pairs[pair]?.[side] === host ? end[side] : []));
    const placement: Record<string, number[]> = {};
    if (hosts.forwarder === host) placement['forwarder'] = forwarder;
    for (const [part = '', own] of [
      [up, cpus('upstream')],
      [down, cpus('downstream')],
    ] as const) {
      if (own.length > 0) placement[part] = own;
    }
    return [{ ...one, placement }];
  });
}

/** Every host of the topology `hosts` as the doctor sees it. @throws RoleError when one does not answer */
export function seenHosts(hosts: TrialHosts): Promise<SeenHost[]> {
  const seen = distinctHosts(hosts).map(async ({ name, observer }) => {
    const facts =
      observer === undefined
        ? await readQuickFacts()
        : (await observer.ask('examine', name, EXAMINE_TIMEOUT)).facts;
    return { host: name, kinds: ['hosts' as const], facts };
  });
  return Promise.all(seen);
}
