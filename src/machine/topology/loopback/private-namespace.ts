/** A network namespace of the run's own: loopback with its own sysctls, which nothing else uses. */
import type { LoopbackTopology } from '../../../data/record/plan.js';
import { type Host, localHost } from '../../host/host.js';
import { cpusText } from '../../../base/units/quantity.js';
import { steerInto } from '../common/receiving.js';
import { TopologyUnavailable } from '../common/refusals.js';
import {
  holdNamespace,
  runCommand,
  WAYS,
  writeSysctl,
  writeSysctls,
} from '../../../base/process/namespace-holder.js';

/**
 * Makes a namespace for a loopback topology. Where none can be made the result is this host's own
 * loopback, with the reason among its limits.
 * @throws TopologyUnavailable when the topology says who receives, and that cannot be had: the host's own
 *   loopback is never steered
 */
export async function loopbackHost(topology: LoopbackTopology): Promise<Host> {
  const refusals: string[] = [];
  for (const way of WAYS) {
    const made = await holdNamespace(way);
    if (typeof made === 'string') {
      refusals.push(made);
      continue;
    }
    const { pid, prefix } = made;
    const limits = await configure(prefix, topology);
    const host: Host = {
      name: 'loopback',
      prefix,
      address: '127.0.0.1',
      networkPid: pid,
      isolated: true,
      limits,
      close: () => made.end(),
    };
    return topology.receive === undefined ? host : steered(host, topology.receive);
  }
  if (topology.receive !== undefined) {
    const why = [...new Set(refusals)].join('; ');
    throw new TopologyUnavailable(
      `receive: ${topology.receive} needs a network namespace of its own (${why})`,
    );
  }
  return localHost([
    `no network namespace of its own (${[...new Set(refusals)].join('; ')}): the run uses the host's ` +
      `loopback with the host's congestion control and buffers, shared with whatever else uses it`,
  ]);
}

/** The same with everything received on one CPU. Gives the host back when that cannot be had. */
async function steered(host: Host, cpu: number): Promise<Host> {
  try {
    const receiving = await steerInto(host, `receive: ${cpu}`, ['lo'], [cpu]);
    const said = `receive: ${cpu} moves everybody's receiving to ${cpusText([cpu])}: that of source and sink as well as the forwarder's`;
    return { ...host, receiving, limits: [...host.limits, said] };
  } catch (error) {
    await host.close();
    throw error;
  }
}

/** Sets the topology's conditions in the namespace. Returns what could not be set. */
async function configure(prefix: readonly string[], topology: LoopbackTopology): Promise<string[]> {
  const limits = await writeSysctls(prefix, topology.sysctls);
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
