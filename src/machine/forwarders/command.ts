/** `use: command`: any program that forwards TCP, started without a shell. */
import { z } from 'zod';
import { duration } from '../../base/units/fields.js';
import type { CommandSpec, ForwarderKind, Probe } from './kind.js';

/** Files lie side by side in the folder. */
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;

const files = z.record(
  z.string().regex(FILE_NAME, {
    error: 'expected a file name of letters, digits, dots, dashes and underscores',
  }),
  z.string(),
);

const probe = z.union(
  [
    z.literal('listen'),
    z.strictObject({ output: z.string().min(1) }),
    z.strictObject({ command: z.array(z.string()).min(1) }),
  ],
  { error: "expected 'listen', {output: TEXT} or {command: [PROGRAM, ARGUMENT...]}" },
);

const options = z.strictObject({
  argv: z.array(z.string()).min(1),
  env: z.record(z.string(), z.string()).default({}),
  cwd: z.string().optional(),
  files: files.default({}),
  probe: probe.default('listen'),
  ready: duration({ min: 0.1, max: 60 }).default(10),
  version: z.array(z.string()).min(1).optional(),
});

export const commandKind: ForwarderKind = {
  use: 'command',
  summary: 'any program: argv with {listen.host} {listen.port} {upstream.host} {upstream.port}',
  options,
  runner: { kind: 'command', command: specOf },
  // A program that is absent fails its trials: the user named it.
  unavailable: () => Promise.resolve(null),
  refuses: () => null,
};

/** How a program starts unless its entry says otherwise. */
export const PLAIN_COMMAND: Omit<CommandSpec, 'argv' | 'versionArgv'> = {
  env: {},
  cwd: null,
  files: {},
  probe: { kind: 'listen' },
  ready: 10,
};

function specOf(given: Record<string, unknown>): CommandSpec {
  const { cwd, version, ...parsed } = options.parse(given);
  const asked = probeOf(parsed.probe);
  return { ...parsed, cwd: cwd ?? null, probe: asked, versionArgv: version ?? null };
}

function probeOf(given: z.output<typeof probe>): Probe {
  if (given === 'listen') return { kind: 'listen' };
  return 'output' in given
    ? { kind: 'output', text: given.output }
    : { kind: 'command', argv: given.command };
}
