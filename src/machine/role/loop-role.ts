/** What every role with one native loop has: opening, starting, waiting, ending. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EndpointSnapshot, NativeLoop } from '../../data/native/native-surface.js';
import type { Handlers, LoopMethods } from './protocol.js';
import type { ServedRole } from './served-role.js';
import { StallClock } from '../../base/process/stall-clock.js';

/** How often waiting looks at the loop's counters, milliseconds. */
export const CONNECT_POLL = 2;
const PROGRESS_POLL = 20;
/** A forwarder's flight recorder holds about a third of a second of calls: look often enough. */
const INCIDENT_POLL = 20;

export interface LoopRole<Options, Loop extends NativeLoop> {
  handlers: Handlers<LoopMethods<Options, ReturnType<Loop['snapshot']>>>;
  /** @throws Error when the loop is not open */
  opened: () => Loop;
  /** True when the loop has ended by itself. */
  over: () => boolean;
  /** Ends whatever is still open; resolves when the loop has ended. */
  finished: () => Promise<Loop>;
  end: ServedRole['end'];
}

/**
 * @param make opens the native object
 * @param receives tells whether this end waits for a first byte on each connection
 */
// eslint-disable-next-line max-lines-per-function -- the methods of one role, which share its loop
export function loopRole<Options, Loop extends NativeLoop>(
  make: (options: Options) => Loop,
  receives: (options: Options) => boolean,
): LoopRole<Options, Loop> {
  let loop: Loop | undefined;
  let waitsForBytes = false;
  let ended: Promise<string | null> = Promise.resolve(null);
  let over = false;

  const opened = (): Loop => {
    if (!loop) throw new Error('endpoint: not open');
    return loop;
  };

  const look = () => {
    const snapshot = opened().snapshot();
    return { now: performance.now(), progress: progress(snapshot), cpuNs: snapshot.cpuNs };
  };

  /** True when all connections ended; false when nothing was seen to move for `stall` seconds. */
  const watch = async (stall: number): Promise<boolean> => {
    const clock = new StallClock(stall * 1e3, PROGRESS_POLL, look());
    while (!over) {
      await Promise.race([ended, sleep(PROGRESS_POLL)]);
      if (clock.stalled(look())) return over;
    }
    return true;
  };

  return {
    opened,
    over: () => over,
    finished: async () => {
      opened().stopNow();
      await ended;
      return opened();
    },
    handlers: {
      open: (options) => {
        waitsForBytes = receives(options);
        loop = make(options);
        return { port: loop.port };
      },
      start: () => {
        ended = new Promise((resolve) => {
          opened().start((error) => {
            over = true;
            resolve(error);
          });
        });
        return null;
      },
      awaitConnected: async ({ connections, timeout }) => {
        const clock = new StallClock(timeout * 1e3, PROGRESS_POLL, look());
        for (;;) {
          const now = opened().snapshot();
          const connected = waitsForBytes ? now.started : now.established;
          if (connected >= connections || now.ended > 0 || over) return now;
          if (clock.stalled(look())) return now;
          await sleep(CONNECT_POLL);
        }
      },
      go: () => {
        opened().go();
        return null;
      },
      stop: () => {
        opened().stop();
        return null;
      },
      stopNow: () => {
        opened().stopNow();
        return null;
      },
      // What snapshot() of this loop gives is what mark() answers.
      mark: () => opened().snapshot() as ReturnType<Loop['snapshot']>,
      awaitEnd: async ({ stall }) => {
        const finished = await watch(stall);
        const error = finished ? await ended : null;
        return { ended: finished, error, snapshot: opened().snapshot() };
      },
      awaitIncident: async () => {
        while (!over && opened().snapshot().incidents === 0) {
          await Promise.race([ended, sleep(INCIDENT_POLL)]);
        }
        return opened().snapshot().incidents > 0;
      },
      series: () => Array.from(opened().series()),
    },
    end: async () => {
      loop?.stopNow();
      await ended;
    },
  };
}

function progress({ sent, received, established, ended }: EndpointSnapshot): number {
  return sent + received + established + ended;
}
