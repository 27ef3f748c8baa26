/** The role `observer`: reads on its host what the orchestrator cannot read from where it is. */
import { readHostFacts } from '../host/host-facts.js';
import { localReader } from '../host/reader.js';
import { forwarderKinds } from '../forwarders/registry.js';
import { captureEnvironment } from '../host/environment.js';
import { localHost } from '../host/host.js';
import { identify } from '../host/identity.js';
import { readPauseFrames } from '../host/pause-frames.js';
import { captureInterfaces } from '../host/interface-environment.js';
import { syscallTracepoint } from '../host/tracepoint.js';
import { hostCounts, type MemoryWatch, watchLocalMemory } from '../host/readings.js';
import type { ObserverMethods } from '../host/observer.js';
import type { Handlers } from './protocol.js';
import type { ServedRole } from './served-role.js';

export function observerRole(): ServedRole & { handlers: Handlers<ObserverMethods> } {
  let watch: MemoryWatch | undefined;
  return {
    handlers: {
      identify,
      counts: hostCounts,
      watchMemory: () => {
        watch?.end();
        watch = watchLocalMemory();
        return null;
      },
      memoryPeak: () => watch?.peak() ?? null,
      tracepoint: () => syscallTracepoint(),
      environment: (name) => captureEnvironment({ ...localHost(), name }),
      interfaces: ({ host, names }) =>
        captureInterfaces({ ...localHost(), name: host, interfaces: names }),
      pauseFrames: (names) => readPauseFrames(localHost(), names),
      unavailable: async ({ use, options }) => {
        const kind = forwarderKinds.get(use);
        return kind === undefined ? `no forwarder '${use}'` : kind.unavailable(options);
      },
      examine: async (name) => {
        // The load is looked at first, before anything of ours makes some.
        const facts = await readHostFacts(localReader);
        return { host: await captureEnvironment({ ...localHost(), name }), facts };
      },
    },
    end: () => {
      watch?.end();
    },
  };
}
