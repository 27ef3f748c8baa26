/** What conductors of every kind of workload look at: marks, kernel memory, sampled system calls. */
import { setTimeout as sleep } from 'node:timers/promises';
import { distinctHosts, type Host, pairsOf, type TrialHosts } from '../../machine/host/host.js';
import { cardCounters, linksOf } from '../../machine/host/link-counters.js';
import { type MemoryWatch, readHost, watchMemoryOf } from '../../machine/host/readings.js';
import type { SessionSetting } from './session.js';
import type { Side } from './endpoints.js';
import type { ForwarderUnderTest } from './forwarder-under-test.js';
import {
  type EndpointMarks,
  type MachineMark,
  type Marks,
  type PairMarks,
  receivingRate,
  type SyscallSample,
} from './window.js';

/** The ends of a trial, as far as marks need them. */
export interface MarkedEnds<E extends EndpointMarks = EndpointMarks> {
  mark(): Promise<PairMarks<E>>;
}

/** Watches the kernel's TCP memory on every machine of a trial; the peak is the sum of theirs. */
export function watchMemory(hosts: TrialHosts): MemoryWatch {
  const machines = new Map(distinctHosts(hosts).map((host) => [host.identity?.machine, host]));
  const watches = [...machines.values()].map(watchMemoryOf);
  return {
    peak: async () => {
      const peaks = await Promise.all(watches.map((watch) => watch.peak()));
      return peaks.includes(null) ? null : peaks.reduce<number>((sum, n) => sum + (n ?? 0), 0);
    },
    end: () => {
      for (const watch of watches) watch.end();
    },
  };
}

/** Waits for an end, so many seconds at most. No timer stays behind to keep the process alive. */
export async function atMost(seconds: number, end: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  try {
    await Promise.race([sleep(seconds * 1e3, undefined, { signal: timer.signal }), end]);
  } finally {
    timer.abort();
  }
}

/**
 * Everything that is counted, read at one end of the window. The forwarder's memory, whose reading takes
 * its time, is read outside of the window: before its begin, after its end.
 * @param senders ends that send
 */
export async function takeMarks<E extends EndpointMarks>(
  ends: MarkedEnds<E>,
  { hosts, forwarder }: Pick<SessionSetting, 'hosts' | 'forwarder'>,
  senders: readonly Side[],
  edge: 'begin' | 'end',
): Promise<Marks & { endpoints: PairMarks<E> }> {
  const before = edge === 'begin' ? await forwarder.memory() : null;
  const [endpoints, cost, host] = await Promise.all([
    ends.mark(),
    forwarder.cost(),
    readHosts(hosts, senders),
  ]);
  const memory = edge === 'begin' ? before : await forwarder.memory();
  return { endpoints, forwarder: cost, memory, host };
}

/** What the hosts of a trial have counted; TCP counters once for hosts that share a network. */
export async function readHosts(
  hosts: TrialHosts,
  senders: readonly Side[],
): Promise<Marks['host']> {
  const distinct = distinctHosts(hosts);
  const readings = new Map(
    await Promise.all(distinct.map(async (host) => [host, await readHost(host)] as const)),
  );
  const networks = new Map([...readings.values()].map((one) => [one.network, one.retransmits]));
  const counts = [...networks.values()];
  const interfaces = new Map([...readings].map(([host, one]) => [host, one.interfaces]));
  const machineOf = (host: Host): MachineMark => {
    const reading = readings.get(host);
    if (reading === undefined) throw new Error(`${host.name} was not read`);
    const { machine, seconds, cpu } = reading;
    return { machine, seconds, cpu };
  };
  return {
    ...machineOf(hosts.forwarder),
    ends: pairsOf(hosts).map(({ upstream, downstream }) => ({
      upstream: machineOf(upstream),
      downstream: machineOf(downstream),
    })),
    retransmits: counts.includes(null)
      ? null
      : counts.reduce<number>((sum, n) => sum + (n ?? 0), 0),
    links: linksOf(hosts, interfaces, senders),
    cards: cardCounters(
      interfaces,
      new Map([...readings].map(([host, one]) => [host, one.seconds])),
    ),
  };
}

/** System calls of a program, after the window: counting them would slow it down in there. */
export async function sampleSyscalls(
  ends: MarkedEnds,
  forwarder: ForwarderUnderTest,
  receiving: readonly Side[],
): Promise<SyscallSample | string | null> {
  const before = await ends.mark();
  const rate = await forwarder.sampleSyscalls();
  if (rate === null || typeof rate === 'string') return rate;
  const after = await ends.mark();
  return { ...rate, gbPerSecond: receivingRate(before, after, receiving) };
}
