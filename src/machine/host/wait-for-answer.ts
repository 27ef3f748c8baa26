/** Whether an address answers at all, asked without a program for it and without a listener there. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** The port of `discard`: whether somebody listens there does not matter. */
const ANY_PORT = 9;
/** One attempt; a neighbour that does not answer is found out in three seconds. Milliseconds. */
const ATTEMPT = 3500;
const PAUSE = 100;

/**
 * Tries until the address answers: a connection is accepted, or refused by the host that has it.
 * @returns what the last attempt said; null when there was an answer
 */
export async function waitForAnswer(address: string, seconds: number): Promise<string | null> {
  const deadline = performance.now() + seconds * 1e3;
  for (;;) {
    const left = deadline - performance.now();
    const failure = await attempt(address, Math.max(PAUSE, Math.min(left, ATTEMPT)));
    if (failure === null || performance.now() >= deadline) return failure;
    await sleep(PAUSE);
  }
}

function attempt(host: string, milliseconds: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: ANY_PORT });
    const done = (result: string | null) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => {
      done('no answer');
    }, milliseconds);
    socket.once('connect', () => {
      done(null);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      done(error.code === 'ECONNREFUSED' ? null : (error.code ?? error.message));
    });
  });
}
