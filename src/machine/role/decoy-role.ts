/** The role `decoy`: marked data in memory, pipes, sockets and a terminal, to be recognised elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises';
import { native } from '../../data/native/native.js';
import type { DecoySnapshot, NativeDecoys } from '../../data/native/native-tools.js';
import type { DecoyMethods, Handlers } from './protocol.js';
import type { ServedRole } from './served-role.js';

const FILL_POLL = 5;
const FILL_TIMEOUT = 8000;
/** A terminal takes less than its share. */
const FILLED = 0.9;

export function decoyRole(): ServedRole & { handlers: Handlers<DecoyMethods> } {
  let decoys: NativeDecoys | undefined;
  let over: Promise<string | null> = Promise.resolve(null);
  const opened = (): NativeDecoys => {
    if (!decoys) throw new Error('decoy: not open');
    return decoys;
  };
  return {
    handlers: {
      open: async (options) => {
        const made = new (native().Decoys)(options);
        decoys = made;
        over = new Promise((resolve) => {
          made.start(resolve);
        });
        const deadline = performance.now() + FILL_TIMEOUT;
        while (keptBytes(made.snapshot()) < options.bytes * FILLED) {
          const error = await Promise.race([over, sleep(FILL_POLL).then(() => null)]);
          if (error !== null) throw new Error(`decoy: ${error}`);
          if (performance.now() > deadline) {
            const kept = keptBytes(made.snapshot());
            throw new Error(`decoy: only ${kept} of ${options.bytes} bytes could be kept here`);
          }
        }
        return null;
      },
      mark: () => opened().snapshot(),
    },
    end: async () => {
      decoys?.stop();
      await over;
    },
  };
}

/** What a decoy keeps in all places together. */
export function keptBytes({ memory, pipes, sockets, terminal }: DecoySnapshot): number {
  return memory + pipes + sockets + terminal;
}
