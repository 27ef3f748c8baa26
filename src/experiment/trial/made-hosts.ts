/** Where the trials of a cell run: made for its topology and, where that matters, for its CPUs. */
import { allOn, distinctHosts, type TrialHosts } from '../../machine/host/host.js';
import { placeRoles } from '../../machine/host/placement.js';
import { remoteHosts } from '../../machine/topology/hosts/remote-hosts.js';
import { loopbackHost } from '../../machine/topology/loopback/private-namespace.js';
import { nicHosts } from '../../machine/topology/nic/nic.js';
import { vethHosts } from '../../machine/topology/veth/veth.js';
import type { HostEnvironment } from '../../data/record/environment-record.js';
import type { Cell, Topology } from '../../data/record/plan.js';
import { environmentsOf } from './host-environments.js';

/** What hosts are made for. */
export type TrialPlace = Pick<Cell, 'topology' | 'pin'>;

/** The same text for cells that share their hosts. */
export function placeKey(place: TrialPlace): string {
  const cpus = receivingCpus(place);
  const { topology } = place;
  return JSON.stringify(cpus === null ? topology : { topology, cpus });
}

/** The forwarder's CPUs where what it receives is steered to them; null = they change nothing of the hosts. */
function receivingCpus({ topology, pin }: TrialPlace): number[] | null {
  if (topology.kind !== 'veth' || topology.receive === undefined) return null;
  return placeRoles(pin).forwarder;
}

export function makeHosts(place: TrialPlace): Promise<TrialHosts> {
  const { topology } = place;
  switch (topology.kind) {
    case 'loopback':
      return loopbackHost(topology).then(allOn);
    case 'veth':
      return vethHosts(topology, receivingCpus(place) ?? []);
    case 'hosts':
      return remoteHosts(topology);
    case 'nic':
      return nicHosts(topology);
  }
}

/** Hosts that are made or being made. */
export interface MadeHosts {
  topology: Topology;
  made: Promise<TrialHosts>;
}

/** None where the hosts could not be had. */
export async function environmentNow({
  topology,
  made,
}: MadeHosts): Promise<PromiseSettledResult<HostEnvironment>[]> {
  const hosts = await made.catch(() => null);
  return hosts === null ? [] : Promise.allSettled(environmentsOf(topology, hosts));
}

/** Gives back whatever was made. */
export async function closeAll(made: Promise<TrialHosts>): Promise<void> {
  const hosts = await made.catch(() => null);
  for (const host of hosts === null ? [] : distinctHosts(hosts)) await host.close();
}
