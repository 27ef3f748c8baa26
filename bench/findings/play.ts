/** One run: the program started, its two ends played against it, what came of it, the program ended. */
import { wordsOf } from '../../src/base/errors/words.js';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { x } from 'tinyexec';
import { CallRecorder } from '../../src/machine/role/call-recorder.js';
import { listens } from '../../src/machine/role/readiness.js';
import type { Arm, Play, Ports } from './arms.js';
import { lossesIn, lossLines, type Route } from './routes.js';

const READY = 30_000;
const PLAYED = 120_000;

/** A stream as its reader saw it. */
export interface Stream {
  sent: number;
  came: number;
  /** "in good order", or what the reader was told. */
  end: string;
}

export interface Played {
  streams: Stream[];
  /** Ways of the losses that the program's recorded calls show; null = not recorded. */
  routes: Route[] | null;
  /** The calls that led to the first loss of each way. */
  told: Partial<Record<Route, string[]>>;
  /** Why nothing came of it. */
  error: string | null;
}

/** Plays an arm once. Never throws for what the program or its ends do. */
export async function playOnce(arm: Arm, ports: Ports): Promise<Played> {
  const folder = await mkdtemp(join(tmpdir(), 'splicebench-finding-'));
  const recorder = arm.recorded ? await CallRecorder.make() : null;
  let program: ChildProcess | undefined;
  try {
    for (const [name, text] of Object.entries(arm.files(ports))) {
      await writeFile(join(folder, name), text);
    }
    if (arm.name.startsWith('TLS')) await certificate(folder);
    program = start([...(recorder?.prefix() ?? []), ...arm.argv(ports, folder)], folder);
    await ready(program, ports.listen);
    const streams = await ends(arm, ports);
    if (recorder === null) return { streams, routes: null, told: {}, error: null };
    // What it closes, it closes soon after.
    await sleep(50);
    return { streams, ...whatLedTo(recorder, ports), error: null };
  } catch (error) {
    const message = wordsOf(error);
    return { streams: [], routes: null, told: {}, error: message };
  } finally {
    await end(program);
    await recorder?.remove();
    // What it has started may write there until it is gone, too.
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

function whatLedTo(recorder: CallRecorder, ports: Ports): Pick<Played, 'routes' | 'told'> {
  const told: Played['told'] = {};
  const routes: Route[] = [];
  for (const { calls } of recorder.rings()) {
    for (const loss of lossesIn(calls)) {
      routes.push(loss.route);
      told[loss.route] ??= lossLines(calls, loss, ports);
    }
  }
  return { routes, told };
}

function start(argv: readonly string[], folder: string): ChildProcess {
  // Ends with us, however we end.
  return spawn('setpriv', ['--pdeathsig', 'KILL', ...argv], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

async function ready(program: ChildProcess, port: number): Promise<void> {
  let said = '';
  program.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-500);
  });
  const until = performance.now() + READY;
  while (!listens(port)) {
    if (program.exitCode !== null) throw new Error(`ended before it listened: ${said.trim()}`);
    if (performance.now() > until) throw new Error(`did not listen: ${said.trim()}`);
    await sleep(10);
  }
}

/** A program of a C library may have children: socat has one per connection, which ends with it. */
async function end(program: ChildProcess | undefined): Promise<void> {
  if (program?.pid === undefined || program.exitCode !== null) return;
  const ended = new Promise((resolve) => program.once('exit', resolve));
  program.kill('SIGTERM');
  await Promise.race([ended, sleep(500)]);
  program.kill('SIGKILL');
  await ended;
}

const PROGRAMS: Readonly<Record<Play, string>> = {
  deterministic: 'haproxy-end-of-stream.py',
  upgraded: 'haproxy-end-of-stream.py',
  'both-ways': 'haproxy-both-ways.py',
};

async function ends({ play, role }: Arm, { listen, server }: Ports): Promise<Stream[]> {
  // The compiled module lies in dist/bench/findings.
  const path = fileURLToPath(new URL(`../../../bench/findings/${PROGRAMS[play]}`, import.meta.url));
  const further = [
    ...(play === 'upgraded' ? ['http'] : []),
    // Not every program ever holds bytes that it cannot send: socat reads only when it can write.
    ...(role === 'control' && play === 'deterministic' ? ['control'] : []),
  ];
  const { stdout, stderr, exitCode } = await x(
    'python3',
    [path, String(listen), String(server), ...further],
    { timeout: PLAYED },
  );
  if (exitCode !== 0) throw new Error(stderr.trim().split('\n').at(-1) ?? 'the ends failed');
  return streamsIn(stdout);
}

/** Lines of "SENT CAME [DIRECTION] HOW-IT-ENDED". */
export function streamsIn(printed: string): Stream[] {
  return printed
    .trim()
    .split('\n')
    .map((line) => {
      const [, sent, came, end = ''] = /^(\d+) (\d+) (?:upload |download )?(.+)$/.exec(line) ?? [];
      if (sent === undefined) throw new Error(`the ends said '${line}'`);
      return { sent: Number(sent), came: Number(came), end };
    });
}

async function certificate(folder: string): Promise<void> {
  const made = await x('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
    ...['-keyout', '-', '-out', '-'],
  ]);
  if (made.exitCode !== 0) throw new Error('openssl could not make a certificate');
  await writeFile(join(folder, 'certificate.pem'), made.stdout);
}
