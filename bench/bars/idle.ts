/** Holds thousands of idle connections through `splicebench forward` and looks at what they cost. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { wordsOf } from '../../src/base/errors/words.js';
import { descriptorLimit } from '../../src/machine/host/descriptor-limit.js';
import type { Host } from '../../src/machine/host/host.js';
import { packageRoot } from '../../src/base/process/package-root.js';
import type { NativeEndpointOptions } from '../../src/data/native/native-surface.js';
import { count, plural } from '../../src/base/units/quantity.js';
import { RoleClient } from '../../src/machine/role/client.js';
import type { IdleSample } from './samples.js';

/** Descriptors of one forwarded connection, and what else the process has. */
const PER_CONNECTION = 2;
const RESERVE = 64;
/** The kernel spreads connections over threads by chance: one may get so much more than its share. */
const UNEVEN = 1.2;
/** Seconds for all connections to come up, and without progress until they do not end any more. */
const CONNECT_TIMEOUT = 60;
const STALL = 2;
/** Memory has settled when it did not change over so many looks; milliseconds between looks. */
const SETTLED_LOOKS = 5;
const MOST_LOOKS = 50;
const LOOK = 200;
/** Milliseconds. */
const START_TIMEOUT = 10_000;
const END_TIMEOUT = 5000;

/** Connects through the forwarder, proves every path with 64 checked bytes, and measures. */
// eslint-disable-next-line max-lines-per-function -- start, measure and end are one try/finally over the same processes
export async function measureIdle(
  host: Host,
  mechanism: string,
  wanted: number,
  signal: AbortSignal,
): Promise<IdleSample> {
  const { asked, threads, note } = affordable(wanted);
  const sample: IdleSample = {
    kind: 'idle',
    mechanism,
    asked,
    held: 0,
    failed: 0,
    resident_bytes: 0,
    slab_bytes: null,
    pipes: 0,
    descriptors: 0,
    note,
  };
  const source = RoleClient.start(host, 'source');
  const sink = RoleClient.start(host, 'sink');
  let forwarder: Forward | undefined;
  const common = { connections: asked, seed: '1', hold: true };
  try {
    const address = { host: host.address, port: 0 };
    const listening: NativeEndpointOptions = { ...common, listen: true, address, send: 'content' };
    const upstream = await source.ask('open', listening);
    await source.ask('start');
    forwarder = await startForward(host, [
      ...['--mechanism', mechanism, '--threads', String(threads)],
      ...['--listen', `${host.address}:0`, '--upstream', `${host.address}:${upstream.port}`],
    ]);
    const entry = { host: host.address, port: forwarder.port };
    await sink.ask('open', { ...common, listen: false, address: entry, receive: 'check' });
    const before = await settledMemory(forwarder.pid, signal);
    const own = descriptorsOf(forwarder.pid);
    await sink.ask('start');
    const wish = { connections: asked, timeout: CONNECT_TIMEOUT };
    const up = await sink.ask('awaitConnected', wish, CONNECT_TIMEOUT + 5);
    const after = await settledMemory(forwarder.pid, signal);
    const open = descriptorsOf(forwarder.pid);
    // The end of every stream must come through too, and in order.
    await source.ask('stop');
    await sink.ask('awaitEnd', { stall: STALL }, CONNECT_TIMEOUT);
    const results = await sink.ask('results', await source.ask('sentCounts'), CONNECT_TIMEOUT);
    const intact = results.connections.filter(
      ({ orderly, received }) => orderly && received > 0,
    ).length;
    return {
      ...sample,
      held: up.started,
      failed: asked - intact + results.totals.incidents,
      resident_bytes: after.resident - before.resident,
      slab_bytes: after.slab === null || before.slab === null ? null : after.slab - before.slab,
      pipes: open.pipes - own.pipes,
      descriptors: open.descriptors - own.descriptors,
    };
  } catch (error) {
    signal.throwIfAborted();
    const said = wordsOf(error);
    return { ...sample, failed: asked, note: said };
  } finally {
    await Promise.all([source.close(), sink.close()]);
    await forwarder?.end();
  }
}

/**
 * As many connections as descriptors allow. The limit is one of each table of descriptors: the forwarder
 * has a thread with a table of its own for as many as it takes, each end of the trial only one.
 */
export function affordable(
  wanted: number,
  limit: number | null = descriptorLimit(),
): { asked: number; threads: number; note: string | null } {
  if (limit === null) return { asked: wanted, threads: 1, note: null };
  const asked = Math.min(wanted, limit - RESERVE);
  const threads = Math.ceil((asked * PER_CONNECTION * UNEVEN + RESERVE) / limit);
  const own = `${plural(threads, 'thread')} with descriptors of their own: the limit is ${count(limit)} open files`;
  const short = `the limit of ${count(limit)} open files allows the ends no more`;
  return { asked, threads, note: asked < wanted ? short : threads > 1 ? own : null };
}

interface Forward {
  pid: number;
  port: number;
  end: () => Promise<void>;
}

async function startForward(host: Host, options: readonly string[]): Promise<Forward> {
  const main = join(packageRoot(), 'dist', 'src', 'cli', 'main.js');
  const argv = [
    ...[...host.prefix, 'setpriv', '--pdeathsig', 'KILL'],
    // Node itself raises the limit on open files as far as it may.
    ...[process.execPath, main, 'forward', ...options],
  ];
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const port = await listeningPort(child);
  const { pid } = child;
  if (pid === undefined) throw new Error('forward: it did not start');
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), END_TIMEOUT);
    await ended;
    clearTimeout(timer);
  };
  return { pid, port, end };
}

/** The port in what it says when it listens ("splice: 127.0.0.1:4000 to 127.0.0.1:5000"). */
async function listeningPort(child: ChildProcess): Promise<number> {
  let said = '';
  return new Promise((resolve, reject) => {
    const fail = () => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`forward: ${said.trim().split('\n').at(-1) ?? 'did not start'}`));
    };
    const timer = setTimeout(fail, START_TIMEOUT);
    child.once('error', fail).once('exit', fail);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const port = /:(\d+) to /.exec(said)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      child.removeListener('exit', fail);
      resolve(Number(port));
    });
  });
}

interface Memory {
  resident: number;
  slab: number | null;
}

/** Memory once it stands still: a fresh Node process still gives back what its start took. */
async function settledMemory(pid: number, signal: AbortSignal): Promise<Memory> {
  let last = memoryOf(pid);
  for (let look = 0, same = 0; look < MOST_LOOKS && same < SETTLED_LOOKS; look++) {
    await sleep(LOOK, undefined, { signal });
    const now = memoryOf(pid);
    same = now.resident === last.resident ? same + 1 : 0;
    last = now;
  }
  return last;
}

/** Anonymous memory: pages of files come and go as the host likes. */
function memoryOf(pid: number): Memory {
  const resident = kilobytes(readFileSync(`/proc/${pid}/status`, 'utf8'), 'RssAnon');
  const slab = kilobytes(readFileSync('/proc/meminfo', 'utf8'), 'Slab');
  return { resident: resident ?? 0, slab };
}

function kilobytes(text: string, name: string): number | null {
  const value = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
  return value === undefined ? null : Number(value) * 1024;
}

/**
 * What a process has open, in the tables of all its threads, each thing once, and the pipes of which it
 * has both ends in one table.
 */
function descriptorsOf(pid: number): { pipes: number; descriptors: number } {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const tables = tasks.map((task) => targetsOf(`/proc/${pid}/task/${task}/fd`));
  const both = tables.flatMap((targets) => {
    const ends = targets.filter((target) => target.startsWith('pipe:'));
    return ends.filter((end, index) => ends.indexOf(end) !== index);
  });
  return { pipes: new Set(both).size, descriptors: new Set(tables.flat()).size };
}

function targetsOf(folder: string): string[] {
  return readdirSync(folder).flatMap((fd) => {
    try {
      return [readlinkSync(join(folder, fd))];
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}
