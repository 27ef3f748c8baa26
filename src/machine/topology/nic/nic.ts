/**
 * The topology `nic`: ports of this machine, cabled to each other, each in a network namespace of its
 * own, so that the kernel cannot take the way over loopback. Source and sink share the port opposite to
 * the forwarder's, or have one each. A keeper process holds the ports. It puts them back when
 * its input closes: after the run, after Ctrl-C, and when the run was killed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { x } from 'tinyexec';
import { CouldNotRunError } from '../../../base/errors/errors.js';
import { wordsOf } from '../../../base/errors/words.js';
import type { Offloads } from '../../../data/native/native-tools.js';
import { RoleClient, RoleError } from '../../role/client.js';
import { PUT_BACK_TIMEOUT } from '../../role/ports-role.js';
import { seatsText } from '../../../data/record/nic-plan.js';
import type { NicSeat, NicTopology } from '../../../data/record/plan.js';
import { type Host, localHost, type TrialHosts } from '../../host/host.js';
import { captureInterfaces } from '../../host/interface-environment.js';
import { runCommand, writeSysctls } from '../../../base/process/namespace-holder.js';
import type { TakenPort } from '../../host/port-keeper.js';
import { sessionAddress } from '../../host/port-refusal.js';
import { findProgram } from '../../../base/process/program.js';
import { HostUnreachable, TopologyUnavailable } from '../common/refusals.js';
import { refusedOffload } from '../common/offloads.js';

/** Ports that must not be taken, or do not reach each other. Says which, why and what to do. */
class PortsUnusable extends HostUnreachable {}

/** Waiting for earlier keepers and asking four programs per port, seconds. */
const TAKE_TIMEOUT = 60;
/** Time for the links to come up: 10GBASE-T negotiates for seconds. Milliseconds. */
const CARRIER_TIMEOUT = 10_000;
/** A switch that looks for loops forwards nothing for 30 seconds after a link came up. Seconds. */
const REACH_TIMEOUT = 35;
const POLL = 100;

/** What `nic` takes, and what it is for. */
const PROGRAMS = ['unshare', 'nsenter', 'ip', 'ss', 'tc'];

/** Why this process cannot take ports at all; null when it may try. */
export function nicLacking(uid = process.getuid?.()): string | null {
  if (uid !== 0) return 'needs root: ports are moved between network namespaces';
  const missing = PROGRAMS.filter((name) => findProgram(name) === null);
  if (missing.length === 0) return null;
  return `needs ${missing.join(', ')} (apt-get install util-linux iproute2)`;
}

/**
 * Takes the ports and makes hosts of them.
 * @throws TopologyUnavailable when this host cannot take ports, or they refuse what the scenario asks for
 * @throws PortsUnusable when a port must not be taken, or they do not reach each other
 * In either case the ports are back to what they were.
 */
export async function nicHosts(topology: NicTopology): Promise<TrialHosts> {
  const lacking = nicLacking();
  if (lacking !== null) throw new TopologyUnavailable(`nic: ${lacking}`);
  const keeper = RoleClient.start(localHost(), 'ports');
  let ending: Promise<void> | undefined;
  const close = () => (ending ??= giveBack(keeper));
  try {
    const hosts = await take(keeper, topology, close);
    for (const seat of hosts) seat.host = { ...seat.host, limits: await setUp(seat, topology) };
    await assertReach(hosts);
    for (const seat of hosts) seat.host = await withSpeed(seat.host);
    return trialHosts(hosts);
  } catch (error) {
    await close();
    if (error instanceof RoleError) throw new TopologyUnavailable(`nic: ${error.message}`);
    throw error;
  }
}

/** A seat with the namespace that its port is in. */
interface SeatedHost {
  seat: NicSeat;
  host: Host;
}

async function take(
  keeper: RoleClient<'ports'>,
  topology: NicTopology,
  close: () => Promise<void>,
): Promise<SeatedHost[]> {
  const { seats, takeBusyPorts } = topology;
  const wish = {
    ports: seats.map(({ port }) => port),
    permitted: takeBusyPorts,
    session: sessionAddress(process.env['SSH_CONNECTION']),
  };
  const taken = await keeper.ask('take', wish, TAKE_TIMEOUT);
  if ('unavailable' in taken) throw new TopologyUnavailable(`nic: ${taken.unavailable}`);
  if ('refusal' in taken) throw new PortsUnusable(taken.refusal);
  for (const note of taken.notes) process.stderr.write(`splicebench: ${note}\n`);
  return seats.map((seat) => {
    const port = taken.ports.find(({ name }) => name === seat.port);
    if (port === undefined) throw new RoleError(`${seat.port} was not taken`);
    return { seat, host: hostOf(seat, port, topology, close) };
  });
}

function hostOf(
  seat: NicSeat,
  { pid, name, device }: TakenPort,
  topology: NicTopology,
  close: () => Promise<void>,
): Host {
  return {
    name: `${seat.name} of nic, ${seatsText(topology)}`,
    prefix: ['nsenter', `--target=${pid}`, '--net', '--'],
    address: seat.address,
    networkPid: pid,
    isolated: true,
    interfaces: [name],
    devices: device === null ? {} : { [name]: device },
    limits: [],
    close,
  };
}

/** Puts the ports back. @throws CouldNotRunError when one is not as it was */
async function giveBack(keeper: RoleClient<'ports'>): Promise<void> {
  let left: string[];
  try {
    left = keeper.ended === null ? await keeper.ask('giveBack', null, PUT_BACK_TIMEOUT / 1e3) : [];
  } catch (error) {
    left = [wordsOf(error)];
  }
  await keeper.close(PUT_BACK_TIMEOUT);
  if (left.length > 0) {
    throw new CouldNotRunError(
      `ports were not put back as they were: ${left.join('; ')}. 'ip address' and 'ip route' show what there is; set up the rest by hand`,
    );
  }
}

/** Address, MTU, offloads, congestion control. Returns what the run loses, a sentence each. */
async function setUp({ seat, host }: SeatedHost, topology: NicTopology): Promise<string[]> {
  const { port, address, length } = seat;
  const { mtu, congestion, sysctls } = topology;
  const limits = await writeSysctls(host.prefix, sysctls);
  await setOffloads(host, port, topology);
  if (mtu !== null) await inside(host, `ip link set dev ${port} mtu ${mtu}`);
  const six = address.includes(':');
  // Found twice on a cable of our own is nobody's doing; waiting for that takes a second.
  await inside(host, `ip addr add ${address}/${length} dev ${port}${six ? ' nodad' : ''}`);
  await inside(host, `ip link set dev ${port} up`);
  const network = await connectedRoute(host, port, six);
  const route = `ip ${six ? '-6' : '-4'} route replace ${network} dev ${port} congctl ${congestion}`;
  const refused = await runCommand([...host.prefix, ...route.split(' ')]);
  if (refused !== null) {
    limits.push(`congestion control is not ${congestion} but the host's: ${refused}`);
  }
  return limits;
}

/** The route that came with the address, as `ip route` takes it, without what is only shown. */
async function connectedRoute({ prefix }: Host, port: string, six: boolean): Promise<string> {
  const words = ['ip', six ? '-6' : '-4', 'route', 'show', 'proto', 'kernel', 'dev', port];
  const [program = '', ...args] = [...prefix, ...words];
  const { stdout } = await x(program, args, { timeout: 5000 });
  const line = stdout.split('\n').find((text) => text !== '' && !text.startsWith('fe80:'));
  return (
    (line ?? '')
      .replace(/ linkdown\b/, '')
      .replace(/\s+/g, ' ')
      .trim() + ' proto kernel'
  );
}

/** Sets what the scenario asks for, and reads it back: a driver may leave one as it was. */
async function setOffloads(host: Host, name: string, topology: NicTopology): Promise<void> {
  const { tso, gso, gro, checksum } = topology;
  if ([tso, gso, gro, checksum].every((one) => one === null)) return;
  const role = RoleClient.start(host, 'network');
  try {
    const has = await role.ask('offloads', name);
    const wanted: Offloads = {
      tso: tso ?? has.tso,
      gso: gso ?? has.gso,
      gro: gro ?? has.gro,
      txChecksum: checksum ?? has.txChecksum,
      rxChecksum: checksum ?? has.rxChecksum,
    };
    const refused = refusedOffload(wanted, await role.ask('setOffloads', { name, wanted }));
    if (refused !== null) throw new TopologyUnavailable(`nic: ${name} refuses ${refused}`);
  } finally {
    await role.close();
  }
}

/** Every other port is reached from the forwarder's, over the wire. @throws PortsUnusable */
async function assertReach(hosts: readonly SeatedHost[]): Promise<void> {
  const all = hosts.map(({ seat }) => seat.port);
  const names = `${all.slice(0, -1).join(', ')} and ${all.at(-1) ?? ''}`;
  const dark = await withoutCarrier(hosts);
  if (dark.length > 0) {
    throw new PortsUnusable(
      `${names} do not reach each other: no carrier on ${dark.join(', ')}; look at the cable and at what it leads to`,
    );
  }
  const forwarder = hosts.find(({ seat }) => seat.parts.includes('forwarder'));
  if (forwarder === undefined) return;
  const role = RoleClient.start(forwarder.host, 'network');
  try {
    for (const { seat } of hosts.filter((one) => one !== forwarder)) {
      const wish = { address: seat.address, seconds: REACH_TIMEOUT };
      const failure = await role.ask('reach', wish, 2 * REACH_TIMEOUT);
      if (failure === null) continue;
      throw new PortsUnusable(
        `${forwarder.seat.port} and ${seat.port} do not reach each other within ${REACH_TIMEOUT} s (${seat.address}: ${failure}), though both have a carrier; are they in one network of the switch?`,
      );
    }
  } finally {
    await role.close();
  }
}

async function withoutCarrier(hosts: readonly SeatedHost[]): Promise<string[]> {
  const deadline = performance.now() + CARRIER_TIMEOUT;
  for (;;) {
    const dark: string[] = [];
    for (const { seat, host } of hosts) {
      const argv: string[] = [...host.prefix, 'ip', 'link', 'show', 'dev', seat.port];
      const [program = '', ...args] = argv;
      const { stdout } = await x(program, args, { timeout: 5000 });
      if (!/<[^>]*\bLOWER_UP\b[^>]*>/.test(stdout)) dark.push(seat.port);
    }
    if (dark.length === 0 || performance.now() > deadline) return dark;
    await sleep(POLL);
  }
}

/** The speed that the link says it has; what has no device behind it limits nothing. */
async function withSpeed(host: Host): Promise<Host> {
  if (Object.keys(host.devices ?? {}).length === 0) return host;
  const [one] = await captureInterfaces(host);
  const speed = linkSpeedOf(one?.speed ?? null);
  return one === undefined || speed === null
    ? host
    : { ...host, linkSpeeds: { [one.name]: speed } };
}

/** "10000Mb/s" in bits per second; null for "Unknown!" and for nothing. */
export function linkSpeedOf(speed: string | null): number | null {
  const megabits = /^(\d+)Mb\/s$/.exec(speed ?? '')?.[1];
  return megabits === undefined ? null : Number(megabits) * 1e6;
}

function trialHosts(hosts: readonly SeatedHost[]): TrialHosts {
  const of = (part: NicSeat['parts'][number]): Host => {
    const found = hosts.find(({ seat }) => seat.parts.includes(part));
    if (found === undefined) throw new Error(`nic: no port for ${part}`);
    return found.host;
  };
  return { upstream: of('upstream'), forwarder: of('forwarder'), downstream: of('downstream') };
}

async function inside({ prefix }: Host, command: string): Promise<void> {
  const failure = await runCommand([...prefix, ...command.split(' ')]);
  if (failure !== null) throw new TopologyUnavailable(`nic: ${command} failed: ${failure}`);
}
