/** `use: nginx`: the stream module of nginx. */
import { wordsOf } from '../../../base/errors/words.js';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { x } from 'tinyexec';
import { z } from 'zod';
import { errorsToStderr, isAtLeast, nginxVersionIn } from './nginx-build.js';
import { size, whole } from '../../../base/units/fields.js';
import { PLAIN_COMMAND } from '../command.js';
import type { CommandSpec, ForwarderKind } from '../kind.js';
import { settingsOfNginx } from './nginx-config.js';
import { locate, programField, versionBy } from './driver-program.js';
import { refusesPrefix } from './proxy-protocol.js';
import { configField, type UserConfig } from './user-config.js';

/** Per worker; a session is two. nginx goes on with fewer where the descriptor limit is lower. */
const CONNECTIONS = 32_768;
const DESCRIPTORS = 65_536;
/** `proxy_half_close` came with it. Without it the end of one direction ends both. */
const HALF_CLOSE_SINCE = [1, 21, 4];

const options = z.strictObject({
  program: programField,
  /** The user's main settings and those of `stream`; what is set below takes their place. */
  config: configField,
  /** `proxy_buffer_size`, one for each direction of a session; nginx's own default is 16 KiB. */
  buffer: size({ min: 1024, max: 2 ** 28 }).optional(),
  /** `worker_processes`; 1 unless a configuration is given, which has its own. */
  workers: whole(1, 64).optional(),
  /** `proxy_protocol on`; nginx sends version 1 only. */
  'proxy-protocol': z.enum(['v1']).optional(),
  /** Without `proxy_half_close`: the end of one direction ends both. */
  'own-defaults': z.boolean().optional(),
});

export const nginxKind: ForwarderKind = {
  use: 'nginx',
  summary: 'the stream module of nginx: its buffer, its workers',
  options,
  runner: { kind: 'command', command: specOf },
  unavailable: async (given) => {
    const build = await lookAtNginx(given);
    if (typeof build === 'string') return build;
    const { config } = options.parse(given);
    try {
      if (config !== undefined) settingsOfNginx(config, new Set());
      return null;
    } catch (error) {
      return `${config?.path ?? ''}: ${wordsOf(error)}`;
    }
  },
  refuses: (workload, given) => refusesPrefix(workload, options.parse(given)['proxy-protocol']),
  versionOf: versionBy('-v', /nginx\/(\d\S*)/),
};

type Options = z.output<typeof options>;

/** What of an nginx matters to its configuration. */
interface Build {
  /** The line that loads the stream module; empty where it is built in. */
  load: string;
  halfClose: boolean;
  /** Arguments that this version takes. */
  options: string[];
}

const looked = new Map<string, Promise<Build | string>>();

/** Its build, or why it cannot be used; asked once per program. */
async function lookAtNginx(given: Record<string, unknown>): Promise<Build | string> {
  const found = locate(given, 'nginx', 'nginx libnginx-mod-stream');
  if ('reason' in found) return found.reason;
  const known = looked.get(found.path);
  if (known !== undefined) return known;
  const build = look(found.path);
  looked.set(found.path, build);
  return build;
}

async function look(path: string): Promise<Build | string> {
  return buildOf((await x(path, ['-V'], { timeout: 5000 })).stderr, existsSync);
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
  const build = await lookAtNginx(given);
  if (typeof build === 'string') throw new Error(build);
  const parsed = options.parse(given);
  const { program = 'nginx', config } = parsed;
  const { main, stream } =
    config === undefined ? ownSettings(parsed, build) : userSettings(parsed, build, config);
  const configuration = [
    ...main,
    'daemon off;',
    'pid {dir}/nginx.pid;',
    'error_log stderr;',
    'stream {',
    ...stream.map((line) => `    ${line}`),
    '    server {',
    '        listen {listen.address} backlog=4096;',
    '        proxy_pass {upstream.address};',
    ...(parsed['proxy-protocol'] === undefined ? [] : ['        proxy_protocol on;']),
    '    }',
    '}',
    '',
  ];
  return {
    ...PLAIN_COMMAND,
    // A user's own names files relative to the folder that this nginx was built for.
    argv: [
      ...[program, ...build.options],
      ...(config === undefined ? ['-p', '{dir}'] : []),
      ...['-c', '{dir}/nginx.conf'],
    ],
    files: { 'nginx.conf': configuration.join('\n') },
    versionArgv: [program, '-v'],
    buildArgv: [program, '-V'],
    trouble:
      'upstream timed out|connect\\(\\) failed|no live upstreams|worker_connections are not enough',
  };
}

interface Settings {
  main: string[];
  stream: string[];
}

/** The least configuration that does the work. */
function ownSettings(
  { buffer, workers = 1, 'own-defaults': own }: Options,
  build: Build,
): Settings {
  return {
    main: [
      build.load,
      // The worker stays what the master is: in a user namespace there may be no other user.
      'user root root;',
      `worker_processes ${workers};`,
      `worker_rlimit_nofile ${DESCRIPTORS};`,
      `events { worker_connections ${CONNECTIONS}; }`,
    ],
    stream: [
      ...(buffer === undefined ? [] : [`proxy_buffer_size ${buffer};`]),
      'proxy_connect_timeout 10s;',
      'proxy_timeout 1h;',
      ...(build.halfClose && !own ? ['proxy_half_close on;'] : []),
    ],
  };
}

/** A directive may stand there once: those of the entry's options replace the user's. */
function userSettings({ buffer, workers }: Options, build: Build, config: UserConfig): Settings {
  const without = new Set([
    ...(buffer === undefined ? [] : ['proxy_buffer_size']),
    ...(workers === undefined ? [] : ['worker_processes']),
  ]);
  const { main, stream, loadsModules } = settingsOfNginx(config, without);
  return {
    main: [
      ...(loadsModules ? [] : [build.load]),
      ...main,
      ...(workers === undefined ? [] : [`worker_processes ${workers};`]),
      ...(main.some((line) => line.startsWith('events ')) ? [] : ['events { }']),
    ],
    stream: [...stream, ...(buffer === undefined ? [] : [`proxy_buffer_size ${buffer};`])],
  };
}
