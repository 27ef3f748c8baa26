/** The role `forwarder`: one built-in mechanism. */
import { native } from '../native.js';
import type { NativeForwarder } from '../native-surface.js';
import { stopForwarder } from '../forwarders/stop.js';
import type { ForwarderMethods, Handlers } from './protocol.js';
import { threadContextSwitches } from './process-tree.js';
import { type AttachedStrace, attachStrace } from './strace.js';
import type { ServedRole } from './serve.js';

export function forwarderRole(): ServedRole & { handlers: Handlers<ForwarderMethods> } {
  let forwarder: NativeForwarder | undefined;
  let tracer: AttachedStrace | undefined;
  let ended: Promise<string | null> = Promise.resolve(null);

  const opened = (): NativeForwarder => {
    if (!forwarder) throw new Error('forwarder: not open');
    return forwarder;
  };

  return {
    handlers: {
      open: (options) => {
        const { Forwarder } = native();
        const created = new Forwarder(options);
        forwarder = created;
        ended = new Promise((resolve) => {
          created.start(resolve);
        });
        return { port: created.port };
      },
      mark: () => {
        const snapshot = opened().snapshot();
        const contextSwitches = threadContextSwitches(process.pid, snapshot.tid);
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
      stop: () => stopForwarder(opened(), ended),
      recorded: () => opened().recorded(),
      attachStrace: async () => {
        tracer = await attachStrace(opened().snapshot().tid);
        return null;
      },
    },
    end: async () => {
      await tracer?.end();
      if (forwarder) await stopForwarder(forwarder, ended);
    },
  };
}
