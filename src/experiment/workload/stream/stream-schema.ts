/** The keys of a stream, and what does not go together in one. */
import { z } from 'zod';
import { bitRate, duration, size } from '../../../base/units/fields.js';
import { figure } from '../../../base/units/quantity.js';
import { formatDuration, shown } from '../../../base/units/sizes.js';
import {
  type Content,
  type MessageRange,
  type Pause,
  payloadOf,
  type StreamWorkload,
} from '../../../data/record/plan.js';
import { PAGES, PAYLOADS, PREFIXES } from '../../../data/record/words.js';
import { LEAST_RATE, RATE, rateNumber } from '../common/fields.js';
import {
  exchangeFault,
  type OwnKeys,
  type Room,
  type WorkloadProblem,
  wrongValue,
} from '../common/room.js';

const content = z.unknown().transform((value, context): Content => {
  if (value === 'stamped' || value === 'zero') return { kind: value };
  const file = pathOf('file', value);
  if (file !== null) return { kind: 'file', path: file };
  const tree = pathOf('tree', value);
  if (tree !== null) return { kind: 'tree', path: tree };
  const message = `expected 'stamped', 'zero', {file: PATH} or {tree: FOLDER}, got ${shown(value)}`;
  context.addIssue({ code: 'custom', message, input: value });
  return z.NEVER;
});

/** The largest message. */
const MOST_MESSAGE = 2 ** 30;

const messageSize = size({ max: MOST_MESSAGE });
const messageBounds = z.strictObject({ min: messageSize, max: messageSize });

const message = z.unknown().transform((value, context): number | MessageRange => {
  const isRange = typeof value === 'object' && value !== null;
  const parsed = isRange ? messageBounds.safeParse(value) : messageSize.safeParse(value);
  const range = typeof parsed.data === 'object' ? parsed.data : null;
  if (parsed.success && (range === null || range.min <= range.max)) return parsed.data;
  const said = parsed.error?.issues[0]?.message ?? 'expected min to be at most max';
  const text = isRange ? `${said}, in {min: SIZE, max: SIZE}, got ${shown(value)}` : said;
  context.addIssue({ code: 'custom', message: text, input: value });
  return z.NEVER;
});

/** What TCP_MAXSEG takes, and socket buffers that make sense. */
const MSS = { min: 88, max: 32_767 };
const SOCKET_BUFFER = { min: 1024, max: 2 ** 30 };

/** Shorter than a tick of the kernel nothing is even; longer nothing pairs. Seconds. */
const SLICE = { min: 0.005, max: 10 };

/** Below these the path is not proven yet, and readers would do nothing but stand. */
const LEAST_PAUSE_AT = 1024;
const LEAST_PAUSE_EVERY = 4096;
const MOST_PAUSE = 60;

const pauseLength = duration({ max: MOST_PAUSE });
const midPause = z.strictObject({
  at: size({ min: LEAST_PAUSE_AT }),
  for: duration({ min: 0.001, max: MOST_PAUSE }),
  every: size({ min: LEAST_PAUSE_EVERY }).nullable().default(null),
});

const pause = z.unknown().transform((value, context): number | Pause => {
  const inMidStream = typeof value === 'object' && value !== null;
  const parsed = inMidStream ? midPause.safeParse(value) : pauseLength.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const key = issue?.path.length ? `${issue.path.join('.')}: ` : '';
  const said = `${key}${issue?.message ?? 'not valid'}`;
  const form = `${said}, in {at: SIZE, for: TIME, every: SIZE}, got ${shown(value)}`;
  context.addIssue({ code: 'custom', message: inMidStream ? form : said, input: value });
  return z.NEVER;
});

/** `--quick` cuts a fixed amount to this many bytes. */
const QUICK_BYTES = 64 * 2 ** 20;
/** Taken for the speed until a trial has shown it, in bytes per second. */
const ASSUMED_SPEED = 1e9;

export const STREAM = {
  fields: {
    /** Bytes per connection and direction, instead of `seconds`. */
    bytes: size().nullable(),
    /** How bytes that nobody compares are sent and received. */
    payload: z.enum(PAYLOADS),
    /** Of what kind the pages of `payload: prepared` are; null = as the kernel gives them. */
    pages: z.enum(PAGES).nullable(),
    /** Bytes per send; null leaves it to the source. */
    message: message.nullable(),
    content,
    /** Bits per second that the sink reads at most, in all; null = all that comes. */
    reader: bitRate({ min: LEAST_RATE }).nullable(),
    /** Seconds for which the sink reads nothing after the first bytes, or `{at, for, every}`. */
    pause: pause.nullable(),
    /** Bytes sent as soon as a connection is up. */
    early: size({ max: 2 ** 40 }).nullable(),
    /** Where in each stream one urgent byte is sent. */
    urgent: size({ min: 0 }).nullable(),
    /** What the forwarder sends to the upstream end before each stream. */
    prefix: z.enum(PREFIXES).nullable(),
    /** Of the sockets of source and sink. */
    mss: size(MSS).nullable(),
    rcvbuf: size(SOCKET_BUFFER).nullable(),
    sndbuf: size(SOCKET_BUFFER).nullable(),
    /** Seconds of a slice that count where forwarders take turns, and those before them. */
    measure: duration(SLICE).nullable(),
    settle: duration(SLICE).nullable(),
    /** Bits per second that the source offers in all; null = as many as it can. */
    rate: RATE,
  },
  defaults: {
    direction: 'download',
    bytes: null,
    payload: null,
    pages: null,
    message: null,
    rate: null,
    reader: null,
    pause: null,
    early: null,
    urgent: null,
    prefix: null,
    mss: null,
    rcvbuf: null,
    sndbuf: null,
    measure: null,
    settle: null,
    content: { kind: 'stamped' },
  } satisfies OwnKeys<'stream'>,
  rateFault(given) {
    const value = rateNumber(given);
    return value < LEAST_RATE
      ? `workload.rate: expected at least ${LEAST_RATE} bit/s, got ${value}`
      : null;
  },
  conflicts(workload, direction) {
    const fault = exchangeFault('stream', direction);
    if (fault !== null) return [fault];
    return [
      ...contents(workload),
      ...payloads(workload),
      ...pages(workload),
      ...pauses(workload),
      ...slices(workload),
    ];
  },
  quick: (workload) => ({
    ...workload,
    bytes: workload.bytes === null ? null : Math.min(workload.bytes, QUICK_BYTES),
  }),
  amountSeconds: ({ bytes, connections }) =>
    bytes === null ? null : (bytes * connections) / ASSUMED_SPEED,
  settle: (workload) => ({ ...workload, payload: payloadOf(workload) }),
  main: {
    metric: 'goodput',
    name: '',
    unit: 'Gbps',
    title: 'goodput, Gbps',
    heading: 'Goodput',
    format: figure,
  },
  verbs: { present: 'forwards', past: 'forwarded' },
  compared: (figures, { name }) => `${figures} as fast as ${name}`,
} satisfies Room<'stream'>;

function contents({ content, connections, check }: StreamWorkload): WorkloadProblem[] {
  if (check === 'none' || content.kind === 'stamped' || connections === 1) return [];
  const message =
    `workload.content: '${content.kind}' does not say which connection it belongs to, ` +
    `expected 'stamped', connections: 1 or check: none`;
  return [wrongValue('content', message)];
}

/** What is compared is made anew for every byte, and what a file has is not in a buffer. */
function payloads({ payload, check, content }: StreamWorkload): WorkloadProblem[] {
  if (payload === null) return [];
  if (check === 'full') {
    const message =
      `workload.payload: '${payload}' is for bytes that nobody compares, expected check: none ` +
      `(a matrix may vary both: check: full then has no payload)`;
    return [wrongValue('payload', message)];
  }
  if (payload === 'prepared' || !('path' in content)) return [];
  const message =
    `workload.payload: 'copied' sends from a buffer, expected content: stamped or zero, ` +
    `got '${content.kind}'`;
  return [wrongValue('payload', message)];
}

/** Only what is prepared once lies in pages of a chosen kind. */
function pages(workload: StreamWorkload): WorkloadProblem[] {
  const { pages, payload, check, content, message } = workload;
  if (pages === null) return [];
  const faults: [boolean, string][] = [
    [
      check === 'full',
      'is for bytes that nobody compares, expected check: none ' +
        '(a matrix may vary both: check: full then has no pages)',
    ],
    [
      payload === 'copied',
      "is for pages sent by reference, expected payload: prepared, got 'copied'",
    ],
    [
      'path' in content,
      `is for prepared pages, expected content: stamped or zero, got '${content.kind}'`,
    ],
    [message !== null, 'is for prepared pages, expected no message, which is sent from a buffer'],
  ];
  const [fault] = faults.filter(([is]) => is);
  if (fault === undefined) return [];
  return [wrongValue('pages', `workload.pages: '${pages}' ${fault[1]}`)];
}

/** Whoever sends cannot wait with the first bytes: one signal starts both. */
function pauses({ pause, direction, stall }: StreamWorkload): WorkloadProblem[] {
  if (pause === null) return [];
  if (direction === 'both' && typeof pause === 'number') {
    const message = `workload.pause: expected direction: download or upload, or {at, for}, got 'both'`;
    return [wrongValue('pause', message)];
  }
  const seconds = typeof pause === 'number' ? pause : pause.for;
  if (seconds < stall) return [];
  const message =
    `workload.pause: expected less than stall (${formatDuration(stall)}), ` +
    `got ${formatDuration(seconds)}`;
  return [wrongValue('pause', message)];
}

function slices({ mode, measure, settle }: StreamWorkload): WorkloadProblem[] {
  if (mode !== 'solo' || (measure === null && settle === null)) return [];
  const key = measure === null ? 'settle' : 'measure';
  const message = `workload.${key}: is for forwarders that take turns, expected mode: alternate, got 'solo'`;
  return [wrongValue(key, message)];
}

/** The path of `{file: PATH}` or `{tree: PATH}`, or null. */
function pathOf(key: 'file' | 'tree', value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null;
  const [[name, path] = [], ...others] = Object.entries(value) as [string, unknown][];
  const given = name === key && others.length === 0 && typeof path === 'string';
  return given && path !== '' ? path : null;
}
