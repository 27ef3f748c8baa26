/** The doctor on the ports of a scenario with topology `nic`: whether a run could have them. */
import { wordsOf } from '../../base/errors/words.js';
import { captureInterfaces } from '../../machine/host/interface-environment.js';
import { localHost } from '../../machine/host/host.js';
import { nicLacking } from '../../machine/topology/nic/nic.js';
import { placeRoles } from '../../machine/host/placement.js';
import { readPortFacts } from '../../machine/host/port-facts.js';
import { refusalOf, sessionAddress } from '../../machine/host/port-refusal.js';
import type {
  HostEnvironment,
  InterfaceEnvironment,
  StartWarning,
} from '../../data/record/environment-record.js';
import type { Cell, NicTopology } from '../../data/record/plan.js';
import { linkWarnings } from '../../machine/host/link-warnings.js';

/** A port that the scenario names. */
export interface PortVisit {
  /** Part that sits behind it, e.g. "ends". */
  part: string;
  port: string;
  /** Why a run would not take it; null = it would. */
  refusal: string | null;
  /** As it is set up now; null where there is no such port. */
  up: boolean | null;
  /** Whether it has a carrier; null while it is down, when nobody knows. */
  carrier: boolean | null;
  /** As ethtool prints it; null = not told. */
  speed: string | null;
}

export interface PortsVisit {
  /** Why this process can take no port at all; null when it can. */
  lacking: string | null;
  ports: PortVisit[];
  warnings: StartWarning[];
}

/**
 * Looks and touches nothing.
 * @param host this machine
 * @param connections most of any condition
 */
export async function visitPorts(
  topology: NicTopology,
  pin: Cell['pin'],
  connections: number,
  host: HostEnvironment,
): Promise<PortsVisit> {
  const names = topology.seats.map(({ port }) => port);
  const interfaces = await captureInterfaces({ ...localHost(), interfaces: names });
  const ports = await Promise.all(
    topology.seats.map(async ({ name, port }): Promise<PortVisit> => {
      const speed = interfaces.find((one) => one.name === port)?.speed ?? null;
      return { part: name, port, ...(await stateOf(port, topology.takeBusyPorts)), speed };
    }),
  );
  const found = ports.filter(({ up }) => up !== null).map(({ port }) => port);
  const own = interfaces.filter(({ name }) => found.includes(name)).map(asSetBy(topology));
  const { source, forwarder, sink } = placeRoles(pin);
  const placement = { source, forwarder, sink };
  const situation = { hosts: [{ ...host, placement, interfaces: own }], connections };
  return { lacking: nicLacking(), ports, warnings: linkWarnings(situation) };
}

async function stateOf(
  port: string,
  permitted: boolean,
): Promise<Pick<PortVisit, 'refusal' | 'up' | 'carrier'>> {
  try {
    const facts = await readPortFacts(port);
    const refusal = refusalOf(facts, permitted, sessionAddress(process.env['SSH_CONNECTION']));
    const flags = facts.link?.flags ?? null;
    const up = flags?.includes('UP') ?? null;
    return { refusal, up, carrier: up === true ? (flags?.includes('LOWER_UP') ?? null) : null };
  } catch (error) {
    const reason = wordsOf(error);
    return { refusal: `${port} could not be looked at: ${reason}`, up: null, carrier: null };
  }
}

/** A run sets the MTU that the scenario asks for. */
function asSetBy({ mtu }: NicTopology): (one: InterfaceEnvironment) => InterfaceEnvironment {
  return (one) => (mtu === null ? one : { ...one, mtu });
}

/** What is found on a port, in words. */
export function portText({ refusal, up, carrier, speed }: PortVisit): string {
  if (refusal !== null) return `would be refused: ${refusal}`;
  const link = up === false ? 'down: a run sets it up' : carrier === false ? NO_CARRIER : 'up';
  return `${link}, ${speed === null || speed.startsWith('Unknown') ? 'link speed unknown' : speed}`;
}

const NO_CARRIER = 'no carrier: look at the cable and at what it leads to';
