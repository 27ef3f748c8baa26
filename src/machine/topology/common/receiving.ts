/** Who receives: packets that arrive at interfaces of the run's own are steered to CPUs, and that is read back. */
import { cpusText } from '../../../base/units/quantity.js';
import type { Host } from '../../host/host.js';
import { RoleClient, RoleError } from '../../role/client.js';
import { TopologyUnavailable } from './refusals.js';

/**
 * Before an argv: sysfs shows the interfaces of the namespace in which it was mounted, so a fresh one is put
 * over /sys, in a mount namespace that ends with the process. Without it the program does not start: the
 * host's sysfs, where `lo` is the host's, is never written.
 */
const OWN_SYSFS = [
  ...['unshare', '--mount', '--propagation', 'private', '--'],
  ...['sh', '-c', 'mount -t sysfs sysfs /sys && exec "$@"', 'sh'],
];

/** The CPUs in force, by interface. */
export type Receiving = Record<string, number[]>;

/**
 * Steers what interfaces of a host receive.
 * @param setting as the scenario says it, for messages: "receive: forwarder"
 * @param cpus at least one
 * @throws TopologyUnavailable when the kernel refuses, or the setting did not take effect
 */
export async function steerInto(
  host: Host,
  setting: string,
  names: readonly string[],
  cpus: readonly number[],
): Promise<Receiving> {
  if (!host.isolated) throw new TopologyUnavailable(`${setting} is for a namespace of its own`);
  if (cpus.length === 0) throw new TopologyUnavailable(`${setting}: no CPU is known to be theirs`);
  const role = RoleClient.start({ ...host, prefix: [...host.prefix, ...OWN_SYSFS] }, 'network');
  try {
    const receiving: Receiving = {};
    for (const name of names) {
      const found = await role.ask('steerReceiving', { name, cpus: [...cpus] });
      const fault = notSteered(name, cpus, found);
      if (fault !== null) throw new TopologyUnavailable(`${setting}: ${fault}`);
      receiving[name] = [...cpus];
    }
    return receiving;
  } catch (error) {
    if (error instanceof RoleError) {
      throw new TopologyUnavailable(`${setting}: ${reasonOf(error.message, cpus)}`);
    }
    throw error;
  } finally {
    await role.close();
  }
}

/** Where what is in force is not what was asked for: the interface with what it has; null = nowhere. */
export function notSteered(
  name: string,
  cpus: readonly number[],
  found: Readonly<Record<string, readonly number[]>>,
): string | null {
  const queues = Object.entries(found);
  if (queues.length === 0) return `${name} has no queue whose receiving can be steered`;
  for (const [queue, has] of queues) {
    if (has.join() === [...cpus].sort((a, b) => a - b).join()) continue;
    const instead = has.length === 0 ? 'none' : cpusText(has);
    return `${name} was to receive on ${cpusText(cpus)}, but its queue ${queue} has ${instead}`;
  }
  return null;
}

/** The kernel's refusal, with what it comes from. */
export function reasonOf(said: string, cpus: readonly number[]): string {
  if (/\b(EPERM|EACCES)\b/.test(said)) {
    return `the kernel lets nobody but root steer what is received (${said})`;
  }
  if (/\b(EOVERFLOW|EINVAL)\b/.test(said)) {
    return `the kernel takes no packets to ${cpusText(cpus)} of this host (${said})`;
  }
  return said;
}
