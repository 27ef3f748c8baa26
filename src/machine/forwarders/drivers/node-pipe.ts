/** `use: node-pipe`: socket.pipe of Node, what a Node user writes today. */
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { size } from '../../../base/units/fields.js';
import { PLAIN_COMMAND } from '../command.js';
import type { CommandSpec, ForwarderKind } from '../kind.js';
import { needs, programField, versionBy } from './driver-program.js';

const PROGRAM = fileURLToPath(new URL('node-pipe-program.js', import.meta.url));

const options = z.strictObject({
  /** Another Node. */
  program: programField,
  /** `highWaterMark` of both sockets; Node's own default is 64 KiB, 16 KiB before Node 22. */
  buffer: size({ min: 1, max: 2 ** 28 }).optional(),
});

export const nodePipeKind: ForwarderKind = {
  use: 'node-pipe',
  summary: 'socket.pipe in a Node process: its buffer',
  options,
  runner: { kind: 'command', command: specOf },
  unavailable: needs(process.execPath, 'nodejs'),
  refuses: () => null,
  versionOf: versionBy('--version', /^v(\d\S*)/),
};

function specOf(given: Record<string, unknown>): CommandSpec {
  const { program = process.execPath, buffer } = options.parse(given);
  return {
    ...PLAIN_COMMAND,
    argv: [
      ...[program, PROGRAM, '{listen.host}', '{listen.port}'],
      ...['{upstream.host}', '{upstream.port}'],
      ...(buffer === undefined ? [] : [String(buffer)]),
    ],
    versionArgv: [program, '--print', '"Node " + process.version'],
  };
}
