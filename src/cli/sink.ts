import { type Command, Option } from 'commander';
import picocolors from 'picocolors';
import { type IncidentStyle, incidentText } from '../data/integrity/incident-text.js';
import { terminalStyle } from '../report/render/terminal.js';
import { judgeTrial } from '../data/integrity/outcome.js';
import type { Outcome } from '../data/record/words.js';
import type { EndpointResults } from '../data/native/native-surface.js';
import {
  assertReached,
  type CommonOptions,
  commonOptions,
  gbps,
  secondsOf,
  startEndpoint,
} from './endpoint-run.js';
import { EXIT, UsageError } from '../base/errors/errors.js';
import { count, hostPort, seed, size } from './options.js';
import { releaseSignals, stopSignal } from './stop-signal.js';

interface Options extends CommonOptions {
  check?: boolean;
  bytes?: number;
  discard?: boolean;
  output?: string;
  json?: boolean;
}

/** Incidents printed for people; --json has all that were stored. */
const SHOWN = 5;

/** `splicebench sink`: one sink alone, the report's `nc 127.1 4000 | od -Ax -tx1`. */
export function addSink(root: Command): void {
  root
    .command('sink')
    .description('run one sink alone: it checks every byte, discards them, or writes them out')
    .addOption(new Option('--connect <host:port>', 'where to connect').argParser(hostPort))
    .addOption(
      new Option('--listen <host:port>', 'where to accept instead')
        .argParser(hostPort)
        .conflicts('connect'),
    )
    .option('--check', 'compare every byte with what was sent (default)')
    .option('--seed <n>', 'seed of the stamped stream to expect', seed, '1')
    .addOption(new Option('--zero', 'expect zeros instead').conflicts('file'))
    .option('--file <path>', "expect the file's bytes instead")
    .option(
      '--bytes <size>',
      'bytes to expect per connection; without it, an early end cannot be detected',
      size,
    )
    .addOption(
      new Option('--discard', 'count and drop the bytes in the kernel').conflicts([
        'check',
        'output',
      ]),
    )
    .addOption(
      new Option('--output <target>', 'write the raw bytes to standard output: -')
        .choices(['-'])
        .conflicts('check'),
    )
    .option('--connections <n>', 'number of connections', count, 1)
    .option('--json', 'print the result as JSON')
    .action(sink);
}

async function sink(options: Options): Promise<void> {
  if (options.output !== undefined && options.json) {
    throw new UsageError('sink: --output - and --json would both write to standard output');
  }
  const checks = !options.discard && options.output === undefined;
  const { endpoint, ended } = startEndpoint({
    ...commonOptions('sink', options),
    receive: options.output !== undefined ? 'output' : checks ? 'check' : 'discard',
    receiveDirection: options.listen === undefined ? 'down' : 'up',
    output: 1,
  });
  if (options.listen !== undefined && !options.json) {
    process.stderr.write(`listening on ${options.listen.host}:${endpoint.port}\n`);
  }
  const signal = stopSignal();
  signal.addEventListener('abort', () => {
    endpoint.stopNow();
  });
  try {
    await ended;
  } finally {
    releaseSignals();
  }
  assertReached(endpoint, options.connect ?? options.listen ?? { host: '', port: 0 });
  const seconds = secondsOf(endpoint, 0);
  const { received } = endpoint.snapshot();
  const { bytes } = options;
  const expected =
    bytes === undefined
      ? null
      : Array.from({ length: options.connections }, (_, c): [number, number] => [c, bytes]);
  const results = endpoint.results(expected);
  const outcome = outcomeOf(results, checks, options, expected);
  process.exitCode = exitCode(outcome, signal.aborted);
  if (options.output !== undefined) return;
  const result = {
    bytes: received,
    seconds,
    goodput_gbps: gbps(received, seconds),
    outcome,
    verified_bytes: checks ? results.totals.verified : null,
    incidents: checks ? results.incidents : null,
    incidents_total: checks ? results.totals.incidents : null,
  };
  process.stdout.write(
    options.json
      ? `${JSON.stringify(result)}\n`
      : text(received, seconds, outcome, results, checks),
  );
}

function outcomeOf(
  results: EndpointResults,
  checks: boolean,
  { connections }: Options,
  expected: [number, number][] | null,
): Outcome {
  const { outcome } = judgeTrial({
    check: checks ? 'full' : 'none',
    connections,
    streams: [
      {
        direction: 'download',
        // Unknown amounts are taken to be what came: a short end cannot be told then.
        sent: expected ?? results.connections.map((c) => [c.connection, c.received]),
        sender: { connections: [], incidents: [], totals: results.totals },
        receiver: results,
        stalled: false,
      },
    ],
  });
  return outcome;
}

function exitCode(outcome: Outcome, aborted: boolean): number {
  if (outcome === 'corrupt' || outcome === 'truncated' || outcome === 'extra')
    return EXIT.violation;
  if (aborted) return EXIT.interrupted;
  return outcome === 'intact' || outcome === 'unchecked' ? EXIT.ok : EXIT.couldNotRun;
}

function text(
  received: number,
  seconds: number,
  outcome: Outcome,
  results: EndpointResults,
  checks: boolean,
): string {
  const rate = gbps(received, seconds);
  const head = `received ${received} bytes in ${seconds.toFixed(1)} s${rate === null ? '' : ` (${rate.toFixed(2)} Gbps)`}`;
  if (!checks) return `${head}, not checked: ${outcome}\n`;
  const { columns, color } = terminalStyle(process.stdout, process.env);
  const style: IncidentStyle = {
    bytesPerRow: columns >= 115 ? 16 : 8,
    rows: 8,
    mark: color ? picocolors.createColors(true).red : null,
  };
  const shown = results.incidents.slice(0, SHOWN).map((one) => `${incidentText(one, style)}\n`);
  const more = results.totals.incidents - shown.length;
  const rest = more > 0 ? `… and ${more} more incidents\n` : '';
  return `${head}, ${results.totals.verified} verified: ${outcome}\n${shown.join('')}${rest}`;
}
