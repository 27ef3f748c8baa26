/** autocannon ships no types; this is the part of it that we use. */
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events';

  export interface CannonRequest {
    path: string;
    /** Called with each whole response to this request. */
    onResponse: (status: number, body: string) => void;
  }

  export interface CannonOptions {
    url: string;
    connections: number;
    pipelining: number;
    /** Requests per second of all connections. */
    overallRate?: number;
    /** Seconds. */
    duration: number;
    /** Seconds without a response after which a connection is given up. */
    timeout: number;
    requests: CannonRequest[];
    /** Called once per connection, before it connects. */
    setupClient: (client: CannonClient) => void;
  }

  /** One connection; emits `timeout` and `connError` (error). What else is used: autocannon-client.ts. */
  export type CannonClient = EventEmitter;

  /** Emits `response` (client, status, bytes with headers, milliseconds) and `reqError`. */
  export interface Cannon extends EventEmitter {
    stop(): void;
  }

  export default function autocannon(
    options: CannonOptions,
    done: (error: Error | null) => void,
  ): Cannon;
}
