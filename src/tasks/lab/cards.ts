/** The guest's wires: which interfaces it has, who is behind each, and how QEMU makes them. */
import type { HostSpec, HostsTopology, NicTopology, Topology } from '../../data/record/plan.js';
import { GUEST_NODE, GUEST_PACKAGE } from './guest-files.js';

/** What QEMU can emulate, and the modules that drive it; `tap` is a wire inside the guest. */
export const CARDS: Readonly<Record<string, readonly string[]>> = {
  tap: ['tun'],
  e1000e: ['e1000e'],
  igb: ['igb'],
  e1000: ['e1000'],
  'virtio-net-pci': ['virtio_net'],
  rtl8139: ['8139cp'],
  vmxnet3: ['vmxnet3'],
};

/** An interface of the guest. */
export interface Card {
  /** As it is called in the guest. */
  name: string;
  /** Which wire it is plugged into: those of one number meet. */
  wire: number;
  /** By which the guest tells it from the others; not used by taps. */
  mac: string;
  /** The namespace it is put into, and its address; null = left alone, for the topology `nic`. */
  seat: { namespace: string; address: string } | null;
}

const FORWARDER = ['198.18.0.2', '198.18.1.1'] as const;
const SOURCE = '198.18.0.1';
const SINK = '198.18.1.2';

const CABLED: readonly Omit<Card, 'mac'>[] = [
  { name: 'source0', wire: 0, seat: { namespace: 'source', address: SOURCE } },
  { name: 'forwarder0', wire: 0, seat: { namespace: 'forwarder', address: FORWARDER[0] } },
  { name: 'forwarder1', wire: 1, seat: { namespace: 'forwarder', address: FORWARDER[1] } },
  { name: 'sink0', wire: 1, seat: { namespace: 'sink', address: SINK } },
];

/** The interfaces that topologies need: all of their ports on one wire, or, without any, two wires of ours. */
export function cardsFor(topologies: readonly Topology[]): Card[] {
  const ports = new Set(
    topologies.flatMap((one) => (one.kind === 'nic' ? one.seats.map(({ port }) => port) : [])),
  );
  const cards = ports.size > 0 ? [...ports].map((name) => ({ name, wire: 0, seat: null })) : CABLED;
  return cards.map((card, index) => ({ ...card, mac: macOf(index) }));
}

/** Locally administered, as QEMU's own. */
function macOf(index: number): string {
  return `52:54:00:5b:00:${index.toString(16).padStart(2, '0')}`;
}

/** The same condition inside the guest: `nic` on its own ports, everything else across the wires. */
export function topologyInside(topology: Topology, card: string): HostsTopology | NicTopology {
  const machine = `vm:${card}`;
  if (topology.kind === 'nic') return { ...topology, machine };
  const host = (name: string, address: string, upstream = address): HostSpec => ({
    reach: { by: 'netns', name },
    address,
    upstream,
    splicebench: [GUEST_NODE, `${GUEST_PACKAGE}/dist/src/cli/main.js`],
  });
  return {
    kind: 'hosts',
    machine,
    congestion: null,
    sysctls: {},
    source: [host('source', SOURCE)],
    forwarder: host('forwarder', FORWARDER[1], FORWARDER[0]),
    sink: [host('sink', SINK)],
  };
}
