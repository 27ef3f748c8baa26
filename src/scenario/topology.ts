/** A topology as the scenario file has it, made whole. */
import { endSpecs, HOST_KEYS, hostSpecOf, listOf, reachText } from './hosts.js';
import { NIC_KEYS, seatsOf, seatsText } from './nic.js';
import type { HostSpec, HostsTopology, NicTopology, Topology } from './plan.js';
import type { ScenarioFile } from './schema.js';
import { formatBitRate } from './sizes.js';

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
  if (keys.kind === 'loopback') return { kind: 'loopback', congestion, sysctls };
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
    seats: seatsOf(keys),
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
  congestion: ['loopback', 'veth', 'nic'],
  sysctls: ['loopback', 'veth', 'nic'],
};

/** Keys that are given and that the kind of topology has no use for, with the kinds that have. */
export function uselessKeys(keys: TopologyKeys): { key: string; kinds: readonly string[] }[] {
  return Object.entries(KINDS_OF).flatMap(([key, kinds]) => {
    if (kinds.includes(keys.kind)) return [];
    const value = keys[key as keyof TopologyKeys];
    const given = key === 'sysctls' ? Object.keys(keys.sysctls).length > 0 : value !== undefined;
    return given ? [{ key, kinds }] : [];
  });
}

/** Keys that the kind of topology cannot do without and that are not given. */
export function missingKeys(keys: TopologyKeys): string[] {
  if (keys.kind === 'nic') return keys.ports === undefined ? ['ports'] : [];
  return keys.kind === 'hosts' ? HOST_KEYS.filter((key) => keys[key] === undefined) : [];
}

/** What tells one topology from another: "loopback", "veth, MTU 9000, TSO, GSO and GRO off". */
export function topologyText(topology: Topology): string {
  if (topology.kind === 'loopback') return 'loopback';
  if (topology.kind === 'hosts') {
    return `hosts, ${HOST_KEYS.map((key) => `${key} ${hostsText(topology[key])}`).join(', ')}`;
  }
  if (topology.kind === 'nic') return nicText(topology);
  const { mtu, checksum, queues, rate, shaper } = topology;
  const parts = [`veth, MTU ${mtu}`, coalescingText(topology)];
  if (!checksum) parts.push('checksum offload off');
  if (queues > 1) parts.push(`${queues} queues`);
  if (rate !== null) parts.push(`${formatBitRate(rate)} by ${shaper}`);
  return parts.join(', ');
}

/** "ssh a", or "ssh a and ssh b". */
function hostsText(specs: HostSpec | readonly HostSpec[]): string {
  const all = Array.isArray(specs) ? (specs as readonly HostSpec[]) : [specs as HostSpec];
  return [...new Set(all.map(({ reach }) => reachText(reach)))].join(' and ');
}

/** The same with what it sets: what tells one namespace's settings from another's. */
export function settingsText(topology: Topology): string {
  const { congestion, sysctls } = topology;
  const set = Object.entries(sysctls).map(([name, value]) => `${name}=${value}`);
  return [topologyText(topology), ...(congestion === null ? [] : [congestion]), ...set].join(', ');
}

/** Says only what the scenario sets: the rest is the ports' own. */
function nicText(topology: NicTopology): string {
  const { mtu, tso, gso, gro, checksum } = topology;
  const parts = [`nic, ${seatsText(topology)}`];
  if (mtu !== null) parts.push(`MTU ${mtu}`);
  const set = Object.entries({ TSO: tso, GSO: gso, GRO: gro, 'checksum offload': checksum });
  for (const [name, on] of set) if (on !== null) parts.push(`${name} ${on ? 'on' : 'off'}`);
  return parts.join(', ');
}

/** "TSO, GSO and GRO on", or which of them are. */
export function coalescingText(topology: { tso: boolean; gso: boolean; gro: boolean }): string {
  const { tso, gso, gro } = topology;
  if (tso === gso && gso === gro) return `TSO, GSO and GRO ${tso ? 'on' : 'off'}`;
  const each = { TSO: tso, GSO: gso, GRO: gro };
  return Object.entries(each)
    .map(([name, on]) => `${name} ${on ? 'on' : 'off'}`)
    .join(', ');
}
