/**
 * `use: systemd-socket-proxyd`: what systemd puts before services that know nothing of socket activation. It
 * splices through pipes. It takes its listening socket from whoever starts it: here systemd-socket-activate, which
 * becomes it with the first connection.
 */
import { z } from 'zod';
import { findProgram } from '../../../base/process/program.js';
import { PLAIN_COMMAND } from '../command.js';
import type { CommandSpec, ForwarderKind } from '../kind.js';
import { notFound, programField, versionBy } from './driver-program.js';

/** No service is in a folder of PATH; the second is where a system without merged folders has it. */
const FOLDERS = ['/usr/lib/systemd', '/lib/systemd'];
const NAME = 'systemd-socket-proxyd';
const ACTIVATE = 'systemd-socket-activate';
/** `--connections-max`; its own default is 256. */
const CONNECTIONS = 20_000;

const options = z.strictObject({ program: programField });

export const socketProxydKind: ForwarderKind = {
  use: NAME,
  summary: 'systemd-socket-proxyd: spliced through pipes, one process, any number of connections',
  options,
  runner: { kind: 'command', command: specOf },
  unavailable: (given) => {
    const { program } = options.parse(given);
    if (findProgram(ACTIVATE) === null) return Promise.resolve(notFound(ACTIVATE, 'systemd'));
    if (pathOf(program) !== null) return Promise.resolve(null);
    return Promise.resolve(
      program === undefined ? notFound(NAME, 'systemd') : `${program}: no such program`,
    );
  },
  refuses: () => null,
  versionOf: versionBy('--version', /^systemd (\S+)/m),
};

function pathOf(program: string | undefined): string | null {
  if (program !== undefined) return findProgram(program);
  for (const folder of FOLDERS) {
    const found = findProgram(`${folder}/${NAME}`);
    if (found !== null) return found;
  }
  return null;
}

/** What it would not hand on: by which programs are found again, and the call recorder's. */
const HANDED_ON = ['SPLICEBENCH_PROGRAM', 'SPLICEBENCH_CALLS', 'LD_PRELOAD'];

function specOf(given: Record<string, unknown>): CommandSpec {
  const path = pathOf(options.parse(given).program) ?? NAME;
  return {
    ...PLAIN_COMMAND,
    argv: [
      ...[ACTIVATE, ...HANDED_ON.flatMap((name) => ['-E', name])],
      ...['-l', '{listen.address}', path],
      ...[`--connections-max=${CONNECTIONS}`, '{upstream.address}'],
    ],
    versionArgv: [path, '--version'],
  };
}
