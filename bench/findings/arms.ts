/** What is tried against HAProxy's loss of the end of a stream: programs, settings, and what controls it. Data. */
import { fileURLToPath } from 'node:url';

/** How the two ends behave. */
export type Play =
  /** haproxy-end-of-stream.py: one connection, default socket buffers, every step waits for a state. */
  | 'deterministic'
  /** The same over a connection that HTTP was upgraded on. */
  | 'upgraded'
  /** haproxy-both-ways.py: two connections, small socket buffers, a matter of chance. */
  | 'both-ways';

/** Ports that a run has for itself. */
export interface Ports {
  listen: number;
  /** Between two listeners of one program. */
  middle: number;
  server: number;
}

export interface Arm {
  /** Unique together with `program` and `play`. */
  name: string;
  play: Play;
  /** Of HAProxy `haproxy VERSION`, else the control's name. */
  program: string;
  role: 'haproxy' | 'avoided' | 'control';
  argv: (ports: Ports, folder: string) => string[];
  /** Written into the folder first, by name. */
  files: (ports: Ports) => Record<string, string>;
  /** Whether its calls are recorded. */
  recorded: boolean;
}

/** A program that is there, and the version that it tells. */
export interface Program {
  path: string;
  version: string;
}

interface Settings {
  global?: string[];
  defaults?: string[];
  mode?: 'tcp' | 'http';
  arguments?: string[];
  threads?: number;
  tls?: boolean;
}

/** The whole configuration of a run. */
export function haproxyConfig(ports: Ports, given: Settings): string {
  const bind = (port: number) => `    bind 127.0.0.1:${port}`;
  const server = (port: number) => `    server s 127.0.0.1:${port}`;
  const listeners = given.tls
    ? [
        'listen outer',
        bind(ports.listen),
        `${server(ports.middle)} ssl verify none`,
        'listen inner',
        `${bind(ports.middle)} ssl crt certificate.pem`,
        server(ports.server),
      ]
    : ['listen forward', bind(ports.listen), server(ports.server)];
  return [
    'global',
    '    maxconn 100',
    `    nbthread ${given.threads ?? 1}`,
    ...(given.global ?? []).map((line) => `    ${line}`),
    'defaults',
    `    mode ${given.mode ?? 'tcp'}`,
    '    timeout connect 10s',
    '    timeout client 1m',
    '    timeout server 1m',
    ...(given.defaults ?? []).map((line) => `    ${line}`),
    ...listeners,
    '',
  ].join('\n');
}

const EXPERIMENTAL = 'expose-experimental-directives';
const SPLICE = ['option splice-request', 'option splice-response'];

/** What is tried with each HAProxy, and under which plays. */
const VARIANTS: readonly {
  name: string;
  plays: readonly Play[];
  settings: Settings;
  avoids?: true;
  /** The first version that has it, as a number: 3.2 is 302. */
  since?: number;
}[] = [
  { name: 'copying', plays: ['deterministic', 'both-ways'], settings: {} },
  { name: 'splicing', plays: ['deterministic', 'both-ways'], settings: { defaults: SPLICE } },
  { name: 'two threads', plays: ['deterministic', 'both-ways'], settings: { threads: 2 } },
  { name: 'HTTP mode, upgraded', plays: ['upgraded'], settings: { mode: 'http' } },
  { name: 'TLS between two listeners', plays: ['both-ways'], settings: { tls: true } },
  {
    name: 'option abortonclose',
    plays: ['deterministic'],
    settings: { defaults: ['option abortonclose'] },
  },
  {
    name: 'option independent-streams',
    plays: ['deterministic'],
    settings: { defaults: ['option independent-streams'] },
  },
  {
    name: 'tune.bufsize 262144',
    plays: ['both-ways'],
    settings: { global: ['tune.bufsize 262144'] },
  },
  { name: 'poll (-de)', plays: ['both-ways'], settings: { arguments: ['-de'] } },
  {
    name: 'select (-de -dp)',
    plays: ['deterministic', 'both-ways'],
    settings: { arguments: ['-de', '-dp'] },
    avoids: true,
  },
  {
    name: 'tune.fd.edge-triggered on',
    plays: ['deterministic', 'both-ways'],
    settings: { global: [EXPERIMENTAL, 'tune.fd.edge-triggered on'] },
    avoids: true,
  },
  {
    name: 'tune.epoll.mask-events rdhup,hup',
    plays: ['deterministic', 'both-ways'],
    settings: { global: ['tune.epoll.mask-events rdhup,hup'] },
    avoids: true,
    since: 302,
  },
];

/** "3.2.26-1" is 302. */
export function comparable(version: string): number {
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) * 100 + Number(minor);
}

/** All arms of one HAProxy; those that its version has no word for are left out. */
export function haproxyArms({ path, version }: Program): Arm[] {
  return VARIANTS.filter(({ since = 0 }) => comparable(version) >= since).flatMap(
    ({ name, plays, settings, avoids }) =>
      plays.map((play): Arm => ({
        name,
        play,
        program: `haproxy ${version}`,
        role: avoids ? 'avoided' : 'haproxy',
        argv: (_ports, folder) => [
          ...[path, '-db', ...(settings.arguments ?? [])],
          ...['-C', folder, '-f', 'haproxy.cfg'],
        ],
        files: (ports) => ({ 'haproxy.cfg': haproxyConfig(ports, settings) }),
        recorded: (name === 'copying' || name === 'splicing') && play !== 'upgraded',
      })),
  );
}

const CLI = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** What must lose nothing under the same plays. */
export function controlArms(nginx: Program | null, socat: Program | null): Arm[] {
  const arms: Omit<Arm, 'play' | 'role' | 'recorded' | 'name'>[] = [
    ...['copy', 'splice'].map((mechanism) => ({
      program: mechanism,
      argv: ({ listen, server }: Ports) => [
        ...[process.execPath, CLI, 'forward', '--mechanism', mechanism],
        ...['--listen', `127.0.0.1:${listen}`, '--upstream', `127.0.0.1:${server}`],
      ],
      files: () => ({}),
    })),
  ];
  if (socat !== null) {
    arms.push({
      program: `socat ${socat.version}`,
      argv: ({ listen, server }) => [
        ...[socat.path, '-t', '3600', `TCP4-LISTEN:${listen},bind=127.0.0.1,reuseaddr,fork`],
        `TCP4:127.0.0.1:${server}`,
      ],
      files: () => ({}),
    });
  }
  if (nginx !== null) {
    arms.push({
      program: `nginx ${nginx.version}`,
      argv: (_ports, folder) => [nginx.path, '-e', 'stderr', '-p', folder, '-c', 'nginx.conf'],
      files: ({ listen, server }) => ({
        'nginx.conf': [
          'load_module /usr/lib/nginx/modules/ngx_stream_module.so;',
          'daemon off; user root root; worker_processes 1; pid nginx.pid; error_log stderr;',
          'events { worker_connections 512; }',
          `stream { proxy_half_close on; server { listen 127.0.0.1:${listen}; proxy_pass 127.0.0.1:${server}; } }`,
          '',
        ].join('\n'),
      }),
    });
  }
  return arms.flatMap((arm) =>
    (['deterministic', 'both-ways'] as const).map((play): Arm => ({
      ...arm,
      name: 'control',
      play,
      role: 'control',
      recorded: false,
    })),
  );
}
