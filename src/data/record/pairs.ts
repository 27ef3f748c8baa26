/** Several pairs of source and sink at one forwarder: how many there are, and what each carries. Pure. */
import type { StreamWorkload, Topology, Workload } from './plan.js';

/** Pairs of source and sink that load the forwarder at the same time. */
export function pairCount(topology: Topology): number {
  return topology.kind === 'hosts' ? topology.source.length : 1;
}

/** What one of so many pairs carries: amounts in total are shared, those of a connection are not. */
export function shareOf(workload: StreamWorkload, pairs: number): StreamWorkload;
export function shareOf(workload: Workload, pairs: number): Workload;
export function shareOf(workload: Workload, pairs: number): Workload {
  if (workload.kind !== 'stream') return workload;
  const shared = (total: number | null) => (total === null ? null : total / pairs);
  return {
    ...workload,
    connections: workload.connections / pairs,
    rate: shared(workload.rate),
    reader: shared(workload.reader),
  };
}

/** Why the pairs of a topology cannot share a workload, with the key that is wrong; null = they can. */
export function shareFault(
  topology: Topology,
  workload: Workload,
): { key: string; message: string } | null {
  const pairs = pairCount(topology);
  if (pairs === 1) return null;
  const { kind, connections } = workload;
  if (kind !== 'stream') {
    const message = `workload.kind: ${pairs} sources and sinks carry streams, got '${kind}'; name one source and one sink`;
    return { key: 'kind', message };
  }
  if (connections % pairs === 0) return null;
  const message = `workload.connections: expected a multiple of ${pairs}, so that each pair of source and sink has as many, got ${connections}`;
  return { key: 'connections', message };
}
