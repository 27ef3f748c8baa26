/** The roles `source` and `sink`: one native endpoint, driven by requests. */
import { setTimeout as sleep } from 'node:timers/promises';
import { native } from '../../data/native/native.js';
import type {
  NativeEndpoint,
  NativeEndpointOptions,
  SliceFigures,
} from '../../data/native/native-surface.js';
import { CONNECT_POLL, loopRole } from './loop-role.js';
import type { EndpointMethods, Handlers, SliceMark } from './protocol.js';
import type { ServedRole } from './served-role.js';

export function endpointRole(): ServedRole & { handlers: Handlers<EndpointMethods> } {
  let receives = false;
  const { handlers, opened, over, finished, end } = loopRole<NativeEndpointOptions, NativeEndpoint>(
    (options) => new (native().Endpoint)(options),
    ({ receive = 'none' }) => {
      receives = receive !== 'none';
      return receives;
    },
  );
  const withCpu = (figures: SliceFigures): SliceMark => ({
    ...figures,
    cpuNs: opened().snapshot().cpuNs,
  });
  return {
    handlers: {
      ...handlers,
      open: (options) => {
        checkPages(options);
        return handlers.open(options);
      },
      overwrite: async () => {
        opened().overwrite();
        for (;;) {
          const { overwritten = 0 } = opened().snapshot();
          if (overwritten > 0 || over()) return overwritten;
          await sleep(CONNECT_POLL);
        }
      },
      ports: () => opened().ports,
      awaitArms: async ({ connections, timeout }) => {
        const deadline = performance.now() + timeout * 1e3;
        for (;;) {
          const arms = opened().arms();
          const up = arms.every(
            (arm) => arm.ended > 0 || (receives ? arm.started : arm.established) >= connections,
          );
          if (up || over() || performance.now() > deadline) return arms;
          await sleep(CONNECT_POLL);
        }
      },
      expect: (order) => {
        opened().beginSlice(order);
        return null;
      },
      slice: async ({ order, patience }) => {
        opened().beginSlice(order);
        return withCpu(await opened().sent(patience * 1e9));
      },
      drained: async ({ total, stall }) => withCpu(await opened().received(total, stall * 1e9)),
      endArm: (arm) => {
        opened().endArm(arm);
        return null;
      },
      armResults: async (sent) => (await finished()).armResults(sent),
      sentCounts: async () => (await finished()).sentCounts(),
      results: async (sent) => (await finished()).results(sent),
    },
    end,
  };
}

/** @throws Error when this host does not give the prepared pages that are asked for */
function checkPages({ arms = [], ...alone }: NativeEndpointOptions): void {
  for (const { pages } of [alone, ...arms]) {
    const reason = pages === undefined ? null : native().unavailablePages(pages);
    if (reason !== null) throw new Error(`pages: ${pages}: ${reason}`);
  }
}
