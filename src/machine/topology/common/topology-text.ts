/** Topologies in words. */
import { HOST_KEYS, reachText } from '../../../data/record/hosts-plan.js';
import { seatsText } from '../../../data/record/nic-plan.js';
import type { HostSpec, NicTopology, Topology } from '../../../data/record/plan.js';
import { formatBitRate } from '../../../base/units/sizes.js';

/** What tells one topology from another: "loopback", "veth, MTU 9000, TSO, GSO and GRO off". */
export function topologyText(topology: Topology): string {
  if (topology.kind === 'loopback') {
    const { receive } = topology;
    return receive === undefined ? 'loopback' : `loopback, everybody receives on CPU ${receive}`;
  }
  if (topology.kind === 'hosts') {
    return `hosts, ${HOST_KEYS.map((key) => `${key} ${hostsText(topology[key])}`).join(', ')}`;
  }
  if (topology.kind === 'nic') return nicText(topology);
  const { mtu, checksum, queues, rate, shaper } = topology;
  const parts = [`veth, MTU ${mtu}`, coalescingText(topology)];
  if (!checksum) parts.push('checksum offload off');
  if (queues > 1) parts.push(`${queues} queues`);
  if (rate !== null) parts.push(`${formatBitRate(rate)} by ${shaper}`);
  if (topology.receive !== undefined) parts.push("receiving on the forwarder's CPUs");
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
function coalescingText(topology: { tso: boolean; gso: boolean; gro: boolean }): string {
  const { tso, gso, gro } = topology;
  if (tso === gso && gso === gro) return `TSO, GSO and GRO ${tso ? 'on' : 'off'}`;
  const each = { TSO: tso, GSO: gso, GRO: gro };
  return Object.entries(each)
    .map(([name, on]) => `${name} ${on ? 'on' : 'off'}`)
    .join(', ');
}
