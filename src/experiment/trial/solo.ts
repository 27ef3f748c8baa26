/** Which trials run alone although forwarders are compared in turn, and why. Pure. */
import { percent } from '../../base/units/quantity.js';
import { DISTURBS_OTHERS } from '../../data/record/rest-record.js';
import type { TrialRecord } from '../../data/record/record.js';
import type { HostEnvironment } from '../../data/record/environment-record.js';
import type { Cell, ForwarderEntry, Topology } from '../../data/record/plan.js';

/** Slices of thousands of connections would have to be longer than these are. */
const MOST_CONNECTIONS = 256;

/** Topologies in namespaces of the run's own, which are set so that a connection that waits keeps its window. */
const OWN_NETWORKS: readonly string[] = ['loopback', 'veth', 'nic'];

const AFTER_IDLE = 'net.ipv4.tcp_slow_start_after_idle';

/** Why a forwarder's trials in a cell run alone, in words; null = it takes turns with the others. */
export function soloReason(
  { workload, topology }: Pick<Cell, 'workload' | 'topology'>,
  { strace }: Pick<ForwarderEntry, 'strace'>,
): string | null {
  if (workload.mode === 'solo') return 'mode: solo';
  if (workload.kind !== 'stream')
    return `a slice is part of a stream, not of kind: ${workload.kind}`;
  if (severalPairs(topology)) return 'several sources or sinks';
  const { content } = workload;
  const given: Record<string, boolean> = {
    strace: strace === true,
    bytes: workload.bytes !== null,
    'finite content': content.kind === 'file' || content.kind === 'tree',
    early: workload.early !== null,
    pause: workload.pause !== null,
    urgent: workload.urgent !== null,
    prefix: workload.prefix !== null,
    rate: workload.rate !== null,
    reader: workload.reader !== null,
    decoys: workload.decoys !== null,
    unprivileged: workload.unprivileged,
    memory: workload.memory !== null,
  };
  const found = Object.keys(given).find((name) => given[name]);
  if (found !== undefined) return found;
  return workload.connections > MOST_CONNECTIONS
    ? `more than ${MOST_CONNECTIONS} connections`
    : null;
}

/**
 * Why all forwarders of a cell run alone because of the networks that they run in: a connection that waits for its
 * turn must not begin slowly again (RFC 2861, RFC 7661). Namespaces of the run's own are set so.
 * @param environments of the cell's hosts; none = not known
 */
export function networkReason(
  { topology }: Pick<Cell, 'topology'>,
  environments: readonly Pick<HostEnvironment, 'host' | 'sysctls'>[],
): string | null {
  if (OWN_NETWORKS.includes(topology.kind)) return null;
  if (environments.length === 0) return 'what its hosts are is not known';
  const slow = environments.filter(({ sysctls }) => sysctls[AFTER_IDLE] !== '0');
  if (slow.length === 0) return null;
  const names = slow.map(({ host }) => host).join(', ');
  return `a connection that waits would begin slowly again: ${AFTER_IDLE} is not 0 on ${names}`;
}

function severalPairs(topology: Topology): boolean {
  return topology.kind === 'hosts' && Math.max(topology.source.length, topology.sink.length) > 1;
}

/**
 * Forwarders that used CPU while others of their set had their turns, and took it from them: in later blocks
 * they run alone. The first set that finds it is kept, with the finding.
 */
export class Restless {
  private readonly shares = new Map<string, number>();

  constructor(trials: readonly TrialRecord[]) {
    for (const trial of trials) this.note(trial);
  }

  note({ cell, forwarder, set, rest }: TrialRecord): void {
    const share = set === undefined ? null : (rest?.idle_cpu_share ?? null);
    if (share !== null && share > DISTURBS_OTHERS) {
      this.shares.set(JSON.stringify([cell, forwarder]), share);
    }
  }

  /** In words; null = nothing was found. */
  reason(cell: string, forwarder: string): string | null {
    const share = this.shares.get(JSON.stringify([cell, forwarder]));
    return share === undefined
      ? null
      : `it used ${percent(share)} of a CPU while others had their turns`;
  }
}
