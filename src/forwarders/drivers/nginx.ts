/** `use: nginx`: the stream module of nginx. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { x } from 'tinyexec';
import { z } from 'zod';
import { errorsToStderr, isAtLeast, nginxVersionIn } from '../../host/nginx-build.js';
import { findProgram } from '../../host/program.js';
import { size, whole } from '../../scenario/fields.js';
import { PLAIN_COMMAND } from '../command.js';
import type { CommandSpec, ForwarderKind } from '../kind.js';
import { notFound } from './program.js';

/** Per worker; a session is two. nginx goes on with fewer where the descriptor limit is lower. */
const CONNECTIONS = 32_768;
const DESCRIPTORS = 65_536;
/** `proxy_half_close` came with it. Without it the end of one direction ends both. */
const HALF_CLOSE_SINCE = [1, 21, 4];

const options = z.strictObject({
  /** `proxy_buffer_size`, one for each direction of a session; nginx's own default is 16 KiB. */
  buffer: size({ min: 1024, max: 2 ** 28 }).optional(),
  /** `worker_processes`. */
  workers: whole(1, 64).default(1),
});

export const nginxKind: ForwarderKind = {
  use: 'nginx',
  summary: 'the stream module of nginx: its buffer, its workers',
  options,
  runner: { kind: 'command', command: specOf },
  unavailable: async () => {
    const build = await lookAtNginx();
    return typeof build === 'string' ? build : null;
  },
  refuses: () => null,
};

/** What of an nginx matters to its configuration. */
interface Build {
  /** The line that loads the stream module; empty where it is built in. */
  load: string;
  halfClose: boolean;
  /** Arguments that this version takes. */
  options: string[];
}

let looked: Promise<Build | string> | undefined;

/** Its build, or why it cannot be used. */
function lookAtNginx(): Promise<Build | string> {
  looked ??= look();
  return looked;
}

async function look(): Promise<Build | string> {
  const program = findProgram('nginx');
  if (program === null) return notFound('nginx', 'nginx libnginx-mod-stream');
  const { stderr } = await x(program, ['-V'], { timeout: 5000 });
  return buildOf(stderr, existsSync);
}

/**
 * Reads what `nginx -V` prints.
 * @param exists whether a module's file is there: Debian packs it apart
 * @returns why it cannot be used, as a text
 */
export function buildOf(printed: string, exists: (path: string) => boolean): Build | string {
  const version = nginxVersionIn(printed);
  const differing = {
    halfClose: isAtLeast(version, HALF_CLOSE_SINCE),
    options: errorsToStderr(version),
  };
  const stream = /--with-stream(=dynamic)?(?=\s|'|$)/.exec(printed);
  if (stream === null) return 'this nginx was built without the stream module (--with-stream)';
  if (stream[1] === undefined) return { load: '', ...differing };
  const folder = /--modules-path=([^\s']+)/.exec(printed)?.[1] ?? '/usr/lib/nginx/modules';
  const module = join(folder, 'ngx_stream_module.so');
  if (!exists(module)) {
    return `nginx has no stream module, ${module} is missing (apt-get install libnginx-mod-stream)`;
  }
  return { load: `load_module ${module};`, ...differing };
}

async function specOf(given: Record<string, unknown>): Promise<CommandSpec> {
  const build = await lookAtNginx();
  if (typeof build === 'string') throw new Error(build);
  const { buffer, workers } = options.parse(given);
  const configuration = [
    build.load,
    'daemon off;',
    // The worker stays what the master is: in a user namespace there may be no other user.
    'user root root;',
    `worker_processes ${workers};`,
    `worker_rlimit_nofile ${DESCRIPTORS};`,
    'pid {dir}/nginx.pid;',
    'error_log stderr;',
    `events { worker_connections ${CONNECTIONS}; }`,
    'stream {',
    ...(buffer === undefined ? [] : [`    proxy_buffer_size ${buffer};`]),
    '    proxy_connect_timeout 10s;',
    '    proxy_timeout 1h;',
    ...(build.halfClose ? ['    proxy_half_close on;'] : []),
    '    server {',
    '        listen {listen.address} backlog=4096;',
    '        proxy_pass {upstream.address};',
    '    }',
    '}',
    '',
  ];
  return {
    ...PLAIN_COMMAND,
    argv: ['nginx', ...build.options, '-p', '{dir}', '-c', '{dir}/nginx.conf'],
    files: { 'nginx.conf': configuration.join('\n') },
    versionArgv: ['nginx', '-v'],
  };
}
