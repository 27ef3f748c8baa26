import type { NativeForwarder } from '../../data/native/native-surface.js';

/** How long a loop may take to hear that it is to end, milliseconds. */
const PATIENCE = 200;

/**
 * Ends a forwarder's loop, also one that waits in a system call for ever (`nonblock: false`).
 * @param ended what the loop's end resolves
 * @returns why the loop failed, or null
 */
export async function stopForwarder(
  forwarder: Pick<NativeForwarder, 'stop'>,
  ended: Promise<string | null>,
): Promise<string | null> {
  forwarder.stop();
  const again = setInterval(() => {
    forwarder.stop();
  }, PATIENCE);
  try {
    return await ended;
  } finally {
    clearInterval(again);
  }
}
