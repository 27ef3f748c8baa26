/** The role `network`: sets up interfaces in the network namespace that it runs in. */
import { waitForAnswer } from '../host/wait-for-answer.js';
import { steerReceiving } from '../host/receive-steering.js';
import { native } from '../../data/native/native.js';
import type { Handlers, NetworkMethods } from './protocol.js';
import type { ServedRole } from './served-role.js';

export function networkRole(): ServedRole & { handlers: Handlers<NetworkMethods> } {
  return {
    handlers: {
      setOffloads: ({ name, wanted }) => {
        native().setOffloads(name, wanted);
        return native().offloads(name);
      },
      offloads: (name) => native().offloads(name),
      steerReceiving: ({ name, cpus }) => steerReceiving(name, cpus),
      reach: ({ address, seconds }) => waitForAnswer(address, seconds),
    },
    end: () => undefined,
  };
}
