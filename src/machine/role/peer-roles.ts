/** The roles `exchange` and `churn`: servers and clients of many short conversations. */
import { native } from '../../data/native/native.js';
import type {
  NativeChurn,
  NativeChurnOptions,
  NativeExchange,
  NativeExchangeOptions,
  NativePeer,
} from '../../data/native/native-surface.js';
import { loopRole } from './loop-role.js';
import type { ChurnMethods, ExchangeMethods, Handlers, LatencyMethods } from './protocol.js';
import type { ServedRole } from './served-role.js';

export function exchangeRole(): ServedRole & { handlers: Handlers<ExchangeMethods> } {
  const { handlers, opened, finished, end } = loopRole<NativeExchangeOptions, NativeExchange>(
    (options) => new (native().Exchange)(options),
    () => true,
  );
  return {
    handlers: {
      ...handlers,
      ...latencyHandlers(opened, finished),
      pace: (rate) => {
        opened().pace(rate);
        return null;
      },
      sentCounts: async () => (await finished()).sentCounts(),
      results: async (sent) => (await finished()).results(sent),
    },
    end,
  };
}

export function churnRole(): ServedRole & { handlers: Handlers<ChurnMethods> } {
  const { handlers, opened, finished, end } = loopRole<NativeChurnOptions, NativeChurn>(
    (options) => new (native().Churn)(options),
    ({ receive }) => receive,
  );
  return {
    handlers: {
      ...handlers,
      ...latencyHandlers(opened, finished),
      results: async () => (await finished()).results(),
    },
    end,
  };
}

function latencyHandlers(
  opened: () => NativePeer,
  finished: () => Promise<NativePeer>,
): Handlers<LatencyMethods> {
  return {
    beginWindow: () => {
      opened().beginWindow();
      return null;
    },
    endWindow: () => {
      opened().endWindow();
      return null;
    },
    latency: async () => (await finished()).latency(),
  };
}
