/** The endpoints of a stream trial: who listens, who connects, who sends what. */
import type { Placement } from '../../machine/host/placement.js';
import {
  pagesOf,
  type StreamWorkload,
  type Topology,
  type Workload,
} from '../../data/record/plan.js';
import { storedPerChecker } from '../../data/integrity/stored-limits.js';
import type { EndModes, NativeEndpointOptions } from '../../data/native/native-surface.js';

/** One end of a trial: the upstream end is connected to by the forwarder, the downstream end connects to it. */
export type Side = 'upstream' | 'downstream';

export const SIDES: readonly Side[] = ['upstream', 'downstream'];

export function other(side: Side): Side {
  return side === 'upstream' ? 'downstream' : 'upstream';
}

/** True when this side sends under the workload's direction. */
export function sends(side: Side, { direction }: Pick<Workload, 'direction'>): boolean {
  if (direction === 'both' || direction === 'exchange') return true;
  return (direction === 'download') === (side === 'upstream');
}

/** True when this side receives. */
export function receives(side: Side, workload: Pick<Workload, 'direction'>): boolean {
  return sends(other(side), workload);
}

/** Ends that receive: each has a checker per connection. */
export function receivingEnds(workload: Pick<Workload, 'direction'>): number {
  return SIDES.filter((side) => receives(side, workload)).length;
}

/**
 * CPUs of one end: of the machine that it is on where parts have machines of their own, else by whether
 * it sends.
 */
export function endCpus(
  placement: Placement,
  side: Side,
  sending: boolean,
  pair = 0,
): readonly number[] {
  return placement.ends?.[pair]?.[side] ?? (sending ? placement.source : placement.sink);
}

/**
 * SO_SNDBUF where all parts share one machine, bytes (the kernel doubles it). Left to itself a socket
 * queues megabytes, which then leave in the softirq of whoever acknowledges: the forwarder's CPU would
 * transmit for the source, and be charged for it. Chosen by measurement; docs/measuring.md has it.
 */
const NEAR_SEND_BUFFER = 512 * 1024;

/** True where source, forwarder and sink run on the same machine, with no network between them. */
export function isNear({ kind }: Pick<Topology, 'kind'>): boolean {
  return kind === 'loopback' || kind === 'veth';
}

export interface EndpointPlan {
  workload: StreamWorkload;
  /** See `isNear`. */
  near: boolean;
  seed: string;
  earlierSeeds: readonly string[];
  cpus: readonly number[];
  address: { host: string; port: number };
  /** Number of the pair's first connection in the stamps. */
  firstConnection: number;
}

/** Options of one side's endpoint. */
export function endpointOptions(side: Side, plan: EndpointPlan): NativeEndpointOptions {
  const { workload } = plan;
  const { content } = workload;
  const sending = sends(side, workload);
  const sendBuffer = workload.sndbuf ?? (plan.near && sending ? NEAR_SEND_BUFFER : null);
  return {
    listen: side === 'upstream',
    address: plan.address,
    ...(side === 'upstream' && workload.prefix !== null ? { prefix: workload.prefix } : {}),
    connections: workload.connections,
    firstConnection: plan.firstConnection,
    cpus: [...plan.cpus],
    nodelay: workload.message !== null,
    seed: plan.seed,
    earlierSeeds: [...plan.earlierSeeds],
    // A tree was packed into a file before.
    content: content.kind === 'tree' ? 'file' : content.kind,
    ...('path' in content ? { file: content.path } : {}),
    ...(workload.bytes === null ? {} : { bytes: workload.bytes }),
    ...messageOptions(workload.message),
    ...(workload.early === null ? {} : { prologue: workload.early }),
    ...(workload.urgent === null ? {} : { urgentAt: workload.urgent }),
    ...(workload.mss === null ? {} : { segment: workload.mss }),
    ...(workload.rcvbuf === null ? {} : { receiveBuffer: workload.rcvbuf }),
    ...(sendBuffer === null ? {} : { sendBuffer }),
    // Source and sink often share a CPU: each wake-up of one would stop the other.
    batch: true,
    holdReceive: typeof workload.pause === 'number' && !sending,
    ...(receives(side, workload) ? pauseOptions(workload.pause) : {}),
    ...(workload.rate === null ? {} : { sendRate: bytesPerSecond(workload.rate) }),
    ...(workload.reader === null ? {} : { receiveRate: bytesPerSecond(workload.reader) }),
    hold: true,
    ...endModes(side, workload),
    sendDirection: side === 'upstream' ? 'down' : 'up',
    receiveDirection: side === 'upstream' ? 'up' : 'down',
    storedIncidents: storedPerChecker(workload.connections * receivingEnds(workload)),
  };
}

function messageOptions(
  message: StreamWorkload['message'],
): Pick<NativeEndpointOptions, 'message' | 'messageMost'> {
  if (message === null) return {};
  if (typeof message === 'number') return { message };
  return { message: message.min, messageMost: message.max };
}

function pauseOptions(
  pause: StreamWorkload['pause'],
): Pick<NativeEndpointOptions, 'pauseAt' | 'pauseEvery' | 'pauseNs'> {
  if (pause === null || typeof pause === 'number') return {};
  const { at, every } = pause;
  const pauseNs = Math.round(pause.for * 1e9);
  return { pauseAt: at, pauseNs, ...(every === null ? {} : { pauseEvery: every }) };
}

function bytesPerSecond(bitsPerSecond: number): number {
  return Math.max(1, Math.round(bitsPerSecond / 8));
}

/** How one side's bytes are made and taken: all that arms of a set may differ in. */
export function endModes(side: Side, workload: StreamWorkload): EndModes {
  const send = sends(side, workload) ? sendMode(workload) : 'none';
  const pages = send === 'prepared' ? pagesOf(workload) : null;
  return {
    send,
    ...(pages === null ? {} : { pages }),
    receive: receives(side, workload) ? receiveMode(workload) : 'none',
  };
}

/**
 * Pages prepared once are fastest, but all the same bytes: only where nobody checks them. Where the
 * size of messages is the question they are sent as programs send them: pages that follow one another
 * in memory would be joined in the sockets and pipes, and no message be small.
 */
function sendMode({
  check,
  content,
  message,
  payload,
}: StreamWorkload): 'content' | 'buffer' | 'prepared' | 'file' {
  if ('path' in content) return 'file';
  if (check === 'full') return 'content';
  return message === null && payload !== 'copied' ? 'prepared' : 'buffer';
}

function receiveMode({ check, payload }: StreamWorkload): 'check' | 'buffer' | 'discard' {
  if (check === 'full') return 'check';
  return payload === 'copied' ? 'buffer' : 'discard';
}
