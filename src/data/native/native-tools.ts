/**
 * The surface of the native addon beside the data plane: decoys, counters, micro benchmarks, offloads.
 * Units and errors are those of native-surface.ts.
 */

export interface NativeDecoyOptions {
  /** The trial's, decimal digits of 64 bits; decoys are stamped with the key derived from it. */
  seed: string;
  /** Tells decoys of one trial apart: the connection that their stamps name. */
  number: number;
  /** Bytes to keep, about: user memory, pipes, TCP sockets, and a pseudo-terminal. */
  bytes: number;
  /** Bytes per second that are freed and made again. */
  rate: number;
  cpus?: number[];
}

/** Bytes that a decoy keeps, by place, and what it has made so far. */
export interface DecoySnapshot {
  memory: number;
  pipes: number;
  sockets: number;
  terminal: number;
  made: number;
}

export interface NativeDecoys {
  /** Fills everything, then starts to free and make again; onEnd is called once when that has ended. */
  start(onEnd: (error: string | null) => void): void;
  stop(): void;
  snapshot(): DecoySnapshot;
}

/** Pairs of tap interfaces: what one end sends, the other receives. Gone with the process. */
export interface NativeTapWires {
  /** Carries frames until stop(); onEnd is called once when that has ended. */
  start(onEnd: (error: string | null) => void): void;
  stop(): void;
  /** Frames that were carried, and that an interface did not take. */
  snapshot(): { frames: number; dropped: number };
}

export interface NativeSyscallCounter {
  /** null when the kernel had to multiplex the counter. */
  count(): number | null;
  /** Ends the counting; the tracepoint costs every system call of the host while it is on. */
  close(): void;
}

/** What calls of a thread moved; the result of each is its bytes, but of io_uring_enter operations. */
export interface NativeMovedBytes {
  /**
   * Since it was made, by name of the call; `lost` calls found no room and are in none of them. Has to be
   * asked every ten milliseconds or so.
   */
  take(): { calls: Record<string, { calls: number; bytes: number }>; lost: number };
  /** Ends the sampling; the tracepoint costs every system call of the host while it is on. */
  close(): void;
}

/** A stamped buffer of one size. Every method returns the nanoseconds that the passes took. */
export interface MicroMemory {
  copy(passes: number): number;
  fill(engine: string, passes: number): number;
  match(engine: string, passes: number): number;
}

/** Hands pieces of one size from one TCP connection over loopback on to another. */
export interface MicroPair {
  /** `pairs` is more than `iterations` where a piece did not fit the socket queues at once. */
  run(iterations: number): { ns: number; bytes: number; pairs: number };
}

/** Makes a cheap system call that moves one byte; returns the nanoseconds that the calls took. */
export interface MicroCalls {
  /** `none` is the bare call, `counted` has our counters, `recorded` the flight recorder too. */
  run(book: 'none' | 'counted' | 'recorded', calls: number): number;
}

/** What bench/micro measures with: loops in C++ with their own clock. */
export interface NativeMicro {
  readonly Memory: new (size: number) => MicroMemory;
  readonly Pair: new (kind: 'splice' | 'copy', size: number) => MicroPair;
  readonly Calls: new () => MicroCalls;
}

/** Offloads of an interface, as they are in force. */
export interface Offloads {
  tso: boolean;
  gso: boolean;
  gro: boolean;
  txChecksum: boolean;
  rxChecksum: boolean;
}
