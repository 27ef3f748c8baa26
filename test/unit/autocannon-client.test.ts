/** The parts of autocannon that are not public, and that counting ends of connections needs. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import autocannon, { type CannonClient } from 'autocannon';
import { lackingIn, WatchedClient } from '../../src/machine/role/autocannon-client.js';

/** A connection of the autocannon that is installed, while it runs against a server. */
async function realClient(): Promise<object> {
  const server = createServer((_, response) => response.end('x'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = await new Promise<CannonClient>((resolve, reject) => {
    const cannon = autocannon(
      {
        url: `http://127.0.0.1:${port}`,
        connections: 1,
        pipelining: 1,
        duration: 5,
        timeout: 2,
        requests: [{ path: '/', onResponse: () => undefined }],
        setupClient: (one) => {
          setImmediate(() => {
            resolve(one);
            cannon.stop();
          });
        },
      },
      (error) => {
        if (error !== null) reject(error);
        server.close();
      },
    );
  });
  return client;
}

describe("autocannon's connections", () => {
  it('have what autocannon-client.ts needs, in the version that is installed', async () => {
    const lacking = lackingIn(await realClient());
    assert.deepEqual(
      lacking,
      [],
      'a new version changed it: mend src/machine/role/autocannon-client.ts',
    );
  });

  it('without it are refused in words', () => {
    const other = { destroy: () => undefined, on: () => undefined } as unknown as CannonClient;
    assert.deepEqual(lackingIn(other), ['_connect', '_doRequest', 'pipelinedRequests']);
    assert.throws(
      () => new WatchedClient(other, () => undefined),
      /autocannon: its connections have no _connect, _doRequest, pipelinedRequests any more; install/,
    );
  });
});
