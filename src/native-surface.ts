/**
 * The surface of the native addon: what moves bytes here, what helps it in native-tools.ts. Times are nanoseconds of CLOCK_MONOTONIC, CPU times are
 * nanoseconds of the loop's thread, sizes are bytes. Errors thrown by constructors name the system
 * call, its subject and the reason ("listen 127.0.0.1:80: Permission denied").
 */
import type {
  NativeDecoyOptions,
  NativeDecoys,
  NativeMicro,
  NativeSyscallCounter,
  Offloads,
} from './native-tools.js';
import type { CallCount, Incident, IncidentClass, RecordedCall } from './results/record.js';

export interface NativeAddress {
  /** Numeric IPv4 or IPv6. */
  host: string;
  port: number;
}

export interface NativeEndpointOptions {
  /** Listen at the address (port 0 = any free one), or connect to it. */
  listen: boolean;
  address: NativeAddress;
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
   * reference, or a file by sendfile. The last two are the lab's: memory handed over by reference and
   * written over afterwards.
   */
  send?: 'none' | 'content' | 'buffer' | 'prepared' | 'file' | 'overwriting' | 'graded';
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
  receive?: 'none' | 'check' | 'discard' | 'output';
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

/** How a source of the lab gives its bytes to the kernel: copied by `send`, by reference otherwise. */
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
  /** Bytes that a source of the lab has written over. */
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

export interface CheckTotals {
  verified: number;
  corrupted: number;
  missing: number;
  extra: number;
  incidents: number;
  byClass: Partial<Record<IncidentClass, number>>;
}

export interface EndpointResults {
  connections: ConnectionResult[];
  incidents: Incident[];
  totals: CheckTotals;
  /** Bytes of its own stream that this end wrote over, as a source of the lab. */
  overwritten?: number;
}

export interface NativeEndpoint extends NativeLoop {
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

/** The connections of one end, each counted once, by the worst that befell it. */
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
  /** The mechanism's options as a scenario names them, checked; absent = the mechanism's choice. */
  settings?: Record<string, number | boolean | string>;
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
  /** A process of the lab full of marked data. Throws when the host grants no pipe or socket. */
  readonly Decoys: new (options: NativeDecoyOptions) => NativeDecoys;
  /** Counts the system calls of a task and of what it starts later. Throws when perf_event refuses. */
  readonly SyscallCounter: new (tracepoint: number, tid: number) => NativeSyscallCounter;
  readonly mechanisms: readonly { name: string; summary: string }[];
  /** Why a mechanism cannot work on this host, naming what is missing; null when it can. */
  unavailable(mechanism: string): string | null;
  /**
   * Hands 1 MiB to a connection over loopback, writes over it before anything is read, and tells how
   * many bytes of it arrived changed: whether this kernel takes references. Throws when it refuses.
   */
  probeHandover(handover: Handover): { overwritten: number; changed: number };
  /** Offloads of an interface in this process's network namespace. Throws when there is none. */
  offloads(name: string): Offloads;
  /** Asks for offloads; the driver may refuse some without a word, so read them back. */
  setOffloads(name: string, wanted: Offloads): void;
  /** Stamp engines this CPU can run, fastest first. */
  readonly engines: readonly string[];
  readonly micro: NativeMicro;
}
