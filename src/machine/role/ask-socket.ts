/** Asks a program over a UNIX socket. */
import { connect } from 'node:net';

const PATIENCE = 1000;

/**
 * Sends a line and reads until the other end closes.
 * @returns null when nobody answers; a program that is gone is no failure of whoever asks
 */
export function askSocket(socket: string, ask: string): Promise<string | null> {
  return new Promise((resolve) => {
    let text = '';
    const stream = connect(socket);
    const end = (answer: string | null) => {
      stream.destroy();
      resolve(answer);
    };
    stream
      .setEncoding('utf8')
      .setTimeout(PATIENCE, () => {
        end(null);
      })
      .on('connect', () => stream.write(`${ask}\n`))
      .on('data', (more: string) => {
        text += more;
      })
      .on('end', () => {
        end(text);
      })
      .on('error', () => {
        end(null);
      });
  });
}
