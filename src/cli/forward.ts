import { open } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parse as parseYaml } from 'yaml';
import { builtinKind, builtinMechanisms } from '../machine/forwarders/registry.js';
import { stopForwarder } from '../machine/forwarders/stop.js';
import { forwarderOnThreads, type ThreadedForwarder } from '../machine/forwarders/threads.js';
import { settingsOf } from '../machine/forwarders/settings.js';
import { checkOptions } from '../experiment/scenario/entries.js';
import { suggestion } from '../base/text/nearest.js';
import type { Problem } from '../experiment/scenario/problems.js';
import { CouldNotRunError, EXIT, UsageError } from '../base/errors/errors.js';
import { wordsOf } from '../base/errors/words.js';
import { count, cpu, hostPort, type HostPort, size } from './options.js';
import { releaseSignals, stopSignal } from './stop-signal.js';

interface Options {
  mechanism: string;
  listen: HostPort;
  upstream: HostPort;
  once?: boolean;
  pipe?: number;
  buffer?: number;
  set?: Record<string, unknown>;
  cpu?: number;
  threads?: number;
  trace?: string;
  json?: boolean;
}

/** `splicebench forward`: one forwarder alone. */
export function addForward(root: Command): void {
  root
    .command('forward')
    .description(
      'run one forwarder alone: it accepts, connects to the upstream and forwards both ways',
    )
    .requiredOption('--mechanism <name>', builtinMechanisms().join(', '), mechanism)
    .requiredOption('--listen <host:port>', 'where to accept', hostPort)
    .requiredOption('--upstream <host:port>', 'where to connect for each connection', hostPort)
    .option('--once', 'end after the first connection')
    .option('--pipe <size>', 'pipe size, for mechanisms with a pipe, e.g. 64KiB', size)
    .option('--buffer <size>', 'buffer size, for mechanisms with a buffer, e.g. 64KiB', size)
    .option(
      '--set <key=value>',
      'an option of the mechanism as in a scenario, e.g. nonblock=false; repeatable',
      setting,
    )
    .option('--cpu <n>', 'run on this CPU', cpu)
    .option('--threads <n>', 'threads that share the port, each with descriptors of its own', count)
    .option('--trace <file>', 'write the last calls (flight recorder) as lines of JSON')
    .addOption(new Option('--json', 'print the final counters as JSON'))
    .action(forward);
}

function mechanism(name: string): string {
  const known = builtinMechanisms();
  if (known.includes(name)) return name;
  throw new InvalidArgumentError(`no mechanism '${name}'${suggestion(name, known)}`);
}

/** One `--set` added to those before; values are written as in a scenario. */
function setting(text: string, before: Record<string, unknown> = {}): Record<string, unknown> {
  const split = text.indexOf('=');
  if (split < 1) throw new InvalidArgumentError('expected KEY=VALUE, for example nonblock=false');
  const [key, value] = [text.slice(0, split), text.slice(split + 1)];
  try {
    const parsed: unknown = parseYaml(value, { logLevel: 'silent' });
    return { ...before, [key]: parsed };
  } catch {
    throw new InvalidArgumentError(`'${value}' is not a value that a scenario could have`);
  }
}

/** All options of the mechanism, checked by its entry in the registry. */
function settings({ mechanism, pipe, buffer, threads, set = {} }: Options) {
  const kind = builtinKind(mechanism);
  if (kind === null) throw new UsageError(`no mechanism '${mechanism}'`);
  const check = (given: Record<string, unknown>, option: string) => {
    const problems: Problem[] = [];
    const checked = checkOptions(given, [], kind, problems, []);
    const [problem] = problems;
    if (problem !== undefined) throw new UsageError(`${option}: ${problem.message}`);
    return checked;
  };
  const checked = check(set, '--set');
  const short = Object.entries({ pipe, buffer, threads }).flatMap(([name, value]) =>
    value === undefined ? [] : [check({ [name]: value }, `--${name}`)],
  );
  return settingsOf(kind, Object.assign(checked, ...short) as Record<string, unknown>);
}

async function forward(options: Options): Promise<void> {
  const trace = options.trace === undefined ? null : await openForWriting(options.trace);
  const forwarder = create(options);
  const started = process.hrtime.bigint();
  const signal = stopSignal();
  const ended = new Promise<string | null>((resolve) => {
    forwarder.start(resolve);
  });
  signal.addEventListener('abort', () => {
    void stopForwarder(forwarder, ended);
  });
  if (!options.json) {
    const { listen, upstream } = options;
    process.stderr.write(
      `${options.mechanism}: ${listen.host}:${forwarder.port} to ${upstream.host}:${upstream.port}\n`,
    );
  }
  const error = await ended;
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  if (trace) {
    const lines = forwarder.recorded().map((call) => `${JSON.stringify(call)}\n`);
    await trace.writeFile(lines.join(''));
    await trace.close();
  }
  if (error !== null) throw new CouldNotRunError(error);
  process.stdout.write(options.json ? json(forwarder, seconds) : text(forwarder, seconds));
  if (signal.aborted) process.exitCode = EXIT.interrupted;
  else if (forwarder.snapshot().connectFailures > 0) {
    const why = forwarder.snapshot().lastErrno ?? 'unknown error';
    const { host, port } = options.upstream;
    throw new CouldNotRunError(`upstream ${host}:${port} could not be reached: ${why}`);
  }
  // The first handlers stay for a second Ctrl-C; they must not keep the process alive.
  releaseSignals();
}

function create(options: Options): ThreadedForwarder {
  const { threads, settings: given } = settings(options);
  if (threads > 1 && options.once === true) {
    throw new UsageError('--once works with one thread only: leave out --threads');
  }
  const told = {
    mechanism: options.mechanism,
    listen: options.listen,
    upstream: options.upstream,
    once: options.once ?? false,
    settings: given,
    cpus: options.cpu === undefined ? [] : [options.cpu],
  };
  try {
    return forwarderOnThreads(told, threads);
  } catch (error) {
    throw new CouldNotRunError(wordsOf(error));
  }
}

/** The output path is proven before anything runs. */
async function openForWriting(path: string) {
  try {
    return await open(path, 'w');
  } catch (error) {
    throw new CouldNotRunError(`--trace: ${wordsOf(error)}`);
  }
}

/** Operations of an io_uring are counted like system calls and are none: "io_uring:recv". */
function isOperation(name: string): boolean {
  return name.includes(':');
}

function json(forwarder: ThreadedForwarder, seconds: number): string {
  const { accepted, downBytes, upBytes, cpuNs, resets, copyFallbacks, pipeCapacity, details } =
    forwarder.snapshot();
  const counts = Object.entries(forwarder.calls()).map(
    ([name, { calls, eagain, bytes }]) => [name, { calls, eagain, bytes }] as const,
  );
  const operations = counts.filter(([name]) => isOperation(name));
  const counters = {
    connections: accepted,
    bytes_upstream_to_downstream: downBytes,
    bytes_downstream_to_upstream: upBytes,
    seconds,
    cpu_seconds: cpuNs / 1e9,
    syscalls: Object.fromEntries(counts.filter(([name]) => !isOperation(name))),
    resets,
    copy_fallbacks: copyFallbacks,
    pipe_bytes: pipeCapacity,
    ...(operations.length > 0 ? { operations: Object.fromEntries(operations) } : {}),
    ...details,
  };
  return `${JSON.stringify(counters)}\n`;
}

function text(forwarder: ThreadedForwarder, seconds: number): string {
  const { accepted, downBytes, upBytes, cpuNs, syscalls } = forwarder.snapshot();
  const gb = (downBytes + upBytes) / 1e9;
  return (
    `${accepted} connections, ${gb.toFixed(3)} GB in ${seconds.toFixed(1)} s, ` +
    `${(cpuNs / 1e9).toFixed(3)} s CPU, ${syscalls} system calls\n`
  );
}
