/** What the links of a trial have carried, from /proc/net/dev of each host's namespace. */
import type { InterfaceCounters } from './interface-counters.js';
import { readFileSync } from 'node:fs';
import { distinctHosts, type Host, type TrialHosts } from './host.js';

/** Counters of all links of a trial at one moment. */
export interface LinkCounters {
  /**
   * What the forwarder's interfaces towards whoever sends have received; null where one interface has
   * both sides.
   */
  data: { bytes: number; packets: number } | null;
  /** Bytes carried by each of the forwarder's interfaces in each direction. */
  directions: number[];
  /** Packets lost on all interfaces of all hosts. */
  lost: number;
}

/** What a network card of a trial has carried at one moment. */
export interface CardCounters {
  /** "eth0 of sink (ssh c)". */
  name: string;
  /** Bits per second that its link carries in each direction. */
  speed: number;
  /** By its host's clock. */
  seconds: number;
  /** Bytes so far, in each direction. */
  received: number;
  sent: number;
}

/** Counters by interface. Pure. */
export function parseInterfaces(text: string): Map<string, InterfaceCounters> {
  const found = new Map<string, InterfaceCounters>();
  for (const [, name = '', fields = ''] of text.matchAll(/^\s*([^\s:]+):\s*(.*)$/gm)) {
    const values = fields.trim().split(/\s+/).map(Number);
    const at = (column: number) => values[column] ?? 0;
    found.set(name, {
      receivedBytes: at(0),
      receivedPackets: at(1),
      sentBytes: at(8),
      lost: at(2) + at(3) + at(10) + at(11),
    });
  }
  return found;
}

/** Counters of the interfaces of a network; null when they cannot be read. */
export function readInterfaces(pid: number | null): Map<string, InterfaceCounters> | null {
  try {
    return parseInterfaces(readFileSync(`/proc/${pid ?? 'self'}/net/dev`, 'utf8'));
  } catch {
    return null;
  }
}

/** Counters by interface of every host of a trial. */
export type InterfacesByHost = ReadonlyMap<Host, ReadonlyMap<string, InterfaceCounters> | null>;

/**
 * The links of a trial; null where the parts share an interface with each other or with others, so
 * that its counters say nothing about the trial. Pure.
 * @param senders ends that send: the forwarder's interface towards each carries the data
 */
export function linksOf(
  hosts: TrialHosts,
  counters: InterfacesByHost,
  senders: readonly ('upstream' | 'downstream')[],
): LinkCounters | null {
  const towards = hosts.forwarder.interfaces ?? [];
  const own = carrying(hosts.forwarder, counters);
  const [upstream, downstream] = [towards[0], towards.at(-1)];
  if (own === null || upstream === undefined || downstream === undefined) return null;
  const names = new Set(senders.map((side) => (side === 'upstream' ? upstream : downstream)));
  const data = { bytes: 0, packets: 0 };
  for (const name of names) {
    data.bytes += own.get(name)?.receivedBytes ?? 0;
    data.packets += own.get(name)?.receivedPackets ?? 0;
  }
  const lost = distinctHosts(hosts)
    .flatMap((host) => [...(carrying(host, counters)?.values() ?? [])])
    .reduce((sum, one) => sum + one.lost, 0);
  const directions = [...own.values()].flatMap((one) => [one.receivedBytes, one.sentBytes]);
  // On one interface the data of one side and the acknowledgements of the other are not told apart.
  return { data: upstream === downstream ? null : data, directions, lost };
}

/**
 * The cards of all hosts that say their speed and are counted, each by itself: one that is silent hides
 * no other. Pure.
 * @param clocks of each host, seconds
 */
export function cardCounters(
  counters: InterfacesByHost,
  clocks: ReadonlyMap<Host, number>,
): CardCounters[] {
  return [...counters].flatMap(([host, interfaces]) =>
    Object.entries(host.linkSpeeds ?? {}).flatMap(([name, speed]) => {
      const [found, seconds] = [interfaces?.get(name), clocks.get(host)];
      if (found === undefined || seconds === undefined) return [];
      const { receivedBytes: received, sentBytes: sent } = found;
      return [{ name: `${name} of ${host.name}`, speed, seconds, received, sent }];
    }),
  );
}

/** Those of a host's interfaces that carry the trial; null when there are none of its own. */
function carrying(host: Host, counters: InterfacesByHost): Map<string, InterfaceCounters> | null {
  const { interfaces } = host;
  const all = counters.get(host) ?? null;
  if (interfaces === undefined || all === null) return null;
  return new Map([...all].filter(([name]) => interfaces.includes(name)));
}
