import type { HostIdentity } from './identity.js';
import type { Observer } from './observer.js';

/** A host is an argv prefix: whatever starts a program where the traffic is to run. */
export interface Host {
  /** Shown in messages and records. */
  name: string;
  /** Put before the argv of every role started there; empty = this host. */
  prefix: readonly string[];
  /** True when a shell there reads what follows the prefix: its words are then quoted. */
  shell?: boolean | undefined;
  /** argv of splicebench there; absent = the one that runs now. */
  splicebench?: readonly string[];
  /** Seconds after which a role there ends when it hears nothing; absent = when its input closes. */
  lease?: number;
  /** Answers what is read there; absent = this machine's own /proc and /sys are that host's. */
  observer?: Observer;
  /** What it is, of the topology `hosts`. */
  identity?: HostIdentity;
  /** Address on which roles listen there. */
  address: string;
  /** Process whose /proc/PID/net shows this host's network, read from here; null = /proc/self/net. */
  networkPid: number | null;
  /** True when the network is the run's own and nothing else uses it. */
  isolated: boolean;
  /** Interfaces that carry the trial's traffic; absent where they carry other traffic as well. */
  interfaces?: readonly string[];
  /** CPUs to which the run steers what its interfaces receive, by interface, as read back; absent = to none. */
  receiving?: Readonly<Record<string, readonly number[]>>;
  /** Of the topology `nic`: folders in sysfs of those that have a device behind them. */
  devices?: Readonly<Record<string, string>>;
  /** Bits per second of those of them that are network cards and say it, by name. */
  linkSpeeds?: Readonly<Record<string, number>>;
  /** What the run lost on this host and why, a sentence each. */
  limits: readonly string[];
  /** Gives back what was made for this host; nothing is left behind. */
  close(): Promise<void>;
}

export type TrialPart = 'upstream' | 'forwarder' | 'downstream';

/** Both ends of what flows through a forwarder. */
export interface PairHosts {
  /** The end that the forwarder connects to. */
  upstream: Host;
  /** The end that connects to the forwarder. */
  downstream: Host;
}

/** Where the three parts of a trial run; on loopback all on the same host. */
export interface TrialHosts extends PairHosts {
  forwarder: Host;
  /** Further pairs of ends, where one is too little to load the forwarder. */
  beside?: readonly PairHosts[];
}

/** All pairs of ends, at least one. */
export function pairsOf({
  upstream,
  downstream,
  beside = [],
}: TrialHosts): [PairHosts, ...PairHosts[]] {
  return [{ upstream, downstream }, ...beside];
}

/** argv that runs a command on a host. */
export function commandOn(
  { prefix, shell }: Pick<Host, 'prefix' | 'shell'>,
  argv: readonly string[],
): string[] {
  return shell ? [...prefix, argv.map(quoted).join(' ')] : [...prefix, ...argv];
}

/** A word as a shell reads it back. */
function quoted(word: string): string {
  return /^[\w./=,:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** All parts on one host. */
export function allOn(host: Host): TrialHosts {
  return { upstream: host, forwarder: host, downstream: host };
}

/** The distinct hosts of a trial. */
export function distinctHosts(hosts: TrialHosts): Host[] {
  const { upstream, forwarder, downstream, beside = [] } = hosts;
  const further = beside.flatMap((pair) => [pair.upstream, pair.downstream]);
  return [...new Set([upstream, forwarder, downstream, ...further])];
}

/** This host's own loopback. `limits` say why nothing better could be had. */
export function localHost(limits: readonly string[] = []): Host {
  return {
    name: 'local',
    prefix: [],
    address: '127.0.0.1',
    networkPid: null,
    isolated: false,
    limits,
    close: () => Promise.resolve(),
  };
}
