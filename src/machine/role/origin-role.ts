/** The role `origin`: a real HTTP server, nginx where there is one, else node:http. */
import type { Origin, OriginPlace } from './origin.js';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { httpBodies } from './http-bodies.js';
import { nginxOrigin, NginxUnusable, nginxVersion } from './nginx-origin.js';
import { pinProcess } from './pin.js';
import { treeCpuNs } from '../../base/process/process-tree.js';
import type { Handlers, OriginMethods } from './protocol.js';
import type { ServedRole } from './served-role.js';

export function originRole(): ServedRole & { handlers: Handlers<OriginMethods> } {
  let origin: Origin | undefined;
  return {
    handlers: {
      open: async ({ host, connections, body, seed, cpus, server }) => {
        await pinProcess(cpus);
        const bodies = httpBodies(seed, body);
        origin = await serve(server, { host, connections }, bodies);
        return { port: origin.port, server: origin.server };
      },
      mark: () => ({
        timeNs: Number(process.hrtime.bigint()),
        cpuNs: treeCpuNs(process.pid),
      }),
    },
    end: async () => {
      await origin?.end();
    },
  };
}

/** @param server absent = nginx where there is one that can, else node:http */
async function serve(
  server: 'nginx' | 'node' | undefined,
  place: OriginPlace,
  bodies: readonly string[],
): Promise<Origin> {
  const wanted = server ?? (nginxVersion() === null ? 'node' : 'nginx');
  if (wanted === 'node') return nodeOrigin(place, bodies);
  try {
    return await nginxOrigin(place, bodies);
  } catch (error) {
    // One that fails now and then is an error: trials would not compare.
    if (server === undefined && error instanceof NginxUnusable) return nodeOrigin(place, bodies);
    throw error;
  }
}

async function nodeOrigin({ host }: OriginPlace, bodies: readonly string[]): Promise<Origin> {
  const contents = bodies.map((body) => Buffer.from(body, 'latin1'));
  const server = createServer({ keepAliveTimeout: 3_600_000 }, ({ url = '' }, response) => {
    const content = contents[Number(url.slice(1))];
    response.writeHead(content === undefined ? 404 : 200, {
      'content-type': 'text/plain',
      'content-length': content?.length ?? 0,
    });
    response.end(content);
  });
  server.listen(0, host, 4096);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('origin: no port');
  return {
    port: address.port,
    server: `node:http ${process.version}`,
    end: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
