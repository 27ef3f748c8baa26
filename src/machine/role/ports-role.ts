/** The role `ports`: has ports of this machine while a run lasts, and puts them back when it ends. */
import { PortKeeper } from '../host/port-keeper.js';
import type { Handlers, PortsMethods } from './protocol.js';
import type { ServedRole } from './served-role.js';

/** Links need a while until they are up again, milliseconds. */
export const PUT_BACK_TIMEOUT = 25_000;

export function portsRole(): ServedRole & { handlers: Handlers<PortsMethods> } {
  const keeper = new PortKeeper();
  return {
    handlers: {
      take: (wish) => keeper.take(wish),
      giveBack: () => keeper.giveBack(),
    },
    end: async () => {
      await keeper.giveBack();
    },
    endTimeout: PUT_BACK_TIMEOUT,
  };
}
