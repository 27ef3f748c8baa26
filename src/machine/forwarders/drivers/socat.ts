/** `use: socat`: one process per connection. */
import { z } from 'zod';
import { size } from '../../../base/units/fields.js';
import { PLAIN_COMMAND } from '../command.js';
import type { CommandSpec, ForwarderKind } from '../kind.js';
import { needs, programField, versionBy } from './driver-program.js';

const options = z.strictObject({
  program: programField,
  /** Bytes per read, `-b`; socat's own default is 8 KiB. */
  buffer: size({ min: 1, max: 2 ** 28 }).optional(),
  /** Without `-t`: half a second after the end of one direction the other is cut. */
  'own-defaults': z.boolean().optional(),
});

const VERSION_LINE = "sed -n 's/^socat version \\([^ ]*\\).*/socat \\1/p'";

/** Seconds that one direction may go on after the other has ended; socat's own default is half a second. */
const HALF_CLOSED = 86_400;

export const socatKind: ForwarderKind = {
  use: 'socat',
  summary: 'socat, a process per connection: its buffer',
  options,
  runner: { kind: 'command', command: specOf },
  unavailable: needs('socat'),
  refuses: () => null,
  versionOf: versionBy('-V', /^socat version (\S+)/m),
};

function specOf(given: Record<string, unknown>): CommandSpec {
  const { program = 'socat', buffer, 'own-defaults': own } = options.parse(given);
  return {
    ...PLAIN_COMMAND,
    argv: [
      program,
      ...(buffer === undefined ? [] : ['-b', String(buffer)]),
      ...(own ? [] : ['-t', String(HALF_CLOSED)]),
      'TCP{listen.ip}-LISTEN:{listen.port},bind={listen.bracketed},reuseaddr,fork,backlog=4096',
      'TCP{upstream.ip}:{upstream.address}',
    ],
    // Its first line is a credit, the version comes second.
    versionArgv: ['sh', '-c', `"$0" -V | ${VERSION_LINE}`, program],
  };
}
