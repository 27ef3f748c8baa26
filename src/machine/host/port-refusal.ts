/** Which ports a run must not take, judged by what depends on them. Pure. */
import type { PortLink, PortRoute } from './port-state.js';

/** What is known of a port before it is taken. */
export interface PortFacts {
  name: string;
  /** null = there is no such port. */
  link: PortLink | null;
  /** All ports that there are, for whoever mistyped one. */
  others: readonly string[];
  routes: readonly PortRoute[];
  /** Interfaces made on top of it, such as VLANs. */
  uppers: readonly string[];
  wireless: boolean;
  /** Queueing disciplines that somebody has set; moving would lose them. */
  disciplines: readonly string[];
  /** Established TCP connections by local address, e.g. "10.0.0.2:22". */
  connections: readonly string[];
}

/** How a user says that a port may be taken all the same. */
const PERMISSION = 'take-busy-ports';

/**
 * Why a port must not be taken; null when it may.
 * @param permitted the user allows to take ports that something depends on
 * @param session the local address of the ssh session that the run is typed in; null = none
 */
export function refusalOf(
  facts: PortFacts,
  permitted: boolean,
  session: string | null,
): string | null {
  const { name, link, others } = facts;
  if (link === null) {
    return `there is no port ${name} here, only ${others.join(', ') || 'loopback'}; correct 'topology.ports'`;
  }
  const unfit = unfitness(facts, link);
  if (unfit !== null) return `${name} cannot be taken: ${unfit}`;
  const use = permitted ? null : dependence(facts, link, session);
  if (use === null) return null;
  return `${name} is not taken: ${use}. Name another port, or allow it with '${PERMISSION}: true' under 'topology'`;
}

/** What no permission can lift: the port would not work, or could not be put back. */
function unfitness(facts: PortFacts, link: PortLink): string | null {
  const { uppers, wireless, disciplines, routes, name } = facts;
  if (link.flags.includes('LOOPBACK')) return 'it is loopback';
  if (link.master !== undefined) {
    return `it belongs to ${link.master} (a bridge or a bond); 'ip link set ${name} nomaster' takes it out`;
  }
  if (wireless) return 'it is wireless: what the air carries is not what is measured here';
  if (uppers.length > 0) return `${uppers.join(', ')} is made on top of it; remove that first`;
  if (disciplines.length > 0) {
    return `it has queueing disciplines of its own (${disciplines.join(', ')}), which moving would lose; 'tc qdisc del dev ${name} root' removes them`;
  }
  const multipath = routes.find(({ text }) => /\bnexthop\b|\bnhid\b/.test(text));
  if (multipath === undefined) return null;
  return `it is part of a route over several ports (${multipath.text}), which would not be put back whole`;
}

/** What would break while the port is away. */
function dependence(
  { routes, connections }: PortFacts,
  link: PortLink,
  session: string | null,
): string | null {
  const route = routes.find(({ text }) => text.startsWith('default'));
  if (route !== undefined) return `it carries the default route (${route.text})`;
  const own = link.addr_info.map(({ local }) => local);
  if (session !== null && own.includes(session)) {
    return `this ssh session comes in over it (${session})`;
  }
  const used = connections.filter((one) => own.includes(addressOf(one)));
  if (used.length === 0) return null;
  return `connections are open over it (${used.slice(0, 3).join(', ')}${used.length > 3 ? ', ...' : ''})`;
}

/** "[fe80::1%eth1]:22" and "10.0.0.2:22" without port and zone. */
function addressOf(end: string): string {
  return end
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .replace(/%.*$/, '')
    .replace(/^::ffff:/, '');
}

/** The local address of SSH_CONNECTION ("client port server port"); null where there is none. */
export function sessionAddress(connection: string | undefined): string | null {
  const server = connection?.trim().split(/\s+/)[2];
  return server === undefined ? null : server.replace(/%.*$/, '');
}
