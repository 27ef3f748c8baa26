/**
 * What has to be known of one of autocannon's connections and that its public interface does not tell:
 * that it ended (autocannon connects again without a word, and here that is a finding), how many
 * requests are under way, and that no more are to be asked. All of it is in this file; a version
 * without it is refused in words, and a test looks at the version that is installed.
 */
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { CannonClient } from 'autocannon';
import { CouldNotRunError } from '../../base/errors/errors.js';

/** A connection as autocannon has it inside. */
interface InnerClient extends EventEmitter {
  conn: Socket;
  pipelinedRequests: { peek(): { bytes: number } | undefined; size(): number };
  _connect(): void;
  _doRequest(): void;
  destroy(): void;
}

/** How a connection ended: broken off by an error, in the middle of an answer, or between two. */
export type ConnectionEnd = 'error' | 'in-answer' | 'between';

/** Names of what a connection lacks of what is used here; empty when it has all. */
export function lackingIn(client: object): string[] {
  const inner = client as Partial<InnerClient>;
  const functions = (['_connect', '_doRequest', 'destroy'] as const).filter(
    (name) => typeof inner[name] !== 'function',
  );
  const queue = inner.pipelinedRequests;
  const whole = typeof queue?.peek === 'function' && typeof queue.size === 'function';
  return whole ? functions : [...functions, 'pipelinedRequests'];
}

export class WatchedClient {
  private readonly inner: InnerClient;
  private asking = true;

  /**
   * Watches a connection from before it connects.
   * @param onEnd called instead of connecting once more
   * @throws CouldNotRunError naming what this version of autocannon lacks
   */
  constructor(client: CannonClient, onEnd: (how: ConnectionEnd) => void) {
    const lacking = lackingIn(client);
    if (lacking.length > 0) {
      throw new CouldNotRunError(
        `autocannon: its connections have no ${lacking.join(', ')} any more; install version 8.0.0`,
      );
    }
    const inner = client as unknown as InnerClient;
    this.inner = inner;
    const connect = inner._connect.bind(inner);
    const ask = inner._doRequest.bind(inner);
    let first = true;
    inner._connect = () => {
      if (first) connect();
      else this.tellEnd(onEnd);
      first = false;
    };
    inner._doRequest = () => {
      if (this.asking) ask();
    };
  }

  /** Requests without their whole answer. */
  get underWay(): number {
    return this.inner.pipelinedRequests.size();
  }

  /** Asks nothing more; answers still come. */
  drain(): void {
    this.asking = false;
  }

  destroy(): void {
    this.inner.destroy();
  }

  private tellEnd(onEnd: (how: ConnectionEnd) => void): void {
    const { conn, pipelinedRequests } = this.inner;
    // Closed by autocannon itself, which tells of the timeout next.
    if (conn.errored === null && !conn.readableEnded) return;
    if (conn.errored !== null) onEnd('error');
    else onEnd((pipelinedRequests.peek()?.bytes ?? 0) > 0 ? 'in-answer' : 'between');
  }
}
