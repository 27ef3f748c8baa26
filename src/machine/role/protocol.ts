/**
 * What the orchestrator asks of a role. One process per role and trial; requests are JSON-RPC over the
 * process's standard input and output, and the process ends when its input closes.
 */
import type { ObserverMethods } from '../host/observer.js';
import type { Taken, TakeWish } from '../host/port-keeper.js';
import type { HttpCounts } from '../../data/integrity/http.js';
import type { Check } from '../../data/record/words.js';
import type { CallCount, Incident, RecordedCall } from '../../data/record/record.js';
import type {
  ArmSnapshot,
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
  SliceFigures,
  SliceOrder,
} from '../../data/native/native-surface.js';
import type {
  DecoySnapshot,
  NativeDecoyOptions,
  Offloads,
} from '../../data/native/native-tools.js';
import type {
  ConversationRecord,
  NativeScriptOptions,
  NativeScriptRun,
} from '../../data/native/native-script.js';
import type { MovedCalls } from '../../data/record/moved-by.js';
import type { Holdings } from './holdings.js';
import type { CommandPlaces } from '../forwarders/places.js';
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
   * byte; or until one has ended, or nothing was seen to happen for so long (seconds). Answers with how far it is.
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

/** A slice as an end saw it, and the CPU time of its thread by then. */
export interface SliceMark extends SliceFigures {
  cpuNs: number;
}

/** Requests to an end that serves several arms in turn. */
export interface SliceMethods {
  /** Listened on by each arm. */
  ports: () => number[];
  /**
   * Waits until every arm has so many connections with their first byte, where this end receives, or
   * has lost one; or until the time is over (seconds).
   */
  awaitArms: (wish: { connections: number; timeout: number }) => ArmSnapshot[];
  /** Of an end that receives: what comes is measured as a slice. */
  expect: (order: SliceOrder) => null;
  /** Of an end that sends: answers once its bytes are given, `patience` seconds late at most. */
  slice: (wish: { order: SliceOrder; patience: number }) => SliceMark;
  /** Answers once the arm has received so many bytes in all, or nothing came for `stall` seconds. */
  drained: (wish: { total: number; stall: number }) => SliceMark;
  endArm: (arm: number) => null;
  /** See NativeEndpoint.armResults; ends whatever is still open first. */
  armResults: (sent: [number, number][] | null) => EndpointResults[];
}

/** Requests that the roles `source` and `sink` answer. */
export interface EndpointMethods
  extends LoopMethods<NativeEndpointOptions>, StreamMethods, SliceMethods {
  /** A faulty source writes over what it handed over; answers once it has, with how much. */
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
  open: (options: NativeForwarderOptions & { threads: number }) => {
    port: number;
    debugBuild: string | null;
  };
  mark: () => ForwarderMark;
  /** Keeps the calls recorded so far from being overwritten. */
  freeze: () => null;
  /** Descriptors and sockets now, of the whole process. */
  holdings: () => Holdings;
  /** Whether a thread of it runs, or waits for nothing but a CPU. */
  ready: () => boolean;
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
  /** It has ended, and not by itself with exit code 0. */
  died: boolean;
}

export interface SyscallRate {
  perSecond: number;
  /** Which calls moved how many bytes, for a moment after; absent = not asked, a string says why not. */
  moved?: MovedCalls | string;
}

export interface CommandStart {
  spec: CommandSpec;
  places: CommandPlaces;
  cpus: number[];
  /** Under strace, for recorded(). */
  strace: boolean;
  /** With the call recorder preloaded, for recorded(). */
  record?: boolean;
}

/** Requests that the role `command` answers. */
export interface CommandMethods {
  /** How a program of the registry is started there: what it is called, and what its version understands. */
  specOf: (wish: { use: string; options: Record<string, unknown> }) => CommandSpec;
  /** Picks a free port on the host, for {listen.port}. */
  freePort: (host: string) => number;
  /** Writes its files, starts the program and waits until it is ready. Fails with what it said when it does not. */
  open: (start: CommandStart) => { version: string | null; debugBuild: string | null };
  mark: () => CommandMark;
  /** Bytes that the tree holds now; null = could not be read. */
  memory: () => number | null;
  /** Counts the system calls of the whole tree for a while. Fails when perf_event refuses. */
  countSyscalls: (wish: { tracepoint: number; exit?: number; seconds: number }) => SyscallRate;
  /** What it tells of itself: the first line that speaks of trouble, and its counters as it gave them. */
  told: () => { trouble: string | null; counters: string | null };
  /** Descriptors and sockets of its process tree now. */
  holdings: () => Holdings;
  /** Whether a thread of it runs, or waits for nothing but a CPU. */
  ready: () => boolean;
  /** Keeps the calls around now from being overwritten. */
  freeze: () => null;
  /** The last calls that strace or the call recorder saw, oldest first; none without them. */
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
  /**
   * Steers what an interface receives to CPUs, in sysfs as it is mounted where the role runs; answers with
   * what is in force then, by queue.
   */
  steerReceiving: (wish: { name: string; cpus: number[] }) => Record<string, number[]>;
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
  /** Requests per second in all; null = a closed loop. */
  rate: number | null;
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

/** Requests that the role `script` answers. */
export interface ScriptMethods {
  /** Opens the server's listener. */
  open: (options: NativeScriptOptions) => { port: number };
  /** Runs rounds of conversations to their end. */
  run: (run: NativeScriptRun) => ConversationRecord[];
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
  script: ScriptMethods;
}
export type RoleName = keyof Roles;

/** The same methods as a role implements them: each may take its time. */
export type Handlers<M> = {
  [K in keyof M]: M[K] extends (...parameters: infer P) => infer R
    ? (...parameters: P) => R | Promise<R>
    : never;
};
