/**
 * `use: ssh`: `ssh -L`, what people forward a port with. Both ends of the connection are here: the server is
 * started by ProxyCommand and talks through pipes, under keys of the trial's own.
 */
import { userInfo } from 'node:os';
import { z } from 'zod';
import { findProgram } from '../../../base/process/program.js';
import { PLAIN_COMMAND } from '../command.js';
import type { CommandSpec, ForwarderKind } from '../kind.js';
import { locate, notFound, programField, versionBy } from './driver-program.js';

const options = z.strictObject({
  program: programField,
  /** `-c`; ssh's own choice is chacha20-poly1305 or AES, by its version. */
  cipher: z.string().min(1).optional(),
  /** `-C`. */
  compression: z.boolean().default(false),
});

export const sshKind: ForwarderKind = {
  use: 'ssh',
  summary: 'ssh -L to an sshd of its own: encrypted, one connection for all; its cipher',
  options,
  runner: { kind: 'command', command: specOf },
  unavailable: (given) => {
    const found = locate(given, 'ssh', 'openssh-client');
    if ('reason' in found) return Promise.resolve(found.reason);
    const lacking = ['sshd', 'ssh-keygen'].find((name) => findProgram(name) === null);
    if (lacking === undefined) return Promise.resolve(null);
    const packages = lacking === 'sshd' ? 'openssh-server' : 'openssh-client';
    return Promise.resolve(notFound(lacking, packages));
  },
  refuses: () => null,
  versionOf: versionBy('-V', /OpenSSH_(\d[\w.]*)/),
};

const SERVER = [
  'HostKey {dir}/key',
  'AuthorizedKeysFile {dir}/key.pub',
  'PidFile none',
  'StrictModes no',
  'UsePAM no',
  'PermitRootLogin yes',
  'AllowTcpForwarding yes',
  'MaxSessions 0',
  '',
].join('\n');

/** Makes the keys, then becomes ssh. */
const START = ["ssh-keygen -q -t ed25519 -N '' -f {dir}/key || exit", 'exec "$@"', ''].join('\n');

/** As root sshd wants a folder that only its service makes: it gets one that nobody else sees. */
const SERVE = [
  'if [ "$(id -u)" = 0 ]; then',
  `  exec unshare -m sh -c 'mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec "$@"' sh "$@"`,
  'fi',
  'exec "$@"',
  '',
].join('\n');

function specOf(given: Record<string, unknown>): CommandSpec {
  const { program = 'ssh', cipher, compression } = options.parse(given);
  const settings = [
    `ProxyCommand=sh {dir}/serve.sh ${findProgram('sshd') ?? 'sshd'} -i -f {dir}/sshd_config`,
    ...[
      'StrictHostKeyChecking=no',
      'UserKnownHostsFile=/dev/null',
      'GlobalKnownHostsFile=/dev/null',
    ],
    ...['IdentitiesOnly=yes', 'BatchMode=yes', 'ExitOnForwardFailure=yes', 'LogLevel=ERROR'],
    `Compression=${compression ? 'yes' : 'no'}`,
    ...(cipher === undefined ? [] : [`Ciphers=${cipher}`]),
  ];
  return {
    ...PLAIN_COMMAND,
    argv: [
      ...['sh', '{dir}/start.sh', program, '-F', 'none', '-N', '-i', '{dir}/key'],
      ...settings.flatMap((setting) => ['-o', setting]),
      ...['-L', '{listen.address}:{upstream.address}', `${userInfo().username}@localhost`],
    ],
    files: { 'start.sh': START, 'serve.sh': SERVE, sshd_config: SERVER },
    ready: 30,
    versionArgv: [program, '-V'],
  };
}
