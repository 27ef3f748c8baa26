/**
 * The surface of the native addon: what moves bytes; what measures and helps is in native-tools.ts. Times are
 * nanoseconds of CLOCK_MONOTONIC, CPU times are nanoseconds of the loop's thread, sizes are bytes. Errors thrown by constructors name the system
 * call, its subject and the reason ("listen 127.0.0.1:80: Permission denied").
 */
import type {
  NativeDecoyOptions,
  NativeDecoys,
  NativeMicro,
  NativeMovedBytes,
  NativeSyscallCounter,
  NativeTapWires,
  Offloads,
} from './native-tools.js';
import type { CheckTotals, NativeAddress } from './native-basics.js';
import type { NativeScript, NativeScriptOptions } from './native-script.js';
import type { CallCount, Incident, RecordedCall } from '../record/record.js';
import type { Pages } from '../record/words.js';

export type { CheckTotals, NativeAddress } from './native-basics.js';

/** How an arm's bytes are made and taken; all arms of an endpoint send or none, likewise for receiving. */
export interface EndModes {
  send: 'none' | 'content' | 'buffer' | 'prepared' | 'file';
  /** Of `prepared`; absent = as the kernel gives them. */
  pages?: Pages;
  receive: 'none' | 'check' | 'buffer' | 'discard';
}

export interface NativeEndpointOptions {
  /** Listen at the address (port 0 = any free one), or connect to it. */
  listen: boolean;
  address: NativeAddress;
  /**
   * Of several forwarders that take turns: where the connections of each are, `connections` for each, and how
   * its bytes are made and taken. An arm to connect to whose port is 0 is given up at once. Absent = one, with
   * `address`, `send`, `receive` and `pages`.
   */
  arms?: (NativeAddress & EndModes)[];
  /** What each accepted connection must begin with, before its stream and before anything is sent. */
  prefix?: 'proxy-v1' | 'proxy-v2';
  connections?: number;
  /** Number of the first one in the stamps, where another endpoint of the trial has those before it. */
  firstConnection?: number;
  /** CPUs of the loop's thread; empty = anywhere. */
  cpus?: number[];
  /** SO_RCVBUF and SO_SNDBUF; 0 = autotuning. */
  receiveBuffer?: number;
  sendBuffer?: number;
  /** TCP_MAXSEG; 0 = as the path allows. */
  segment?: number;
  nodelay?: boolean;
  /** When woken, does not preempt whoever runs on its CPU (SCHED_BATCH). */
  batch?: boolean;
  content?: 'stamped' | 'zero' | 'file';
  file?: string;
  /** Decimal digits of 64 bits. */
  seed: string;
  /** Seeds whose bytes are recognised as foreign. */
  earlierSeeds?: string[];
  /**
   * How to send: made on the fly, a buffer filled once by plain sends, pages prepared once by
   * reference, or a file by sendfile. The last two are the selftest's: memory handed over by reference and
   * written over afterwards.
   */
  send?: 'none' | 'content' | 'buffer' | 'prepared' | 'file' | 'overwriting' | 'graded';
  /** Of `prepared`; absent = as the kernel gives them. */
  pages?: Pages;
  /** Of `overwriting`. */
  handover?: Handover;
  /** Of `graded`: one page of so many is written over. */
  overwriteEvery?: number;
  sendDirection?: 'down' | 'up';
  /** Per connection; absent = until stop(). */
  bytes?: number;
  /** Bytes per send; connections take turns message by message. */
  message?: number;
  /** Where larger than `message`: each message has its own size between the two, by the seed. */
  messageMost?: number;
  /** Stream offset behind which one urgent byte is sent, which is no part of the stream. */
  urgentAt?: number;
  /** Bytes per second over all connections, from go() until stop(). */
  sendRate?: number;
  receiveRate?: number;
  /** Send only a prologue until go(). */
  hold?: boolean;
  /** How many bytes that is; 64 when absent. */
  prologue?: number;
  /** What becomes of the bytes: `buffer` takes them into memory unread, `discard` drops them in the kernel. */
  receive?: 'none' | 'check' | 'buffer' | 'discard' | 'output';
  receiveDirection?: 'down' | 'up';
  /** Descriptor for receive: 'output'. */
  output?: number;
  /** Kept by each connection's checker; all are counted. */
  storedIncidents?: number;
  /** Read only the first bytes of each stream until go(); the rest waits in the sockets. */
  holdReceive?: boolean;
  /** Offset at which each connection reads nothing for pauseNs, and again after pauseEvery bytes. */
  pauseAt?: number;
  pauseEvery?: number;
  pauseNs?: number;
}

/** How a faulty source gives its bytes to the kernel: copied by `send`, by reference otherwise. */
export type Handover = 'send' | 'vmsplice' | 'gift' | 'sendfile' | 'splice-file' | 'zerocopy';

export interface EndpointSnapshot {
  timeNs: number;
  cpuNs: number;
  tid: number;
  established: number;
  /** Connections that received their first byte. */
  started: number;
  ended: number;
  /** Of those, the ones that did not end in order. */
  failed: number;
  /** Name of the latest failure's errno. */
  lastErrno: string | null;
  sent: number;
  received: number;
  /** Found so far by checking. */
  incidents: number;
  /** Begun in mid-stream, of all connections. */
  pauses?: number;
  /** Bytes in the sockets of a receiver that is held. */
  waiting?: number;
  /** Connections that are up, and whose prefix has not come. */
  awaitingPrefix?: number;
  /** Bytes that a faulty source has written over. */
  overwritten?: number;
  /** 0 = none yet. */
  firstByteNs: number;
  lastByteNs: number;
}

export interface ConnectionResult {
  /** As stamped; by order of opening where nothing was checked. */
  connection: number;
  sent: number;
  received: number;
  /** End of stream received, and its own sent. */
  orderly: boolean;
  error: string | null;
  /** Where this end connected from; 0 when it listened. */
  port: number;
  /** The largest segment received, as TCP estimates it, bytes; 0 = unknown. */
  mss: number;
  /** Bytes that never came at the end; only where checked. */
  cut?: number;
  /** Bytes received beyond what was sent; only where checked. */
  beyondEnd?: number;
}

export interface EndpointResults {
  connections: ConnectionResult[];
  incidents: Incident[];
  totals: CheckTotals;
  /** Bytes of its own stream that this end wrote over, as a faulty source. */
  overwritten?: number;
  /** Of the prepared pages that it sent: null = the kernel does not tell; absent = it sent none. */
  pages?: { pages: number; runs: number | null; hugeBytes: number | null };
}

/** What an endpoint has counted of one arm. */
export interface ArmSnapshot {
  established: number;
  /** Connections that received their first byte. */
  started: number;
  ended: number;
  sent: number;
  received: number;
  incidents: number;
}

/** An arm's turn; times from its begin at an end that sends, from its first byte at one that receives. */
export interface SliceOrder {
  arm: number;
  /** Left out of what is measured. */
  settleNs: number;
  measureNs: number;
}

/** What an end saw of a slice; times are 0 for what did not happen. */
export interface SliceFigures {
  /** Of the arm in all, so far. */
  sent: number;
  received: number;
  incidents: number;
  firstNs: number;
  /** The measured part and its bytes, at an end that receives. */
  fromNs: number;
  toNs: number;
  bytes: number;
  lastNs: number;
  /** All was sent, or all has arrived. */
  complete: boolean;
  /** A connection of the arm has ended. */
  ended: boolean;
}

export interface NativeEndpoint extends NativeLoop {
  /** Listened on by each arm. */
  readonly ports: number[];
  /** Only this arm's connections send, for the order's times; of an endpoint that is held. */
  beginSlice(order: SliceOrder): void;
  /** Waits until this end has given the slice's bytes, for its times and patienceNs at most. */
  sent(patienceNs: number): Promise<SliceFigures>;
  /** Waits until the arm has received so many bytes in all, or nothing more comes for stallNs. */
  received(total: number, stallNs: number): Promise<SliceFigures>;
  /** Closes what an arm has; the others go on. */
  endArm(arm: number): void;
  arms(): ArmSnapshot[];
  /** results() of each arm. */
  armResults(sent: [number, number][] | null): EndpointResults[];
  /** An `overwriting` source writes over everything it has handed over. */
  overwrite(): void;
  /** Only after onEnd. Bytes sent by connection number, as stamped. */
  sentCounts(): [number, number][];
  /**
   * Only after onEnd. Ends the checkers: `sent` is what the other end sent, as pairs of connection and
   * bytes; null when unknown, then a short end cannot be told.
   */
  results(sent: [number, number][] | null): EndpointResults;
}

/** What the ends of exchanges and of churn share. */
export interface NativePeerOptions {
  /** The server listens (port 0 = any free one), the client connects. */
  listen: boolean;
  address: NativeAddress;
  /** Open at the same time. */
  connections: number;
  cpus?: number[];
  /** Decimal digits of 64 bits. */
  seed: string;
  earlierSeeds?: string[];
  /** Compare what is received; else it is discarded in the kernel. */
  check: boolean;
  /** Kept by all connections together, at least one by each that is open; all are counted. */
  storedIncidents?: number;
}

/** Latencies of what began within the window. */
export interface Latency {
  count: number;
  minNs: number;
  meanNs: number;
  maxNs: number;
  p50Ns: number;
  p90Ns: number;
  p99Ns: number;
  p999Ns: number;
}

/** A loop in a thread of its own, as roles drive it. */
export interface NativeLoop {
  /** The port listened on. */
  readonly port: number;
  /** Starts the loop; onEnd is called once, when every connection has ended or the loop failed. */
  start(onEnd: (error: string | null) => void): void;
  /** Lifts `hold` and `holdReceive`: what was proven by a first connection or exchange goes on. */
  go(): void;
  /** Ends every stream in the orderly way; receiving goes on to the end, at any rate. */
  stop(): void;
  /** Closes everything now. */
  stopNow(): void;
  snapshot(): EndpointSnapshot;
  /** Flat triples every 100 ms: time, received, sent. */
  series(): Float64Array;
}

export interface NativePeer extends NativeLoop {
  /** Bounds of the window whose latencies count; the second one may come late. */
  beginWindow(): void;
  endWindow(): void;
  /** Only after onEnd. */
  latency(): Latency;
}

export interface NativeExchangeOptions extends NativePeerOptions {
  request: number;
  response: number;
}

export interface ExchangeSnapshot extends EndpointSnapshot {
  /** Of the client: responses received in full, and requests that stop() found due and not sent. */
  completed: number;
  unsent: number;
}

export interface NativeExchange extends NativePeer {
  snapshot(): ExchangeSnapshot;
  /** Requests per second from now on; 0 = each as soon as the response before it has come. */
  pace(rate: number): void;
  sentCounts(): [number, number][];
  results(sent: [number, number][] | null): EndpointResults;
}

export interface NativeChurnOptions extends NativePeerOptions {
  body: number;
  /** Of a client: connections in all; absent = until stop(). */
  transfers?: number;
  send: boolean;
  receive: boolean;
}

export interface ChurnSnapshot extends EndpointSnapshot {
  /** Connections that ended with everything. */
  completed: number;
}

/** A connection that did not bring over what it should. */
export interface ChurnFailure {
  /** By order of opening at the end that tells. */
  connection: number;
  sent: number;
  received: number;
  /** Bytes that never came at the end. */
  cut: number;
  error: string | null;
}

/** The connections of one end, each counted once, by its worst outcome. */
export interface ChurnResults {
  begun: number;
  whole: number;
  /** Ended with an error, or could not connect. */
  broken: number;
  /** Ended in order, with less than the body. */
  truncated: number;
  /** Bytes that those lacked. */
  cutBytes: number;
  /** Ended in order, with more. */
  beyond: number;
  /** Bytes that those had too many. */
  beyondBytes: number;
  /** With wrong bytes in it, however it ended. */
  corrupt: number;
  /** Times that the host had no port or descriptor for another connection. */
  starved: number;
  /** Nothing but failures, for long: the rest was not tried. */
  gaveUp: boolean;
  totals: CheckTotals;
  incidents: Incident[];
  /** The first ones. */
  failures: ChurnFailure[];
  /** Sums over the numbers of whole bodies: equal at both ends when each arrived exactly once. */
  sentNumbers: string;
  receivedNumbers: string;
}

export interface NativeChurn extends NativePeer {
  snapshot(): ChurnSnapshot;
  results(): ChurnResults;
}

export interface NativeForwarderOptions {
  mechanism: string;
  listen: NativeAddress;
  upstream: NativeAddress;
  once?: boolean;
  /**
   * One of several that listen at the same address (SO_REUSEPORT), each with a table of descriptors of
   * its own: the limit on open files is one of each table. The first must find the address free.
   */
  oneOfSeveral?: 'first' | 'next';
  /**
   * All options of the mechanism, as a scenario names them: it has no defaults. The constructor throws for
   * one that is missing or that it does not know.
   */
  settings: Record<string, number | boolean | string>;
  cpus?: number[];
}

export interface ForwarderSnapshot {
  timeNs: number;
  startNs: number;
  cpuNs: number;
  tid: number;
  accepted: number;
  open: number;
  downBytes: number;
  upBytes: number;
  resets: number;
  connectFailures: number;
  lastErrno: string | null;
  /** The first failure that is none of a peer's, in words: a file that cannot be written. */
  trouble: string | null;
  copyFallbacks: number;
  /** The smallest pipe the host granted; 0 = none made. */
  pipeCapacity: number;
  pipesCreated: number;
  /** What only this mechanism counts, by the names that users see. */
  details: Record<string, number>;
  /** System calls by our own count; operations of an io_uring are none. */
  syscalls: number;
}

export interface NativeForwarder {
  readonly port: number;
  start(onEnd: (error: string | null) => void): void;
  /** Asks the loop to end; asked again, it interrupts the system call that the loop waits in. */
  stop(): void;
  snapshot(): ForwarderSnapshot;
  /** System calls by name, and operations of an io_uring ("io_uring:recv"). */
  calls(): Record<string, CallCount>;
  /** Keeps the recorded calls from being overwritten by those that follow. */
  freeze(): void;
  /** Goes on recording after freeze(). */
  thaw(): void;
  /** The flight recorder, oldest first. Only after onEnd. */
  recorded(): RecordedCall[];
}

export interface NativeAddon {
  readonly Endpoint: new (options: NativeEndpointOptions) => NativeEndpoint;
  readonly Exchange: new (options: NativeExchangeOptions) => NativeExchange;
  readonly Churn: new (options: NativeChurnOptions) => NativeChurn;
  readonly Forwarder: new (options: NativeForwarderOptions) => NativeForwarder;
  /** A process full of marked data, to be found in place of the stream's. Throws when the host grants no pipe or socket. */
  readonly Decoys: new (options: NativeDecoyOptions) => NativeDecoys;
  /** Names of interfaces, the two ends of each wire one after the other. Needs root. */
  readonly TapWires: new (names: readonly string[]) => NativeTapWires;
  /** Scripted conversations; listens at once. */
  readonly Script: new (options: NativeScriptOptions) => NativeScript;
  /** Counts the system calls of a task and of what it starts later. Throws when perf_event refuses. */
  readonly SyscallCounter: new (tracepoint: number, tid: number) => NativeSyscallCounter;
  /** The tracepoint is raw_syscalls:sys_exit. */
  readonly MovedBytes: new (tracepoint: number, tid: number) => NativeMovedBytes;
  /** Their names, in alphabetical order. */
  readonly mechanisms: readonly string[];
  /** Why a mechanism cannot work on this host, naming what is missing; null when it can. */
  unavailable(mechanism: string): string | null;
  /**
   * Hands 1 MiB to a connection over loopback, writes over it before anything is read, and tells how
   * many bytes of it arrived changed: whether this kernel takes references. Throws when it refuses.
   */
  probeHandover(handover: Handover): { overwritten: number; changed: number };
  /** Why this process gets no prepared pages of a kind, by trying; null when it does. */
  unavailablePages(kind: Pages): string | null;
  /** Offloads of an interface in this process's network namespace. Throws when there is none. */
  offloads(name: string): Offloads;
  /** Asks for offloads; the driver may refuse some without a word, so read them back. */
  setOffloads(name: string, wanted: Offloads): void;
  /**
   * Nanoseconds that a cache line takes from one CPU to another and back, of the best of several bursts;
   * null where a thread may not run there, or was not given its CPU in time. Blocks for half a millisecond,
   * at most three.
   */
  lineTrip(first: number, second: number): number | null;
  /**
   * Nanoseconds of a fixed piece of work on each of the CPUs, all at once; null where a thread may not run
   * there. Longer than usual = something else shares the CPU's core. Blocks for a tenth of a millisecond.
   */
  coreWork(cpus: readonly number[]): (number | null)[];
  /**
   * Nanoseconds until a new thread on each of the CPUs, all at once, has got its CPU, and has it again after yielding
   * it four times; null where it may not run there. Milliseconds = something else wants the CPU. Blocks as long.
   */
  cpuWait(cpus: readonly number[]): (number | null)[];
  /** Stamp engines this CPU can run, fastest first. */
  readonly engines: readonly string[];
  readonly micro: NativeMicro;
}
