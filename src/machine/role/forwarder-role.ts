/** The role `forwarder`: one built-in mechanism, on one thread or several. */
import { stopForwarder } from '../forwarders/stop.js';
import { forwarderOnThreads, type ThreadedForwarder } from '../forwarders/threads.js';
import { debugBuildOfProcesses } from './debug-build.js';
import { holdingsOf } from './holdings.js';
import type { ForwarderMethods, Handlers } from './protocol.js';
import { anyReady, threadsContextSwitches } from '../../base/process/process-tree.js';
import type { AttachedStrace } from './strace.js';
import type { ServedRole } from './served-role.js';

export function forwarderRole(): ServedRole & { handlers: Handlers<ForwarderMethods> } {
  let forwarder: ThreadedForwarder | undefined;
  let tracer: AttachedStrace | undefined;
  let ended: Promise<string | null> = Promise.resolve(null);

  const opened = (): ThreadedForwarder => {
    if (!forwarder) throw new Error('forwarder: not open');
    return forwarder;
  };

  return {
    handlers: {
      open: ({ threads, ...options }) => {
        const created = forwarderOnThreads(options, threads);
        forwarder = created;
        ended = new Promise((resolve) => {
          created.start(resolve);
        });
        return { port: created.port, debugBuild: debugBuildOfProcesses('', [process.pid]) };
      },
      mark: () => {
        const snapshot = opened().snapshot();
        const contextSwitches = threadsContextSwitches(process.pid, opened().tids());
        return {
          ...snapshot,
          contextSwitches,
          calls: opened().calls(),
          traced: tracer?.calls ?? null,
          // Without its tracer the trial would not be what it is called.
          trouble: snapshot.trouble ?? tracer?.trouble ?? null,
        };
      },
      freeze: () => {
        opened().freeze();
        return null;
      },
      holdings: () => holdingsOf([process.pid]),
      // The main thread is the one that answers.
      ready: () => anyReady([process.pid], process.pid),
      stop: () => stopForwarder(opened(), ended),
      recorded: () => opened().recorded(),
      attachStrace: async () => {
        // Loaded here: one forwarder is started for every arm of every set, and hardly any is traced.
        const { attachStrace } = await import('./strace.js');
        tracer = await attachStrace(opened().tids());
        return null;
      },
    },
    end: async () => {
      await tracer?.end();
      if (forwarder) await stopForwarder(forwarder, ended);
    },
  };
}
