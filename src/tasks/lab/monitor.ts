/** QEMU's monitor, as far as the lab needs it: a cable is pulled or put back (QMP, docs/interop/qmp-spec of QEMU). */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { CouldNotRunError } from '../../base/errors/errors.js';

/** A monitor answers at once; this is for a host with a lot else to do. Milliseconds. */
const ANSWER_TIMEOUT = 20_000;

interface Answer {
  QMP?: unknown;
  return?: unknown;
  error?: { desc?: string };
}

/**
 * Pulls the cable of a card, or puts it back.
 * @param socket path of the monitor's socket
 * @param card its name, which is its id in QEMU as well
 * @throws CouldNotRunError with what QEMU says, or when it says nothing in time
 */
export async function setLink(
  socket: string,
  card: string,
  up: boolean,
  timeout = ANSWER_TIMEOUT,
): Promise<void> {
  const commands = [
    { execute: 'qmp_capabilities' },
    { execute: 'set_link', arguments: { name: card, up } },
  ];
  const failed = (why: string) =>
    new CouldNotRunError(`lab: the cable of ${card} cannot be moved: ${why}`);
  const stream = connect(socket);
  try {
    await new Promise<void>((done, fail) => {
      const timer = setTimeout(() => {
        fail(failed(`QEMU's monitor did not answer within ${timeout / 1e3} s`));
      }, timeout);
      stream.once('error', ({ message }) => {
        fail(failed(message));
      });
      stream.once('close', () => {
        clearTimeout(timer);
        fail(failed("QEMU's monitor was closed"));
      });
      const lines = createInterface(stream);
      // It repeats the stream's, which are heard above.
      lines.on('error', () => undefined);
      lines.on('line', (line) => {
        const { QMP, return: answer, error } = JSON.parse(line) as Answer;
        if (error !== undefined) fail(failed(error.desc ?? line));
        // Events are neither.
        if (QMP === undefined && answer === undefined) return;
        const next = commands.shift();
        if (next === undefined) done();
        else stream.write(`${JSON.stringify(next)}\n`);
      });
    });
  } finally {
    stream.destroy();
  }
}
