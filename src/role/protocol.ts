/**
 * What the orchestrator asks of a role. One process per role and trial; requests are JSON-RPC over the
 * process's standard input and output, and the process ends when its input closes.
 */
import type { HostFacts } from '../doctor/host-facts.js';
import type { CpuTimes } from '../host/counters.js';
import type { HostIdentity } from '../host/identity.js';
import type { InterfaceCounters } from '../host/link-counters.js';
import type { Taken, TakeWish } from '../host/port-keeper.js';
import type { Tracepoint } from '../host/tracepoint.js';
import type { HttpCounts } from '../integrity/http.js';
import type { HostEnvironment, InterfaceEnvironment } from '../results/environment-record.js';
import type { CallCount, Check, Incident, RecordedCall } from '../results/record.js';
import type {
  ChurnResults,
  ChurnSnapshot,
  EndpointResults,
  EndpointSnapshot,
  ExchangeSnapshot,
  ForwarderSnapshot,
  Latency,
  NativeChurnOptions,
  NativeEndpointOptions,
  NativeExchangeOptions,
  NativeForwarderOptions,
} from '../native-surface.js';
import type { DecoySnapshot, NativeDecoyOptions, Offloads } from '../native-tools.js';
import type { CommandPlaces } from '../forwarders/command.js';
import type { CommandSpec } from '../forwarders/kind.js';

/** How waiting for an endpoint's end came out. */
export interface EndResult {
  /** True when every connection has ended. */
  ended: boolean;
  /** Why the loop itself failed; null = it did not. */
  error: string | null;
  snapshot: EndpointSnapshot;
}

/** Requests that every role with a loop of its own answers; `Options` open it. */
export interface LoopMethods<Options, Snapshot extends EndpointSnapshot = EndpointSnapshot> {
  /** Opens the listener, if any. */
  open: (options: Options) => { port: number };
  start: () => null;
  /**
   * Waits until so many connections are established and, where this end receives, have their first
   * byte; or until one has ended, or the time is over (seconds). Answers with how far it is.
   */
  awaitConnected: (wish: { connections: number; timeout: number }) => EndpointSnapshot;
  go: () => null;
  stop: () => null;
  stopNow: () => null;
  mark: () => Snapshot;
  /** Waits for the end of all connections, or until nothing moved for `stall` seconds. */
  awaitEnd: (wish: { stall: number }) => EndResult;
  /** Answers when the first incident was found (true), or once everything has ended (false). */
  awaitIncident: () => boolean;
  /** Flat triples: time in ns, received, sent. */
  series: () => number[];
}

/** Requests about streams that stay open. */
export interface StreamMethods {
  /** Bytes sent by connection number, as pairs; ends whatever is still open first. */
  sentCounts: () => [number, number][];
  /** See NativeEndpoint.results; ends whatever is still open first. */
  results: (sent: [number, number][] | null) => EndpointResults;
}

/** Requests about latencies. */
export interface LatencyMethods {
  beginWindow: () => null;
  endWindow: () => null;
  /** Ends whatever is still open first. */
  latency: () => Latency;
}

/** Requests that the roles `source` and `sink` answer. */
export interface EndpointMethods extends LoopMethods<NativeEndpointOptions>, StreamMethods {
  /** A source of the lab writes over what it handed over; answers once it has, with how much. */
  overwrite: () => number;
}

/** Requests that the role `exchange` answers, as server or client. */
export interface ExchangeMethods
  extends LoopMethods<NativeExchangeOptions, ExchangeSnapshot>, StreamMethods, LatencyMethods {
  /** Requests per second from now on; 0 = closed loop. */
  pace: (rate: number) => null;
}

/** Requests that the role `churn` answers, as server or client. */
export interface ChurnMethods
  extends LoopMethods<NativeChurnOptions, ChurnSnapshot>, LatencyMethods {
  /** Ends whatever is still open first. */
  results: () => ChurnResults;
}

export interface ForwarderMark extends ForwarderSnapshot {
  /** Of the loops' threads; null when one has ended. */
  contextSwitches: number | null;
  calls: Record<string, CallCount>;
  /** Calls that strace has told of so far; null without it. */
  traced: number | null;
}

/** Requests that the role `forwarder` answers. */
export interface ForwarderMethods {
  /** On so many threads. */
  open: (options: NativeForwarderOptions & { threads: number }) => { port: number };
  mark: () => ForwarderMark;
  /** Keeps the calls recorded so far from being overwritten. */
  freeze: () => null;
  /** Ends the loop; answers with why it failed, or null. */
  stop: () => string | null;
  /** The flight recorder; after stop. */
  recorded: () => RecordedCall[];
  /** Has strace attached to the loops, as long as it runs. Fails when that is not allowed. */
  attachStrace: () => null;
}

/** What a program has cost so far. */
export interface CommandMark {
  timeNs: number;
  /** Of its whole process tree. */
  cpuNs: number;
  /** Voluntary and involuntary. */
  contextSwitches: number;
  /** Lines of strace so far, about one for each call; null without it. */
  traced: number | null;
  /** False when it has ended, with how ("exit code 1: …"). */
  alive: boolean;
  ended: string | null;
}

export interface SyscallRate {
  perSecond: number;
}

export interface CommandStart {
  spec: CommandSpec;
  places: CommandPlaces;
  cpus: number[];
  /** Under strace, for recorded(). */
  strace: boolean;
}

/** Requests that the role `command` answers. */
export interface CommandMethods {
  /** How a program of the registry is started there: what it is called, and what its version understands. */
  specOf: (wish: { use: string; options: Record<string, unknown> }) => CommandSpec;
  /** Picks a free port on the host, for {listen.port}. */
  freePort: (host: string) => number;
  /** Writes its files, starts the program and waits until it is ready. Fails with what it said when it does not. */
  open: (start: CommandStart) => { version: string | null };
  mark: () => CommandMark;
  /** Bytes that the tree holds now; null = could not be read. */
  memory: () => number | null;
  /** Counts the system calls of the whole tree for a while. Fails when perf_event refuses. */
  countSyscalls: (wish: { tracepoint: number; seconds: number }) => SyscallRate;
  /** Keeps the calls around now from being overwritten. */
  freeze: () => null;
  /** The last calls that strace saw, oldest first; none without it. */
  recorded: () => RecordedCall[];
  /** Ends it; answers with how it ended, null when it was not started. */
  stop: () => string | null;
}

/** Requests that the role `decoy` answers. */
export interface DecoyMethods {
  /** Answers once everything is filled. Fails when the host does not grant it in time. */
  open: (options: NativeDecoyOptions) => null;
  mark: () => DecoySnapshot;
}

/** Requests that the role `network` answers. */
export interface NetworkMethods {
  /** Asks for offloads of an interface; answers with what came of it. */
  setOffloads: (wish: { name: string; wanted: Offloads }) => Offloads;
  offloads: (name: string) => Offloads;
  /** Why an address does not answer within so many seconds; null when it does. */
  reach: (wish: { address: string; seconds: number }) => string | null;
}

/** Requests that the role `ports` answers. */
export interface PortsMethods {
  /** Takes ports into namespaces of their own, all or none. */
  take: (wish: TakeWish) => Taken;
  /** Puts them back; what could not be put back, a sentence each. */
  giveBack: () => string[];
}

export interface OriginMark {
  timeNs: number;
  /** Of its whole process tree. */
  cpuNs: number;
}

export interface OriginStart {
  host: string;
  connections: number;
  /** Bytes of each response's body. */
  body: number;
  /** What the bodies are made from. */
  seed: string;
  cpus: number[];
  /** Absent: nginx where there is one. */
  server?: 'nginx' | 'node';
}

/** Requests that the role `origin` answers. */
export interface OriginMethods {
  open: (start: OriginStart) => { port: number; server: string };
  mark: () => OriginMark;
}

export interface LoadStart {
  host: string;
  port: number;
  connections: number;
  /** Requests under way per connection. */
  pipelining: number;
  body: number;
  seed: string;
  check: Check;
  /** Seconds after which a request without an answer is given up. */
  stall: number;
  cpus: number[];
}

export interface LoadSnapshot {
  timeNs: number;
  cpuNs: number;
  /** Whole responses. */
  completed: number;
  /** Bytes of their bodies. */
  received: number;
  firstByteNs: number;
  lastByteNs: number;
}

/** Requests that the role `load` answers. */
export interface LoadMethods extends LatencyMethods {
  /** Begins at once. */
  open: (start: LoadStart) => null;
  /** Waits until so many connections had an answer; answers with how many had. Seconds. */
  awaitConnected: (wish: { connections: number; timeout: number }) => number;
  mark: () => LoadSnapshot;
  stop: () => null;
  results: () => HttpCounts & { incidents: Incident[] };
  /** Flat triples as those of endpoints. */
  series: () => number[];
}

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

/** Methods by role name; also the names that `splicebench role` accepts. */
export interface Roles {
  source: EndpointMethods;
  sink: EndpointMethods;
  exchange: ExchangeMethods;
  origin: OriginMethods;
  load: LoadMethods;
  churn: ChurnMethods;
  forwarder: ForwarderMethods;
  command: CommandMethods;
  network: NetworkMethods;
  ports: PortsMethods;
  decoy: DecoyMethods;
  observer: ObserverMethods;
}
export type RoleName = keyof Roles;

/** The same methods as a role implements them: each may take its time. */
export type Handlers<M> = {
  [K in keyof M]: M[K] extends (...parameters: infer P) => infer R
    ? (...parameters: P) => R | Promise<R>
    : never;
};
