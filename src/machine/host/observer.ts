/** What is asked of a host that cannot be read from here, and what answers it: the role `observer`. */
import type {
  HostEnvironment,
  InterfaceEnvironment,
} from '../../data/record/environment-record.js';
import type { CpuTimes } from './counters.js';
import type { HostFacts } from './host-facts.js';
import type { HostIdentity } from './identity.js';
import type { InterfaceCounters } from './interface-counters.js';
import type { Tracepoint } from './tracepoint.js';

/** What is counted on a host at one moment, by its own clock. */
export interface HostCounts {
  /** Of a clock that never goes back. */
  seconds: number;
  cpu: Omit<CpuTimes, 'byCpu'> & { byCpu: [number, number][] };
  retransmits: number | null;
  /** By name; null when they cannot be read. */
  interfaces: [string, InterfaceCounters][] | null;
}

/** What the doctor finds on a host. */
export interface HostExamination {
  host: HostEnvironment;
  facts: HostFacts;
}

/** Requests that the role `observer` answers: what is read on its host. */
export interface ObserverMethods {
  /** Finds out what the host is; `addresses` are those whose interfaces are asked for. */
  identify: (addresses: string[]) => HostIdentity;
  counts: () => HostCounts;
  /** Begins to watch the kernel's TCP memory. */
  watchMemory: () => null;
  /** Ends watching; the most that was there beyond the beginning, bytes. */
  memoryPeak: () => number | null;
  tracepoint: () => Tracepoint;
  environment: (name: string) => HostEnvironment;
  interfaces: (wish: { host: string; names: string[] }) => InterfaceEnvironment[];
  /** Sent and received so far by interfaces; null where one does not tell. */
  pauseFrames: (names: string[]) => number | null;
  /** Why a forwarder cannot run there, or null. */
  unavailable: (wish: { use: string; options: Record<string, unknown> }) => string | null;
  examine: (name: string) => HostExamination;
}

/** A host's observer as whoever reads the host sees it; `RoleClient<'observer'>` is one. */
export interface Observer {
  /**
   * Asks and waits for the answer.
   * @param timeout seconds
   * @throws RoleError with what the role said, how its process ended, or that it did not answer
   */
  ask<M extends keyof ObserverMethods>(
    method: M,
    parameters?: Parameters<ObserverMethods[M]>[0] | null,
    timeout?: number,
  ): Promise<ReturnType<ObserverMethods[M]>>;
}
