/** autocannon ships no types; this is the part of it that we use. */
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';

  export interface CannonRequest {
    path: string;
    /** Called with each whole response to this request. */
    onResponse: (status: number, body: string) => void;
  }

  export interface CannonOptions {
    url: string;
    connections: number;
    pipelining: number;
    /** Seconds. */
    duration: number;
    /** Seconds without a response after which a connection is given up. */
    timeout: number;
    requests: CannonRequest[];
    /** Called once per connection, before it connects. */
    setupClient: (client: CannonClient) => void;
  }

  export interface CannonClient extends EventEmitter {
    conn: Socket;
    destroyed: boolean;
    pipelinedRequests: { peek(): { bytes: number } | undefined; size(): number };
    _connect(): void;
    _doRequest(): void;
    destroy(): void;
  }

  /** Emits `response` (client, status, bytes with headers, milliseconds) and `reqError`. */
  export interface Cannon extends EventEmitter {
    stop(): void;
  }

  export default function autocannon(
    options: CannonOptions,
    done: (error: Error | null) => void,
  ): Cannon;
}
