/** The role `network`: sets up interfaces in the network namespace that it runs in. */
import { reach } from '../host/reach.js';
import { native } from '../native.js';
import type { Handlers, NetworkMethods } from './protocol.js';
import type { ServedRole } from './serve.js';

export function networkRole(): ServedRole & { handlers: Handlers<NetworkMethods> } {
  return {
    handlers: {
      setOffloads: ({ name, wanted }) => {
        native().setOffloads(name, wanted);
        return native().offloads(name);
      },
      offloads: (name) => native().offloads(name),
      reach: ({ address, seconds }) => reach(address, seconds),
    },
    end: () => undefined,
  };
}
