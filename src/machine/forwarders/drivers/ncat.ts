/**
 * `use: ncat`: Ncat starts a second Ncat for each connection and passes bytes through pipes. Without
 * --recv-only the second one stays when its upstream has ended (nmap issue 894), so that no download
 * ever comes to its end.
 */
import { z } from 'zod';
import { PLAIN_COMMAND } from '../command.js';
import type { CommandSpec, ForwarderKind } from '../kind.js';
import { needs, programField, versionBy } from './driver-program.js';

const options = z.strictObject({ program: programField });

export const ncatKind: ForwarderKind = {
  use: 'ncat',
  summary: 'ncat --sh-exec: a second ncat and two pipes, one connection, downloads only',
  options,
  runner: { kind: 'command', command: specOf },
  unavailable: needs('ncat'),
  refuses: ({ kind, direction, connections }) => {
    // Its direction is that of the body: the request goes the other way.
    if (kind === 'http') {
      return 'ncat forwards downloads only: with --recv-only no request would reach the origin';
    }
    if (direction !== 'download') {
      return 'ncat forwards downloads only: with --recv-only, or it never ends a connection (nmap issue 894)';
    }
    // Its backlog is 10, and when several connections end at once it miscounts them and ends itself:
    // "assertion failed: count <= INT_MAX", seen with 7.93 and 10 connections.
    return connections > 1
      ? 'ncat forwards one connection here: 7.93 ends itself when several end at once'
      : null;
  },
  versionOf: versionBy('--version', /Version (\d\S*)/),
};

function specOf(given: Record<string, unknown>): CommandSpec {
  const { program = 'ncat' } = options.parse(given);
  // For sh, which --sh-exec starts.
  const quoted = `'${program.replaceAll("'", String.raw`'\''`)}'`;
  return {
    ...PLAIN_COMMAND,
    argv: [
      ...[program, '--listen', '--keep-open', '--nodns'],
      ...['--sh-exec', `exec ${quoted} --nodns --recv-only {upstream.host} {upstream.port}`],
      ...['{listen.host}', '{listen.port}'],
    ],
    versionArgv: [program, '--version'],
  };
}
