/**
 * What the doctor looks at, read from the host. Everything goes through a `Reader`, so that a test can
 * be any host. null = the host does not say.
 */
import { governorsOf, turboOf } from './cpu-facts.js';
import type { FileReader } from '../../base/process/files.js';
import type { Offloads } from '../../data/native/native-tools.js';
import { parseCpuList } from '../../base/units/sizes.js';

/** The host, as far as the doctor looks at it. */
export interface Reader extends FileReader {
  /** True when a program of this name can be started. */
  program(name: string): boolean;
  /** Waits so many milliseconds. */
  wait(milliseconds: number): Promise<void>;
  /** Why there is no private namespace; null when there can be one. */
  namespaceRefusal(): Promise<string | null>;
  /** Why there is no tracepoint of system calls; null when there is one. */
  tracepointRefusal(): Promise<string | null>;
  /** Offloads of an interface; null when it does not tell. */
  offloads(name: string): Offloads | null;
  /** Nanoseconds of a cache line's round trip between two CPUs; null = not known. */
  lineTrip(first: number, second: number): number | null;
}

export interface HostFacts {
  congestion: string | null;
  namespaceRefusal: string | null;
  tracepointRefusal: string | null;
  hardwareCounters: boolean;
  /** CPUs that this process may use. */
  cpus: number[];
  /** True when some of them are threads of one core. */
  threadsShareCores: boolean;
  /** Nanoseconds of a cache line's round trip between the first two CPUs, several times; empty = not known. */
  lineTrips: number[];
  governors: string[];
  /** null = the host does not say. */
  turbo: boolean | null;
  /** Vulnerabilities with a mitigation at work. */
  mitigations: string[];
  /** Shares of all CPUs' time while the doctor looked, 0 to 1. */
  busy: number | null;
  stolen: number | null;
  pipeMaxSize: number | null;
  pipeUserPagesSoft: number | null;
  openFiles: number | null;
  memoryAvailable: number | null;
  /** Share of the last ten seconds in which something waited for memory, 0 to 1. */
  memoryPressure: number | null;
  virtual: boolean;
  /** As the firmware calls the machine, in clouds its type. */
  machineType: string | null;
  numaNodes: number;
  /** Of TOOLS. */
  missingTools: string[];
  /** Interfaces besides loopback that are up and lack TSO or GRO. */
  interfacesWithoutOffloads: string[];
}

/** Programs that a run can make use of, with the Debian package that has them and what for. */
export const TOOLS: Readonly<Record<string, { from: string; use: string }>> = {
  unshare: { from: 'util-linux', use: "network namespaces of the run's own" },
  nsenter: { from: 'util-linux', use: "network namespaces of the run's own" },
  ip: { from: 'iproute2', use: 'namespaces and veth' },
  tc: { from: 'iproute2', use: 'rate limits of veth' },
  ethtool: { from: 'ethtool', use: 'driver, rings and queue counters of interfaces' },
  ssh: { from: 'openssh-client', use: 'other hosts' },
  strace: { from: 'strace', use: 'calls of a program beside its incidents' },
  haproxy: { from: 'haproxy', use: 'the forwarder haproxy' },
  nginx: { from: 'nginx libnginx-mod-stream', use: 'the forwarder nginx' },
  socat: { from: 'socat', use: 'the forwarder socat' },
  ncat: { from: 'ncat', use: 'the forwarder ncat' },
  go: { from: 'golang-go', use: 'the forwarder go' },
  iperf3: { from: 'iperf3', use: 'the bars' },
};

const CPU = '/sys/devices/system/cpu';
/** How long load and stolen time are looked at, milliseconds. */
const LOOK = 500;

/** How often the distance of two CPUs is looked at, and the pauses between, milliseconds: they may move. */
const TRIPS = 8;
const BETWEEN_TRIPS = 25;

async function lineTrips(reader: Reader, [first, second]: readonly number[]): Promise<number[]> {
  if (first === undefined || second === undefined) return [];
  const trips: number[] = [];
  for (let look = 0; look < TRIPS; look++) {
    const trip = reader.lineTrip(first, second);
    if (trip !== null) trips.push(trip);
    await reader.wait(BETWEEN_TRIPS);
  }
  return trips;
}

/** Reads everything. */
export async function readHostFacts(reader: Reader): Promise<HostFacts> {
  const cpus = parsedList(/^Cpus_allowed_list:\s*(\S+)/m, reader.text('/proc/self/status'));
  const load = await readLoad(reader);
  const number = (path: string) => numberOf(reader.text(path));
  return {
    congestion: reader.text('/proc/sys/net/ipv4/tcp_congestion_control'),
    namespaceRefusal: await reader.namespaceRefusal(),
    tracepointRefusal: await reader.tracepointRefusal(),
    hardwareCounters: reader
      .list('/sys/bus/event_source/devices')
      .some((name) => /^(cpu|cpu_core|armv8)/.test(name)),
    cpus,
    threadsShareCores: cpus.some((cpu) => {
      const siblings = reader.text(`${CPU}/cpu${cpu}/topology/thread_siblings_list`);
      return siblings !== null && parseCpuList(siblings).length > 1;
    }),
    lineTrips: await lineTrips(reader, cpus),
    governors: governorsOf(reader, cpus),
    turbo: turboOf(reader),
    mitigations: reader
      .list(`${CPU}/vulnerabilities`)
      .filter((name) => reader.text(`${CPU}/vulnerabilities/${name}`)?.startsWith('Mitigation')),
    ...load,
    pipeMaxSize: number('/proc/sys/fs/pipe-max-size'),
    pipeUserPagesSoft: number('/proc/sys/fs/pipe-user-pages-soft'),
    openFiles: numberOf(
      /^Max open files\s+(\d+)/m.exec(reader.text('/proc/self/limits') ?? '')?.[1] ?? null,
    ),
    memoryAvailable: kibibytes(/^MemAvailable:\s*(\d+) kB/m, reader.text('/proc/meminfo')),
    memoryPressure: shareIn(/^some avg10=([\d.]+)/m, reader.text('/proc/pressure/memory')),
    virtual: /^flags\s*:.*\bhypervisor\b/m.test(reader.text('/proc/cpuinfo') ?? ''),
    machineType: reader.text('/sys/class/dmi/id/product_name'),
    numaNodes: Math.max(
      1,
      reader.list('/sys/devices/system/node').filter((name) => /^node\d+$/.test(name)).length,
    ),
    missingTools: Object.keys(TOOLS).filter((name) => !reader.program(name)),
    interfacesWithoutOffloads: reader
      .list('/sys/class/net')
      .filter((name) => name !== 'lo' && reader.text(`/sys/class/net/${name}/operstate`) === 'up')
      .filter((name) => {
        const offloads = reader.offloads(name);
        return offloads !== null && !(offloads.tso && offloads.gro);
      }),
  };
}

/** Busy and stolen shares of all CPUs over a moment, which nothing of ours takes part in. */
async function readLoad(reader: Reader): Promise<Pick<HostFacts, 'busy' | 'stolen'>> {
  const before = cpuTicks(reader.text('/proc/stat'));
  await reader.wait(LOOK);
  const after = cpuTicks(reader.text('/proc/stat'));
  if (before === null || after === null) return { busy: null, stolen: null };
  const all = after.all - before.all;
  if (all <= 0) return { busy: null, stolen: null };
  return {
    busy: (after.busy - before.busy) / all,
    stolen: (after.stolen - before.stolen) / all,
  };
}

function cpuTicks(text: string | null): { all: number; busy: number; stolen: number } | null {
  const fields = /^cpu\s+(.*)$/m
    .exec(text ?? '')?.[1]
    ?.split(/\s+/)
    .map(Number);
  if (fields === undefined) return null;
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softirq = 0, stolen = 0] =
    fields;
  const busy = user + nice + system + irq + softirq;
  return { all: busy + idle + wait + stolen, busy, stolen };
}

function parsedList(pattern: RegExp, text: string | null): number[] {
  const list = pattern.exec(text ?? '')?.[1];
  return list === undefined ? [] : parseCpuList(list);
}

function numberOf(text: string | null): number | null {
  return text !== null && /^\d+$/.test(text) ? Number(text) : null;
}

function kibibytes(pattern: RegExp, text: string | null): number | null {
  const value = numberOf(pattern.exec(text ?? '')?.[1] ?? null);
  return value === null ? null : value * 1024;
}

function shareIn(pattern: RegExp, text: string | null): number | null {
  const found = pattern.exec(text ?? '')?.[1];
  return found === undefined ? null : Number(found) / 100;
}
