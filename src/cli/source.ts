import { statSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { Outcome } from '../data/record/words.js';
import type { EndpointResults } from '../data/native/native-surface.js';
import {
  assertReached,
  type CommonOptions,
  commonOptions,
  gbps,
  startEndpoint,
} from './endpoint-run.js';
import { CouldNotRunError, EXIT } from '../base/errors/errors.js';
import { wordsOf } from '../base/errors/words.js';
import { count, duration, hostPort, seed, size } from './options.js';
import { releaseSignals, stopSignal } from './stop-signal.js';

interface Options extends CommonOptions {
  seconds?: number;
  bytes?: number;
  json?: boolean;
}

/** `splicebench source`: one source alone, the report's `nc -lp 4000 </dev/zero`. */
export function addSource(root: Command): void {
  root
    .command('source')
    .description('run one source alone: it sends a stamped stream, zeros or a file to every client')
    .addOption(
      new Option('--listen <host:port>', 'where to accept')
        .argParser(hostPort)
        .conflicts('connect'),
    )
    .addOption(new Option('--connect <host:port>', 'where to connect instead').argParser(hostPort))
    .option(
      '--seconds <time>',
      'stop sending after this time, e.g. 3s (default: until the other end closes)',
      duration,
    )
    .option('--bytes <size>', 'bytes to send per connection, e.g. 512MiB', size)
    .option('--seed <n>', 'seed of the stamped stream', seed, '1')
    .addOption(new Option('--zero', 'send zeros').conflicts('file'))
    .option('--file <path>', "send the file's bytes")
    .option('--connections <n>', 'number of connections to serve', count, 1)
    .option('--json', 'print the result as JSON')
    .action(source);
}

async function source(options: Options): Promise<void> {
  if (options.file !== undefined) assertFile(options.file);
  const { bytes } = options;
  const { endpoint, ended } = startEndpoint({
    ...commonOptions('source', options),
    send: options.file === undefined ? 'content' : 'file',
    sendDirection: options.listen === undefined ? 'up' : 'down',
    ...(bytes === undefined ? {} : { bytes }),
  });
  if (options.listen !== undefined && !options.json) {
    process.stderr.write(`listening on ${options.listen.host}:${endpoint.port}\n`);
  }
  const signal = stopSignal();
  signal.addEventListener('abort', () => {
    endpoint.stopNow();
  });
  // The time begins with the first connection, not with the wait for it: at the last look before it,
  // since a small amount may be sent between two looks.
  let startNs = endpoint.snapshot().timeNs;
  const watch = setInterval(() => {
    const { established, timeNs } = endpoint.snapshot();
    if (established === 0) startNs = timeNs;
    else if (options.seconds !== undefined && (timeNs - startNs) / 1e9 >= options.seconds)
      endpoint.stop();
  }, 10);
  try {
    await ended;
  } finally {
    clearInterval(watch);
    releaseSignals();
  }
  assertReached(endpoint, options.connect ?? options.listen ?? { host: '', port: 0 });
  const last = endpoint.snapshot();
  const seconds = (last.timeNs - startNs) / 1e9;
  const outcome = outcomeOf(endpoint.results(null), signal.aborted);
  const result = { bytes: last.sent, seconds, goodput_gbps: gbps(last.sent, seconds), outcome };
  process.stdout.write(
    options.json
      ? `${JSON.stringify(result)}\n`
      : `sent ${last.sent} bytes in ${seconds.toFixed(1)} s: ${outcome}\n`,
  );
  process.exitCode = signal.aborted
    ? EXIT.interrupted
    : outcome === 'intact'
      ? EXIT.ok
      : EXIT.couldNotRun;
}

/** `intact` here: everything was sent and the other end closed in order. */
function outcomeOf(results: EndpointResults, aborted: boolean): Outcome {
  if (aborted) return 'failed';
  return results.connections.every(({ orderly }) => orderly) ? 'intact' : 'reset';
}

function assertFile(path: string): void {
  try {
    if (!statSync(path).isFile()) throw new Error('not a regular file');
  } catch (error) {
    throw new CouldNotRunError(`--file ${path}: ${wordsOf(error)}`);
  }
}
