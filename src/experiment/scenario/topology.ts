/** A topology as the scenario file has it, made whole. */
import { endSpecs, HOST_KEYS, hostSpecOf, listOf } from '../../data/record/hosts-plan.js';
import { NIC_KEYS, nicSeats } from '../../data/record/nic-plan.js';
import type { HostsTopology, NicTopology, Topology } from '../../data/record/plan.js';
import type { ScenarioFile } from './schema.js';

/** The keys as they may be given; which of them mean anything depends on `kind`. */
export type TopologyKeys = ScenarioFile['topology'];

/** Keys of interfaces that a run may set up, and those that only veth has. */
const INTERFACE_KEYS = [
  'mtu',
  'offloads',
  'tso',
  'gso',
  'gro',
  'checksum',
] as const satisfies readonly (keyof TopologyKeys)[];
const VETH_KEYS = ['queues', 'rate', 'shaper'] as const satisfies readonly (keyof TopologyKeys)[];

/** Fills in what the kind of topology has and the file does not say. */
export function completeTopology(keys: TopologyKeys): Topology {
  // cubic: bbr paces even on loopback (evidence.md).
  const { congestion = 'cubic', sysctls } = keys;
  if (keys.kind === 'loopback') {
    const receive = typeof keys.receive === 'number' ? { receive: keys.receive } : {};
    return { kind: 'loopback', congestion, sysctls, ...receive };
  }
  if (keys.kind === 'hosts') return hostsTopology(keys);
  if (keys.kind === 'nic') return nicTopology(keys, congestion);
  const offloads = keys.offloads ?? true;
  return {
    kind: 'veth',
    congestion,
    sysctls,
    mtu: keys.mtu ?? 1500,
    tso: keys.tso ?? offloads,
    gso: keys.gso ?? offloads,
    gro: keys.gro ?? offloads,
    checksum: keys.checksum ?? true,
    queues: keys.queues ?? 1,
    rate: keys.rate ?? null,
    shaper: keys.shaper ?? 'tbf',
    ...(keys.receive === 'forwarder' ? { receive: keys.receive } : {}),
  };
}

function hostsTopology({ source, forwarder, sink }: TopologyKeys): HostsTopology {
  if (!source || !forwarder || !sink) throw new Error('hosts: checked before it is completed');
  const pairs = Math.max(listOf(source).length, listOf(sink).length);
  return {
    kind: 'hosts',
    congestion: null,
    sysctls: {},
    source: endSpecs(source, pairs),
    forwarder: hostSpecOf(forwarder),
    sink: endSpecs(sink, pairs),
  };
}

/** What the file does not ask for stays as the port has it. */
function nicTopology(keys: TopologyKeys, congestion: string): NicTopology {
  const offloads = keys.offloads ?? null;
  return {
    kind: 'nic',
    congestion,
    sysctls: keys.sysctls,
    seats: nicSeats(keys),
    mtu: keys.mtu ?? null,
    tso: keys.tso ?? offloads,
    gso: keys.gso ?? offloads,
    gro: keys.gro ?? offloads,
    checksum: keys.checksum ?? null,
    takeBusyPorts: keys['take-busy-ports'] ?? false,
  };
}

/** Keys that only some kinds have, by key. */
const KINDS_OF: Readonly<Record<string, readonly TopologyKeys['kind'][]>> = {
  ...Object.fromEntries(INTERFACE_KEYS.map((key) => [key, ['veth', 'nic']])),
  ...Object.fromEntries(VETH_KEYS.map((key) => [key, ['veth']])),
  ...Object.fromEntries(NIC_KEYS.map((key) => [key, ['nic']])),
  ...Object.fromEntries(HOST_KEYS.map((key) => [key, ['hosts']])),
  receive: ['loopback', 'veth'],
  congestion: ['loopback', 'veth', 'nic'],
  sysctls: ['loopback', 'veth', 'nic'],
};

/** Keys that are given and that the kind of topology has no use for, with the kinds that have. */
export function unusedKeys(keys: TopologyKeys): { key: string; kinds: readonly string[] }[] {
  return Object.entries(KINDS_OF).flatMap(([key, kinds]) => {
    if (kinds.includes(keys.kind)) return [];
    const value = keys[key as keyof TopologyKeys];
    const given = key === 'sysctls' ? Object.keys(keys.sysctls).length > 0 : value !== undefined;
    return given ? [{ key, kinds }] : [];
  });
}

/** Why `receive` cannot be so for the kind of topology, or null when it can. */
export function receiveFault(kind: TopologyKeys['kind'], receive: unknown): string | null {
  if (kind === 'loopback' && receive === 'forwarder') {
    return "loopback has one queue for all, so that 'forwarder' would move everybody's receiving: say the CPU, or take topology veth";
  }
  if (kind === 'veth' && typeof receive === 'number') {
    return `topology 'veth' takes 'forwarder' or null, got ${receive}: the forwarder's CPUs are those of 'pin'`;
  }
  return null;
}

/** Keys that the kind of topology cannot do without and that are not given. */
export function missingKeys(keys: TopologyKeys): string[] {
  if (keys.kind === 'nic') return keys.ports === undefined ? ['ports'] : [];
  return keys.kind === 'hosts' ? HOST_KEYS.filter((key) => keys[key] === undefined) : [];
}
