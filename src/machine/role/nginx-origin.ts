/** nginx as an origin: one process, with a folder that goes when it does. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostAndPort } from '../host/address.js';
import { errorsToStderr, nginxVersionIn } from '../forwarders/drivers/nginx-build.js';
import { searchPath } from '../../base/process/program.js';
import { freePort } from './free-port.js';
import { HeldFolder } from '../../base/process/held-folder.js';
import { listens } from './readiness.js';
import type { Origin, OriginPlace } from './origin.js';

const START_TIMEOUT = 5000;
const POLL = 10;
/** Connections beyond those of the workload: closing ones, and files. */
const SPARE = 256;

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: searchPath() };
}

/** "nginx/1.22.1", or null where there is none. */
export function nginxVersion(): string | null {
  const { stderr } = spawnSync('nginx', ['-v'], { env: environment(), encoding: 'utf8' });
  return /nginx\/\S+/.exec(typeof stderr === 'string' ? stderr : '')?.[0] ?? null;
}

/** This nginx does not take the configuration: it never will, and another server is to serve. */
export class NginxUnusable extends Error {
  override readonly name = 'NginxUnusable';
}

/**
 * Serves bodies by nginx.
 * @throws NginxUnusable with what nginx said of its configuration
 * @throws Error with what nginx said when it does not listen
 */
export async function nginxOrigin(place: OriginPlace, bodies: readonly string[]): Promise<Origin> {
  const port = await freePort(place.host);
  const folder = await HeldFolder.make();
  let child: ChildProcess | undefined;
  try {
    for (const [index, body] of bodies.entries()) {
      await writeFile(join(folder.path, String(index)), body);
    }
    const path = join(folder.path, 'nginx.conf');
    await writeFile(path, configuration(place, port, folder.path));
    const options = errorsToStderr(nginxVersionIn(nginxVersion() ?? ''));
    assertTaken(options, path);
    child = spawn('setpriv', ['--pdeathsig', 'KILL', 'nginx', ...options, '-c', path], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: environment(),
    });
    await untilListening(child, port);
  } catch (error) {
    child?.kill('SIGKILL');
    await folder.remove();
    throw error;
  }
  const server = child;
  return {
    port,
    server: nginxVersion() ?? 'nginx',
    end: async () => {
      server.kill('SIGKILL');
      await folder.remove();
    },
  };
}

function assertTaken(options: readonly string[], path: string): void {
  const test = ['-t', '-q', ...options, '-c', path];
  const { status, stderr } = spawnSync('nginx', test, { env: environment(), encoding: 'utf8' });
  if (status !== 0) throw new NginxUnusable(`nginx origin: ${lastLine(stderr)}`);
}

function lastLine(said: string): string {
  return said.trim().split('\n').at(-1) ?? '';
}

async function untilListening(child: ChildProcess, port: number): Promise<void> {
  const state: { said: string; ended: string | null } = { said: '', ended: null };
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    state.said = (state.said + text).slice(-2000);
  });
  child.once('error', (error) => {
    state.ended = error.message;
  });
  child.once('exit', (code, signal) => {
    state.ended ??= signal ?? `exit code ${code ?? 'unknown'}`;
  });
  const deadline = performance.now() + START_TIMEOUT;
  while (!listens(port)) {
    const late = performance.now() > deadline;
    if (state.ended !== null || late) {
      child.kill('SIGKILL');
      throw new Error(
        `nginx origin: ${state.ended ?? 'did not listen in time'}: ${lastLine(state.said)}`,
      );
    }
    await sleep(POLL);
  }
}

function configuration({ host, connections }: OriginPlace, port: number, folder: string): string {
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  return `daemon off;
master_process off;
pid ${folder}/pid;
error_log stderr crit;
events { worker_connections ${connections + SPARE}; }
http {
  access_log off;
  sendfile on;
  tcp_nodelay on;
  default_type text/plain;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  ${folders.join('\n  ')}
  server {
    listen ${hostAndPort(host, port)} backlog=4096;
    root ${folder};
  }
}
`;
}
