/** Reading a host's counters where they are: from here when it is this machine, else by its observer. */
import type { HostCounts } from './observer.js';
import { type CpuTimes, readCpuTimes, readRetransmits, readTcpMemory } from './counters.js';
import type { Host } from './host.js';
import { machineId, networkId } from './identity.js';
import { type InterfaceCounters } from './interface-counters.js';
import { readInterfaces } from './link-counters.js';

/** What a host has counted at one moment. */
export interface HostReading {
  /** Hosts of one machine share its CPUs, and its kernel's memory. */
  machine: string;
  /** Hosts of one network namespace share its TCP counters. */
  network: string;
  /** The host's own clock, seconds. */
  seconds: number;
  cpu: CpuTimes;
  retransmits: number | null;
  /** By name; null when they cannot be read. */
  interfaces: ReadonlyMap<string, InterfaceCounters> | null;
}

export interface MemoryWatch {
  /** Ends it; the most that was there beyond the beginning, bytes; null when it cannot be read. */
  peak(): Promise<number | null>;
  /** Ends it where nobody wants to know. Never throws. */
  end(): void;
}

/** How often kernel memory is looked at, milliseconds. */
const MEMORY_POLL = 100;

/** Reads everything. @throws RoleError when the host does not answer */
export async function readHost({ networkPid, observer, identity }: Host): Promise<HostReading> {
  if (observer !== undefined && identity !== undefined) {
    const { machine, network } = identity;
    const { seconds, cpu, retransmits, interfaces } = await observer.ask('counts');
    return {
      machine,
      network,
      seconds,
      cpu: { ...cpu, byCpu: new Map(cpu.byCpu) },
      retransmits,
      interfaces: interfaces === null ? null : new Map(interfaces),
    };
  }
  return {
    machine: machineId(),
    network: networkId(networkPid),
    seconds: performance.now() / 1e3,
    cpu: readCpuTimes(),
    retransmits: readRetransmits(networkPid),
    interfaces: readInterfaces(networkPid),
  };
}

/** What an observer answers: the same, as JSON can carry it. */
export function hostCounts(): HostCounts {
  const { byCpu, ...cpu } = readCpuTimes();
  const interfaces = readInterfaces(null);
  return {
    seconds: performance.now() / 1e3,
    cpu: { ...cpu, byCpu: [...byCpu] },
    retransmits: readRetransmits(null),
    interfaces: interfaces === null ? null : [...interfaces],
  };
}

/** Watches the TCP memory of the kernel that a host runs on. */
export function watchMemoryOf({ observer }: Host): MemoryWatch {
  if (observer === undefined) return watchLocalMemory();
  const begun = observer.ask('watchMemory');
  begun.catch(() => undefined);
  return {
    peak: async () => {
      await begun;
      return observer.ask('memoryPeak');
    },
    end: () => {
      // An observer that is gone watches nothing.
      observer.ask('memoryPeak').catch(() => undefined);
    },
  };
}

/** The same for the kernel that this process runs on. */
export function watchLocalMemory(): MemoryWatch {
  const before = readTcpMemory();
  let peak = before;
  const timer = setInterval(() => {
    const now = readTcpMemory();
    if (now !== null) peak = Math.max(peak ?? 0, now);
  }, MEMORY_POLL);
  const end = () => {
    clearInterval(timer);
  };
  return {
    peak: () => {
      end();
      return Promise.resolve(peak === null || before === null ? null : peak - before);
    },
    end,
  };
}
