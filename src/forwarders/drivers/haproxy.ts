/** `use: haproxy`: HAProxy as a plain TCP proxy, copying or splicing. */
import { x } from 'tinyexec';
import { z } from 'zod';
import { findProgram } from '../../host/program.js';
import { size, whole } from '../../scenario/fields.js';
import { PLAIN_COMMAND } from '../command.js';
import type { CommandSpec, ForwarderKind } from '../kind.js';
import { notFound } from './program.js';

/** Sessions; each is two descriptors and, when it splices, up to two for its pipe. */
const SESSIONS = 20_000;

const options = z.strictObject({
  /** Which of the `option splice-*` are set; `both` = request and response. */
  splice: z.enum(['none', 'auto', 'request', 'response', 'both']).default('none'),
  /** The global `nosplice`, which overrides whatever asks for splicing. */
  nosplice: z.boolean().default(false),
  /** `tune.bufsize`, which limits a copy; HAProxy's own default is 16 KiB. */
  bufsize: size({ min: 1024, max: 2 ** 28 }).optional(),
  /** `tune.pipesize`; the kernel's default is 64 KiB. */
  pipesize: size({ min: 4096, max: 2 ** 31 - 1 }).optional(),
  /** `nbthread`. */
  threads: whole(1, 64).default(1),
});

export const haproxyKind: ForwarderKind = {
  use: 'haproxy',
  summary:
    'HAProxy in TCP mode: splice none, auto, request, response or both; its buffers, threads',
  options,
  runner: { kind: 'command', command: specOf },
  unavailable: async (given) => {
    const program = findProgram('haproxy');
    if (program === null) return notFound('haproxy', 'haproxy');
    const wantsSplice = options.parse(given).splice !== 'none';
    if (!wantsSplice || /\+LINUX_SPLICE|USE_LINUX_SPLICE=1/.test(await featuresOf(program))) {
      return null;
    }
    return 'this haproxy was built without splice (USE_LINUX_SPLICE)';
  },
  refuses: () => null,
};

async function featuresOf(program: string): Promise<string> {
  return (await x(program, ['-vv'], { timeout: 5000 })).stdout;
}

const SPLICE_OPTIONS = {
  none: [],
  auto: ['option splice-auto'],
  request: ['option splice-request'],
  response: ['option splice-response'],
  both: ['option splice-request', 'option splice-response'],
} as const;

function specOf(given: Record<string, unknown>): CommandSpec {
  const { splice, nosplice, bufsize, pipesize, threads } = options.parse(given);
  const configuration = [
    'global',
    `    nbthread ${threads}`,
    // As many sessions as the descriptor limit allows, up to this.
    '    no strict-limits',
    `    maxconn ${SESSIONS}`,
    ...(nosplice ? ['    nosplice'] : []),
    ...(bufsize === undefined ? [] : [`    tune.bufsize ${bufsize}`]),
    ...(pipesize === undefined ? [] : [`    tune.pipesize ${pipesize}`]),
    'defaults',
    '    mode tcp',
    '    timeout connect 10s',
    '    timeout client 1h',
    '    timeout server 1h',
    ...SPLICE_OPTIONS[splice].map((line) => `    ${line}`),
    'listen forward',
    '    bind {listen.host}:{listen.port}',
    '    server upstream {upstream.host}:{upstream.port}',
    '',
  ];
  return {
    ...PLAIN_COMMAND,
    argv: ['haproxy', '-db', '-f', '{dir}/haproxy.cfg'],
    files: { 'haproxy.cfg': configuration.join('\n') },
    versionArgv: ['haproxy', '-v'],
  };
}
