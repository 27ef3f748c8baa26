/** The roles `source` and `sink`: one native endpoint, driven by requests. */
import { setTimeout as sleep } from 'node:timers/promises';
import { native } from '../native.js';
import type { NativeEndpoint, NativeEndpointOptions } from '../native-surface.js';
import { CONNECT_POLL, loopRole } from './loop-role.js';
import type { EndpointMethods, Handlers } from './protocol.js';
import type { ServedRole } from './serve.js';

export function endpointRole(): ServedRole & { handlers: Handlers<EndpointMethods> } {
  const { handlers, opened, over, finished, end } = loopRole<NativeEndpointOptions, NativeEndpoint>(
    (options) => new (native().Endpoint)(options),
    ({ receive = 'none' }) => receive !== 'none',
  );
  return {
    handlers: {
      ...handlers,
      overwrite: async () => {
        opened().overwrite();
        for (;;) {
          const { overwritten = 0 } = opened().snapshot();
          if (overwritten > 0 || over()) return overwritten;
          await sleep(CONNECT_POLL);
        }
      },
      sentCounts: async () => (await finished()).sentCounts(),
      results: async (sent) => (await finished()).results(sent),
    },
    end,
  };
}
