/** What a host is to a run: which machine, whose CPUs, which interfaces. Read where it is asked. */
import { wordsOf } from '../../base/errors/words.js';
import { readlinkSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { native } from '../../data/native/native.js';
import { buildDigest } from './build-digest.js';
import { descriptorLimit } from './descriptor-limit.js';
import { cardFolder } from './device.js';
import { packageVersion } from '../../base/process/package-root.js';
import { type FileReader, localFiles } from '../../base/process/files.js';
import { allowedCpus, coreCpus } from './placement.js';

export interface HostIdentity {
  splicebench: string;
  /** Absent in answers of versions that did not tell. */
  build?: string;
  node: string;
  /** As node names it, e.g. "x64". */
  arch: string;
  hostname: string;
  /** The same for everything under one kernel: CPUs and memory are shared then. */
  machine: string;
  /** The same for everything in one network namespace. */
  network: string;
  /** One CPU of each core, or all where there is one core only. */
  cpus: number[];
  /** Open files per process; null = no limit known. */
  descriptorLimit: number | null;
  /** Interfaces by the addresses asked for; null where the host does not have the address. */
  interfaces: Record<string, CarryingInterface | null>;
  /** Congestion control of new connections there; absent in answers of versions that did not tell. */
  congestion?: string | null;
  /** Why the addon cannot be loaded there; null when it can. */
  addon: string | null;
}

/** An interface that has one of the addresses. */
export interface CarryingInterface {
  name: string;
  /** True for one with a device behind it: no loopback, no veth, no bridge. */
  device: boolean;
  /** Bits per second of the link; null where there is none or it does not say. */
  speed: number | null;
}

/** @param addresses to find the interfaces of */
export function identify(addresses: readonly string[]): HostIdentity {
  const all = networkInterfaces();
  return {
    splicebench: packageVersion(),
    build: buildDigest(),
    node: process.version,
    arch: process.arch,
    hostname: hostname(),
    machine: machineId(),
    network: networkId(null),
    cpus: coreCpus(allowedCpus()),
    descriptorLimit: descriptorLimit(),
    interfaces: Object.fromEntries(addresses.map((address) => [address, carrying(address, all)])),
    congestion: localFiles.text('/proc/sys/net/ipv4/tcp_congestion_control'),
    addon: addonFault(),
  };
}

let machine: string | undefined;

/** Made anew by the kernel at each start. */
export function machineId(): string {
  machine ??= localFiles.text('/proc/sys/kernel/random/boot_id') ?? hostname();
  return machine;
}

/** @param pid process whose network is meant; null = this one's */
export function networkId(pid: number | null): string {
  try {
    return `${machineId()} ${readlinkSync(`/proc/${pid ?? 'self'}/ns/net`)}`;
  } catch {
    return `${machineId()} of process ${pid ?? 'self'}`;
  }
}

/** @param interfaces of this process's network namespace */
export function carrying(
  address: string,
  interfaces: ReturnType<typeof networkInterfaces>,
  files: FileReader = localFiles,
): CarryingInterface | null {
  for (const [name, addresses = []] of Object.entries(interfaces)) {
    const own = addresses.find((one) => one.address === address);
    if (own === undefined) continue;
    const folder = cardFolder(name, own.mac, files);
    // A veth says 10 Gbps of itself, which limits nothing.
    const megabits = folder === null ? 0 : Number(files.text(`${folder}/speed`));
    const speed = megabits > 0 ? megabits * 1e6 : null;
    return { name, device: folder !== null, speed };
  }
  // Every address of 127/8 is loopback's, whether it is listed or not.
  return address.startsWith('127.') ? { name: 'lo', device: false, speed: null } : null;
}

function addonFault(): string | null {
  try {
    native();
    return null;
  } catch (error) {
    const lines = wordsOf(error).split('\n');
    return lines.at(-1)?.trim() ?? '';
  }
}
