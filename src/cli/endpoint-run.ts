/** What `source` and `sink` have in common: one endpoint in this process, run to its end. */
import { CouldNotRunError, UsageError } from '../base/errors/errors.js';
import { wordsOf } from '../base/errors/words.js';
import { native } from '../data/native/native.js';
import type { NativeEndpoint, NativeEndpointOptions } from '../data/native/native-surface.js';
import type { HostPort } from './options.js';

/** The options that `source` and `sink` share. */
export interface CommonOptions {
  listen?: HostPort;
  connect?: HostPort;
  seed: string;
  zero?: boolean;
  file?: string;
  connections: number;
}

/**
 * Where an endpoint meets its peer and what its stream holds, as native options.
 * @throws UsageError unless one of --listen and --connect is given (commander refuses both)
 */
export function commonOptions(command: string, options: CommonOptions): NativeEndpointOptions {
  const { listen, connect, zero, file } = options;
  const address = listen ?? connect;
  if (address === undefined) {
    throw new UsageError(`${command}: give --listen HOST:PORT or --connect HOST:PORT`);
  }
  return {
    listen: listen !== undefined,
    address,
    connections: options.connections,
    seed: options.seed,
    content: zero ? 'zero' : file === undefined ? 'stamped' : 'file',
    ...(file === undefined ? {} : { file }),
  };
}

export interface RunningEndpoint {
  endpoint: NativeEndpoint;
  /** Resolves when all connections have ended. */
  ended: Promise<void>;
}

/** Opens and starts an endpoint; errors name the address and the reason. */
export function startEndpoint(options: NativeEndpointOptions): RunningEndpoint {
  const { Endpoint } = native();
  let endpoint: NativeEndpoint;
  try {
    endpoint = new Endpoint(options);
  } catch (error) {
    throw new CouldNotRunError(wordsOf(error));
  }
  const ended = new Promise<void>((resolve, reject) => {
    endpoint.start((error) => {
      if (error === null) resolve();
      else reject(new CouldNotRunError(error));
    });
  });
  return { endpoint, ended };
}

/** Throws when no connection could be made at all. */
export function assertReached(endpoint: NativeEndpoint, address: HostPort): void {
  const { established, lastErrno } = endpoint.snapshot();
  if (established > 0 || lastErrno === null || lastErrno === 'ECANCELED') return;
  throw new CouldNotRunError(`connect ${address.host}:${address.port}: ${lastErrno}`);
}

/** Seconds from the first received byte to the last, or from start to now for what only sends. */
export function secondsOf(endpoint: NativeEndpoint, startedNs: number): number {
  const { firstByteNs, lastByteNs, timeNs } = endpoint.snapshot();
  return firstByteNs > 0 ? (lastByteNs - firstByteNs) / 1e9 : (timeNs - startedNs) / 1e9;
}

/** Gbps, or null when there is no time to divide by. */
export function gbps(bytes: number, seconds: number): number | null {
  return seconds > 0 ? (bytes * 8) / 1e9 / seconds : null;
}
