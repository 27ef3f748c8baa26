/**
 * The topology `veth`: upstream, forwarder and downstream each in a network namespace of its own,
 * joined by two veth pairs. The pairs are made inside the namespaces, so that no interface ever
 * appears on the host: two runs cannot meet, and what a killed run leaves is what its namespaces
 * take with them, which is everything.
 *
 * The forwarder's namespace routes between the links, so that `direct` crosses both of them, too.
 */
import { TopologyUnavailable } from '../common/refusals.js';
import { refusedOffload } from '../common/offloads.js';
import { steerInto } from '../common/receiving.js';
import type { Offloads } from '../../../data/native/native-tools.js';
import { RoleClient, RoleError } from '../../role/client.js';
import type { VethTopology } from '../../../data/record/plan.js';
import { topologyText } from '../common/topology-text.js';
import { distinctHosts, type Host, type TrialHosts, type TrialPart } from '../../host/host.js';
import {
  type HeldNamespace,
  holdNamespace,
  runCommand,
  type Way,
  WAYS,
  writeSysctl,
  writeSysctls,
} from '../../../base/process/namespace-holder.js';

type Part = TrialPart;

/** One end of a link. The addresses are those that RFC 2544 sets aside for benchmarks. */
interface LinkEnd {
  part: Part;
  name: string;
  address: string;
  /** The network of the link, and the one behind the forwarder with the way to it. */
  network: string;
  beyond: { network: string; via: string } | null;
}

const UPSTREAM = '198.18.0.0/30';
const DOWNSTREAM = '198.18.1.0/30';

const LINKS: readonly (readonly [LinkEnd, LinkEnd])[] = [
  [
    {
      part: 'forwarder',
      name: 'to-upstream',
      address: '198.18.0.2',
      network: UPSTREAM,
      beyond: null,
    },
    {
      part: 'upstream',
      name: 'to-forwarder',
      address: '198.18.0.1',
      network: UPSTREAM,
      beyond: { network: DOWNSTREAM, via: '198.18.0.2' },
    },
  ],
  [
    {
      part: 'forwarder',
      name: 'to-downstream',
      address: '198.18.1.1',
      network: DOWNSTREAM,
      beyond: null,
    },
    {
      part: 'downstream',
      name: 'to-forwarder',
      address: '198.18.1.2',
      network: DOWNSTREAM,
      beyond: { network: UPSTREAM, via: '198.18.1.1' },
    },
  ],
];
const ENDS = LINKS.flat();

/** Bytes that may pass at once: a millisecond's worth, and a whole coalesced packet at least. */
const BURST_SECONDS = 1e-3;
const LEAST_BURST = 128 * 1024;
/** How long a packet may wait for its turn before the queue is full. */
const QUEUE = '20ms';

/**
 * Makes the three hosts.
 * @param forwarderCpus where the forwarder runs, for `receive: forwarder`
 * @throws TopologyUnavailable when the host refuses something; nothing is left then
 */
export async function vethHosts(
  topology: VethTopology,
  forwarderCpus: readonly number[],
): Promise<TrialHosts> {
  const refusals: string[] = [];
  for (const way of WAYS) {
    const made = await holdParts(way);
    if (typeof made === 'string') {
      refusals.push(made);
      continue;
    }
    try {
      const limits = await build(made, topology);
      const hosts = hostsOf(made, topology, limits);
      await setOffloads(hosts, topology);
      if (topology.receive === undefined) return hosts;
      return { ...hosts, forwarder: await steered(hosts.forwarder, forwarderCpus) };
    } catch (error) {
      await endAll(Object.values(made));
      if (error instanceof RoleError) throw new TopologyUnavailable(`veth: ${error.message}`);
      throw error;
    }
  }
  throw new TopologyUnavailable(
    `veth needs network namespaces of its own (${[...new Set(refusals)].join('; ')})`,
  );
}

type Parts = Record<Part, HeldNamespace>;

async function holdParts(way: Way): Promise<Parts | string> {
  const forwarder = await holdNamespace(way);
  if (typeof forwarder === 'string') return forwarder;
  const others = await Promise.all([holdNamespace(way, forwarder), holdNamespace(way, forwarder)]);
  const [upstream, downstream] = others;
  if (typeof upstream !== 'string' && typeof downstream !== 'string') {
    return { upstream, forwarder, downstream };
  }
  await endAll([forwarder, ...others.filter((one) => typeof one !== 'string')]);
  return others.find((one) => typeof one === 'string') ?? '';
}

async function endAll(namespaces: readonly HeldNamespace[]): Promise<void> {
  await Promise.all(namespaces.map((namespace) => namespace.end()));
}

/** Links, addresses, routes and shaping. Returns what the run loses, a sentence each. */
async function build(parts: Parts, topology: VethTopology): Promise<string[]> {
  const limits = new Set<string>();
  for (const { prefix } of Object.values(parts)) {
    for (const limit of await writeSysctls(prefix, topology.sysctls)) limits.add(limit);
  }
  await must(writeSysctl(parts.forwarder.prefix, 'net.ipv4.ip_forward', '1'));
  for (const [near, far] of LINKS) {
    const size = `mtu ${topology.mtu} numtxqueues ${topology.queues} numrxqueues ${topology.queues}`;
    const pair = `ip link add name ${near.name} ${size} type veth peer name ${far.name} ${size}`;
    await inside(parts[near.part], `${pair} netns ${parts[far.part].pid}`);
  }
  for (const { part, name, address } of ENDS) {
    await inside(parts[part], `ip addr add ${address}/30 dev ${name}`);
    await inside(parts[part], `ip link set dev ${name} up`);
    for (const command of shaping(name, topology)) await inside(parts[part], command);
  }
  const refused = await setRoutes(parts, topology.congestion);
  if (refused !== null) {
    limits.add(`congestion control is not ${topology.congestion} but the host's: ${refused}`);
  }
  return [...limits];
}

/** The commands that limit what an interface sends. */
function shaping(name: string, { rate, shaper }: VethTopology): string[] {
  if (rate === null) return [];
  const bits = `${Math.round(rate)}bit`;
  const burst = Math.max(LEAST_BURST, Math.round((rate / 8) * BURST_SECONDS));
  if (shaper === 'tbf') {
    return [`tc qdisc replace dev ${name} root tbf rate ${bits} burst ${burst} latency ${QUEUE}`];
  }
  const sizes = `rate ${bits} ceil ${bits} burst ${burst} cburst ${burst} quantum ${LEAST_BURST}`;
  return [
    `tc qdisc replace dev ${name} root handle 1: htb default 1`,
    `tc class replace dev ${name} parent 1: classid 1:1 htb ${sizes}`,
  ];
}

/**
 * Routes, with the congestion control as their attribute: the sysctl of a namespace accepts only
 * algorithms that the host allows to everyone. Without it when the kernel refuses; then why.
 */
async function setRoutes(parts: Parts, congestion: string): Promise<string | null> {
  let refused: string | null = null;
  for (const { part, name, address, network, beyond } of ENDS) {
    const routes = [
      `ip route replace ${network} dev ${name} proto kernel scope link src ${address}`,
      ...(beyond === null ? [] : [`ip route replace ${beyond.network} via ${beyond.via}`]),
    ];
    for (const route of routes) {
      const argv = [...parts[part].prefix, ...route.split(' ')];
      const failure = await runCommand([...argv, 'congctl', congestion]);
      if (failure === null) continue;
      refused = failure;
      await must(runCommand(argv));
    }
  }
  return refused;
}

function hostsOf(parts: Parts, topology: VethTopology, limits: readonly string[]): TrialHosts {
  const host = (part: Part, address: string): Host => ({
    name: `${part} of ${topologyText(topology)}`,
    prefix: parts[part].prefix,
    address,
    networkPid: parts[part].pid,
    isolated: true,
    // Of the forwarder's only: they are the same everywhere.
    limits: part === 'forwarder' ? limits : [],
    interfaces: ENDS.filter((end) => end.part === part).map(({ name }) => name),
    close: () => parts[part].end(),
  });
  return {
    upstream: host('upstream', '198.18.0.1'),
    forwarder: host('forwarder', '198.18.1.1'),
    downstream: host('downstream', '198.18.1.2'),
  };
}

/**
 * Sets the offloads of every interface and reads them back: a driver may leave one off that another
 * needs, and then the condition would not be what the report says.
 */
async function setOffloads(hosts: TrialHosts, topology: VethTopology): Promise<void> {
  const { tso, gso, gro, checksum } = topology;
  const wanted: Offloads = { tso, gso, gro, txChecksum: checksum, rxChecksum: checksum };
  for (const host of distinctHosts(hosts)) {
    const role = RoleClient.start(host, 'network');
    try {
      for (const name of host.interfaces ?? []) {
        const found = await role.ask('setOffloads', { name, wanted });
        const refused = refusedOffload(wanted, found);
        if (refused !== null) throw new TopologyUnavailable(`veth: ${name} refuses ${refused}`);
      }
    } finally {
      await role.close();
    }
  }
}

/** The forwarder's host with what arrives there received on the forwarder's CPUs. */
async function steered(host: Host, cpus: readonly number[]): Promise<Host> {
  const names = host.interfaces ?? [];
  return { ...host, receiving: await steerInto(host, 'receive: forwarder', names, cpus) };
}

async function inside({ prefix }: HeldNamespace, command: string): Promise<void> {
  const argv = command.split(' ');
  const failure = await runCommand([...prefix, ...argv]);
  if (failure === null) return;
  throw new TopologyUnavailable(`veth: ${argv.slice(0, 3).join(' ')} failed: ${failure}`);
}

async function must(result: Promise<string | null>): Promise<void> {
  const failure = await result;
  if (failure !== null) throw new TopologyUnavailable(`veth: ${failure}`);
}
