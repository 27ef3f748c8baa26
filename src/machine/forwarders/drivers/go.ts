/** `use: go`: io.Copy of Go, which splices between TCP connections, from a file of ours. */
import { z } from 'zod';
import { size, whole } from '../../../base/units/fields.js';
import { PLAIN_COMMAND } from '../command.js';
import type { CommandSpec, ForwarderKind } from '../kind.js';
import { goProgram } from './go-build.js';
import { programField, versionBy } from './driver-program.js';

const options = z.strictObject({
  /** Another toolchain's `go`, which builds the program. */
  program: programField,
  /** io.Copy between TCP connections; false hides from io.Copy that they are. */
  splice: z.boolean().default(true),
  /** Bytes of the buffer where it copies; io.Copy's own default is 32 KiB. */
  buffer: size({ min: 1, max: 2 ** 28 }).optional(),
  /** GOMAXPROCS; Go's own default is the number of CPUs it may use. */
  threads: whole(1, 1024).optional(),
});

export const goKind: ForwarderKind = {
  use: 'go',
  summary: 'io.Copy of Go, a goroutine per direction: splice or a buffer',
  options,
  runner: { kind: 'command', command: specOf },
  unavailable: async ({ program }) => {
    const built = await goProgram(typeof program === 'string' ? program : 'go');
    return built.kind === 'built' ? null : built.reason;
  },
  refuses: () => null,
  versionOf: versionBy('version', /\bgo(\d\S*)/),
};

async function specOf(given: Record<string, unknown>): Promise<CommandSpec> {
  const { program = 'go', splice, buffer, threads } = options.parse(given);
  const built = await goProgram(program);
  if (built.kind !== 'built') throw new Error(built.reason);
  return {
    ...PLAIN_COMMAND,
    argv: [
      built.path,
      `--splice=${splice}`,
      ...(buffer === undefined ? [] : [`--buffer=${buffer}`]),
      '{listen.address}',
      '{upstream.address}',
    ],
    env: threads === undefined ? {} : { GOMAXPROCS: String(threads) },
    versionArgv: ['echo', built.version],
  };
}
