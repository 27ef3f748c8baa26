/** `use: haproxy`: HAProxy as a plain TCP proxy, copying or splicing, or as its user configures it. */
import { x } from 'tinyexec';
import { z } from 'zod';
import { size, whole } from '../../../base/units/fields.js';
import { PLAIN_COMMAND } from '../command.js';
import type { CommandSpec, ForwarderKind } from '../kind.js';
import { globalAndDefaults, modeOf } from './haproxy-config.js';
import { locate, programField, versionBy } from './driver-program.js';
import { refusesPrefix } from './proxy-protocol.js';
import { configField } from './user-config.js';

/** Sessions; each is two descriptors and, when it splices, up to two for its pipe. */
const SESSIONS = 20_000;

const options = z.strictObject({
  program: programField,
  /** The user's `global` and `defaults`; what is set below is set behind them. */
  config: configField,
  /** Which of the `option splice-*` are set; `both` = request and response. */
  splice: z.enum(['none', 'auto', 'request', 'response', 'both']).default('none'),
  /** The global `nosplice`, which overrides whatever asks for splicing. */
  nosplice: z.boolean().default(false),
  /** `tune.bufsize`, which limits a copy; HAProxy's own default is 16 KiB. */
  bufsize: size({ min: 1024, max: 2 ** 28 }).optional(),
  /** `tune.pipesize`; the kernel's default is 64 KiB. */
  pipesize: size({ min: 4096, max: 2 ** 31 - 1 }).optional(),
  /** False: `tune.disable-zero-copy-forwarding`, from 2.9; bytes then pass through HAProxy's own buffers. */
  'zero-copy': z.boolean().default(true),
  /** `send-proxy` or `send-proxy-v2` of the server. */
  'proxy-protocol': z.enum(['v1', 'v2']).optional(),
  /** `nbthread`; 1 unless a configuration is given, which has its own. */
  threads: whole(1, 64).optional(),
});
/** 2.9, as major * 100 + minor. */
const ZERO_COPY_SINCE = 209;

type Options = z.output<typeof options>;

export const haproxyKind: ForwarderKind = {
  use: 'haproxy',
  summary:
    'HAProxy in TCP mode: splice none, auto, request, response or both; its buffers, threads',
  options,
  runner: { kind: 'command', command: specOf },
  unavailable: async (given) => {
    const found = locate(given, 'haproxy');
    if ('reason' in found) return found.reason;
    const { splice, 'zero-copy': zeroCopy } = options.parse(given);
    const old = zeroCopy ? null : await withoutZeroCopy(found.path);
    if (old !== null) return old;
    if (
      splice === 'none' ||
      /\+LINUX_SPLICE|USE_LINUX_SPLICE=1/.test(await featuresOf(found.path))
    ) {
      return null;
    }
    return 'this haproxy was built without splice (USE_LINUX_SPLICE)';
  },
  refuses: (workload, given) => {
    const { config, 'proxy-protocol': version } = options.parse(given);
    const prefix = refusesPrefix(workload, version);
    const { kind } = workload;
    if (prefix !== null || config === undefined || kind === 'http') return prefix;
    return modeOf(globalAndDefaults(config.text)) === 'http'
      ? `${config.path} says 'mode http', which carries nothing but HTTP (workload.kind: http)`
      : null;
  },
  countersOf,
  versionOf: versionBy('-v', /version (\d[\w.]*(?:-dev\d+)?)/),
};

/** Why zero-copy forwarding cannot be switched off in this HAProxy; null = it can. */
async function withoutZeroCopy(program: string): Promise<string | null> {
  const { stdout } = await x(program, ['-v'], { timeout: 5000 });
  const [, version = '?', major, minor] = /version ((\d+)\.(\d+)\S*)/.exec(stdout) ?? [];
  if (Number(major) * 100 + Number(minor) >= ZERO_COPY_SINCE) return null;
  return `zero-copy forwarding came with HAProxy 2.9, and this one is ${version}: there is nothing to switch off`;
}

async function featuresOf(program: string): Promise<string> {
  return (await x(program, ['-vv'], { timeout: 30_000 })).stdout;
}

const SPLICE_OPTIONS = {
  none: [],
  auto: ['option splice-auto'],
  request: ['option splice-request'],
  response: ['option splice-response'],
  both: ['option splice-request', 'option splice-response'],
} as const;

const SEND = { v1: ' send-proxy', v2: ' send-proxy-v2' } as const;

function specOf(given: Record<string, unknown>): CommandSpec {
  const parsed = options.parse(given);
  const { program = 'haproxy', config, splice, 'proxy-protocol': version } = parsed;
  const configuration = [
    'global',
    // Its own counters, for the end of the trial.
    '    stats socket {dir}/counters level user',
    ...(config === undefined ? ownSections(parsed) : userSections(parsed, config.text)),
    'listen forward',
    ...SPLICE_OPTIONS[splice].map((line) => `    ${line}`),
    '    bind {listen.host}:{listen.port}',
    `    server upstream {upstream.host}:{upstream.port}${version === undefined ? '' : SEND[version]}`,
    '',
  ];
  return {
    ...PLAIN_COMMAND,
    argv: [program, '-db', '-f', '{dir}/haproxy.cfg'],
    files: { 'haproxy.cfg': configuration.join('\n') },
    versionArgv: [program, '-v'],
    buildArgv: [program, '-vv'],
    trouble: String.raw`Server \S+ is DOWN|no server available|missing timeouts|ignor(?:ed|ing)`,
    counters: { socket: '{dir}/counters', ask: 'show info' },
  };
}

/** Of `show info`; the misspelling is HAProxy's. */
function countersOf(text: string): Record<string, number> {
  const all = /^TotalBytesOut: (\d+)$/m.exec(text)?.[1];
  const spliced = /^TotalSpli\w+BytesOut: (\d+)$/m.exec(text)?.[1];
  if (all === undefined || spliced === undefined) return {};
  return { bytes_by_its_counters: Number(all), spliced_by_its_counters: Number(spliced) };
}

/** The least configuration that does the work. */
function ownSections(parsed: Options): string[] {
  return [
    ...tuning({ ...parsed, threads: parsed.threads ?? 1 }),
    // As many sessions as the descriptor limit allows, up to this.
    '    no strict-limits',
    `    maxconn ${SESSIONS}`,
    'defaults',
    '    mode tcp',
    '    timeout connect 10s',
    '    timeout client 1h',
    '    timeout server 1h',
  ];
}

/** A second `global` overrides the first; some settings are refused behind any other section. */
function userSections(parsed: Options, text: string): string[] {
  const own = tuning(parsed);
  const theirs = globalAndDefaults(text);
  if (own.length === 0) return theirs;
  const at = theirs.findIndex((line) => /^\s*defaults\b/.test(line));
  return theirs.toSpliced(at === -1 ? theirs.length : at, 0, 'global', ...own);
}

function tuning(given: Options): string[] {
  const { threads, nosplice, bufsize, pipesize, 'zero-copy': zeroCopy } = given;
  return [
    ...(zeroCopy ? [] : ['    tune.disable-zero-copy-forwarding']),
    ...(threads === undefined ? [] : [`    nbthread ${threads}`]),
    ...(nosplice ? ['    nosplice'] : []),
    ...(bufsize === undefined ? [] : [`    tune.bufsize ${bufsize}`]),
    ...(pipesize === undefined ? [] : [`    tune.pipesize ${pipesize}`]),
  ];
}
