/** The hosts of `topology.kind: hosts`, as the scenario file has them. */
import { isIP } from 'node:net';
import { z } from 'zod';
import type { HostSpec, Reach } from './plan.js';

/** Keys of the topology that say where a part runs. */
export const HOST_KEYS = ['source', 'forwarder', 'sink'] as const;

/** The ways to reach a host; each is a key, and a host has exactly one. */
const WAYS = ['ssh', 'netns', 'prefix', 'local'] as const;

/** Pairs of source and sink; each is two processes and a forwarder's. */
const MOST_PAIRS = 16;

/** One that begins with a dash would be taken for an option. */
const HOST = /^[^-\s]\S*$/;

const argv = z.array(z.string().min(1)).min(1);
const address = z.string().refine((text) => isIP(text) !== 0, {
  error: 'expected an IPv4 or IPv6 address that the host has, such as 10.0.0.1',
});

const keys = {
  ssh: z
    .string()
    .regex(HOST, { error: 'expected a host as ssh takes it, such as bench1 or user@bench1' })
    .optional(),
  /** Of ssh, e.g. ['-F', 'ssh_config']. */
  options: z.array(z.string().min(1)).optional(),
  netns: z
    .string()
    .regex(/^[^-/\s][^/\s]*$/, { error: "expected a name as 'ip netns' lists them" })
    .optional(),
  prefix: argv.optional(),
  local: z.literal(true).optional(),
  address,
  splicebench: argv.optional(),
};

const hostSchema = z.strictObject(keys).superRefine(hasOneWay);

/** One host, or several that send or receive at the same time. */
export const endHostsSchema = z.union([hostSchema, z.array(hostSchema).min(1).max(MOST_PAIRS)]);
export const forwarderHostSchema = z
  .strictObject({ ...keys, 'upstream-address': address.optional() })
  .superRefine(hasOneWay);

type HostKeys = z.output<typeof forwarderHostSchema>;
type EndHosts = z.output<typeof endHostsSchema>;

function hasOneWay(host: Omit<HostKeys, 'upstream-address'>, context: z.RefinementCtx): void {
  const given = WAYS.filter((way) => host[way] !== undefined);
  if (given.length !== 1) {
    const found = given.length === 0 ? 'none' : given.join(' and ');
    const message = `expected one of ${WAYS.join(', ')} to say where it is, got ${found}`;
    context.addIssue({ code: 'custom', message, input: host });
  }
  if (host.options !== undefined && host.ssh === undefined) {
    const message = "'options' are those of ssh: they need 'ssh'";
    context.addIssue({ code: 'custom', path: ['options'], message, input: host.options });
  }
}

/** Why sources and sinks do not make pairs, or null. A single one takes part in each pair. */
export function pairFault(source: EndHosts, sink: EndHosts): string | null {
  const [sources, sinks] = [listOf(source).length, listOf(sink).length];
  if (sources === sinks || sources === 1 || sinks === 1) return null;
  return `expected as many sinks as sources, or a single one for all, got ${sources} sources and ${sinks} sinks`;
}

/** The hosts of one end of each pair. */
export function endSpecs(hosts: EndHosts, pairs: number): HostSpec[] {
  const specs = listOf(hosts).map(hostSpecOf);
  return Array.from({ length: pairs }, (_, pair) => specs[pair % specs.length] ?? nowhere());
}

export function listOf(hosts: EndHosts): HostKeys[] {
  return Array.isArray(hosts) ? hosts : [hosts];
}

function nowhere(): never {
  throw new Error('hosts: no host');
}

/** A host as the run uses it. */
export function hostSpecOf(host: HostKeys): HostSpec {
  return {
    reach: reachOf(host),
    address: host.address,
    upstream: host['upstream-address'] ?? host.address,
    splicebench: host.splicebench ?? null,
  };
}

function reachOf({ ssh, options, netns, prefix }: HostKeys): Reach {
  if (ssh !== undefined) return { by: 'ssh', host: ssh, options: options ?? [] };
  if (netns !== undefined) return { by: 'netns', name: netns };
  if (prefix !== undefined) return { by: 'prefix', argv: prefix };
  return { by: 'local' };
}

/** "ssh bench1", "netns a", "kubectl exec -i pod --", "local". */
export function reachText(reach: Reach): string {
  switch (reach.by) {
    case 'local':
      return 'local';
    case 'ssh':
      return `ssh ${reach.host}`;
    case 'netns':
      return `netns ${reach.name}`;
    case 'prefix':
      return reach.argv.join(' ');
  }
}
