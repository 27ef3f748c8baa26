/** A network namespace of the run's own: loopback with its own sysctls, which nothing else uses. */
import type { Topology } from '../scenario/plan.js';
import { type Host, localHost } from './host.js';
import { holdNamespace, runCommand, WAYS, writeSysctl, writeSysctls } from './namespace-holder.js';

/**
 * Makes a namespace for a loopback topology. Where none can be made the result is this host's own
 * loopback, with the reason among its limits.
 */
export async function loopbackHost(topology: Topology): Promise<Host> {
  const refusals: string[] = [];
  for (const way of WAYS) {
    const made = await holdNamespace(way);
    if (typeof made === 'string') {
      refusals.push(made);
      continue;
    }
    const { pid, prefix } = made;
    const limits = await configure(prefix, topology);
    return {
      name: 'loopback',
      prefix,
      address: '127.0.0.1',
      networkPid: pid,
      isolated: true,
      limits,
      close: () => made.end(),
    };
  }
  return localHost([
    `no network namespace of its own (${[...new Set(refusals)].join('; ')}): the run uses the host's ` +
      `loopback with the host's congestion control and buffers, beside whatever else uses it`,
  ]);
}

/** Sets the topology's conditions in the namespace. Returns what could not be set. */
async function configure(prefix: readonly string[], topology: Topology): Promise<string[]> {
  const limits = await writeSysctls(prefix, topology.sysctls);
  if (topology.congestion === null) return limits;
  const failure = await setCongestion(prefix, topology.congestion);
  if (failure !== null) {
    limits.push(`congestion control is not ${topology.congestion} but the host's: ${failure}`);
  }
  return limits;
}

/**
 * The default congestion control of the namespace. The sysctl accepts only algorithms that the host
 * allows to everyone; a route's attribute accepts any that is loaded, so that the host's settings need
 * not be touched.
 */
async function setCongestion(prefix: readonly string[], name: string): Promise<string | null> {
  if ((await writeSysctl(prefix, 'net.ipv4.tcp_congestion_control', name)) === null) return null;
  for (const target of ['127.0.0.0/8', '127.0.0.1']) {
    const failure = await runCommand([
      ...prefix,
      ...'ip route replace local'.split(' '),
      target,
      ...'dev lo proto kernel scope host src 127.0.0.1 table local congctl'.split(' '),
      name,
    ]);
    if (failure !== null) return failure;
  }
  return null;
}
