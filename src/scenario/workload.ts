/**
 * The workload of a scenario file: every key of every kind in one flat mapping, so that a matrix can
 * vary each, and which keys a kind has. A kind is one entry of `OF_KIND`: its keys with their defaults.
 */
import { z } from 'zod';
import { bitRate, duration, share, size, whole } from './fields.js';
import type {
  AnyWorkload,
  Content,
  HttpWorkload,
  MessageRange,
  Pause,
  StreamWorkload,
  Workload,
} from './plan.js';
import { formatBitRate, formatDuration, shown } from './sizes.js';

type Kind = Workload['kind'];
/** The keys that only one kind has, or that not all have. */
type OwnKeys<K extends Kind> = Omit<Extract<Workload, { kind: K }>, keyof AnyWorkload | 'kind'>;

const COMMON: AnyWorkload = {
  connections: 1,
  seconds: 2,
  warmup: 0.5,
  check: 'full',
  stall: 5,
  decoys: null,
  unprivileged: false,
  memory: null,
};

const OF_KIND: { readonly [K in Kind]: OwnKeys<K> } = {
  stream: {
    direction: 'download',
    bytes: null,
    message: null,
    rate: null,
    reader: null,
    pause: null,
    early: null,
    urgent: null,
    mss: null,
    rcvbuf: null,
    sndbuf: null,
    content: { kind: 'stamped' },
  },
  exchange: { direction: 'exchange', request: 64, response: 64, rate: null, load: null },
  churn: { direction: 'download', body: 16_384, transfers: null },
  http: { direction: 'download', body: 16_384, pipelining: 1 },
};

/** A stream of which nothing was asked. */
export const PLAIN_STREAM: StreamWorkload = { kind: 'stream', ...COMMON, ...OF_KIND.stream };

/** The shortest warm-up that tells a capacity, seconds: half of it is measured. */
const LEAST_CAPACITY_WARMUP = 0.1;

/** The least bytes that prove a place in a stamped stream. */
const LEAST_CHECKED_BODY = 16;

/** Bits per second of a stream: at least a byte. */
const LEAST_RATE = 8;
const MOST_RATE = 1e12;
/** Requests per second that anybody could ask for. */
const MOST_REQUESTS = 10_000_000;

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

/** Bytes that one decoy may keep. */
const LEAST_DECOY = 2 ** 18;
const MOST_DECOY = 2 ** 30;

const decoys = z.strictObject({
  count: whole(1, 16).default(1),
  bytes: size({ min: LEAST_DECOY, max: MOST_DECOY }).default(2 ** 26),
  /** Bytes per second. */
  rate: size({ min: 0, max: 2 ** 33 }).default(2 ** 26),
});

/** What TCP_MAXSEG takes, and socket buffers that make sense. */
const MSS = { min: 88, max: 32_767 };
const SOCKET_BUFFER = { min: 1024, max: 2 ** 30 };

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

/** A rate as written: what a number counts depends on the kind, a unit says bits. */
type GivenRate = number | { bitsPerSecond: number };

const givenRate = z.unknown().transform((value, context): GivenRate => {
  if (typeof value === 'number' && value > 0 && value <= MOST_RATE) return value;
  const bits = bitRate({ min: LEAST_RATE, max: MOST_RATE }).safeParse(value);
  if (bits.success && typeof value === 'string') return { bitsPerSecond: bits.data };
  const said = bits.error?.issues[0]?.message;
  const message = said ?? `expected a rate above 0, got ${shown(value)}`;
  context.addIssue({ code: 'custom', message, input: value });
  return z.NEVER;
});

/** As written: nothing is filled in, for what is absent depends on the kind. */
export const workloadSchema = z.strictObject({
  kind: z.enum(['stream', 'exchange', 'churn', 'http']).optional(),
  direction: z.enum(['download', 'upload', 'both', 'exchange']).optional(),
  /** Open at the same time. */
  connections: whole(1, 1_000_000).optional(),
  /** Seconds. */
  seconds: duration({ min: 0.05, max: 86_400 }).optional(),
  /** Seconds. */
  warmup: duration({ max: 3600 }).optional(),
  check: z.enum(['full', 'none']).optional(),
  /** Seconds. */
  stall: duration({ min: 0.1, max: 3600 }).optional(),
  decoys: decoys.nullable().optional(),
  unprivileged: z.boolean().optional(),
  memory: size({ min: 65_536 }).nullable().optional(),

  /** stream: bytes per connection and direction, instead of `seconds`. */
  bytes: size().nullable().optional(),
  /** stream: bytes per send; null leaves it to the source. */
  message: message.nullable().optional(),
  content: content.optional(),
  /** stream: bits per second that the sink reads at most, in all; null = all that comes. */
  reader: bitRate({ min: LEAST_RATE }).nullable().optional(),
  /** stream: seconds for which the sink reads nothing after the first bytes, or `{at, for, every}`. */
  pause: pause.nullable().optional(),
  /** stream: bytes sent as soon as a connection is up. */
  early: size({ max: 2 ** 40 })
    .nullable()
    .optional(),
  /** stream: where in each stream one urgent byte is sent. */
  urgent: size({ min: 0 }).nullable().optional(),
  /** stream: of the sockets of source and sink. */
  mss: size(MSS).nullable().optional(),
  rcvbuf: size(SOCKET_BUFFER).nullable().optional(),
  sndbuf: size(SOCKET_BUFFER).nullable().optional(),

  /** exchange: bytes of each request and each response. */
  request: size({ max: 2 ** 30 }).optional(),
  response: size({ max: 2 ** 30 }).optional(),
  /**
   * stream: bits per second that the source offers in all; null = as many as it can.
   * exchange: requests per second in all; null = each follows the response before it.
   */
  rate: givenRate.nullable().optional(),
  /** exchange: the rate as a share of the capacity that the warm-up finds. */
  load: share({ min: 0.01, max: 2 }).nullable().optional(),

  /** churn: bytes of each connection and direction; http: bytes of each response's body. */
  body: size({ max: 2 ** 40 }).optional(),
  /** churn: connections in all, instead of `seconds`. */
  transfers: whole(1, 1_000_000_000).nullable().optional(),

  /** http: requests under way per connection. */
  pipelining: whole(1, 1000).optional(),
});

/** A workload as the file has it, one value of the matrix laid over it. */
export type GivenWorkload = z.output<typeof workloadSchema>;

/** A key that a workload cannot have as it is. */
export interface WorkloadProblem {
  key: keyof GivenWorkload;
  message: string;
  /** True when the key itself is wrong, not its value. */
  wrongKey: boolean;
}

/** Fills in what is absent, and says which keys do not belong to the kind or to each other. */
export function completeWorkload(given: GivenWorkload): {
  workload: Workload;
  problems: WorkloadProblem[];
} {
  const kind = kindOf(given);
  const valid: readonly string[] = ['kind', ...Object.keys(COMMON), ...Object.keys(OF_KIND[kind])];
  const entries = Object.entries(given) as [keyof GivenWorkload, unknown][];
  const problems = entries
    .filter(([key]) => !valid.includes(key))
    .map(([key]) => ({ key, message: foreignKey(key, kind), wrongKey: true }));
  const own = Object.fromEntries(entries.filter(([key]) => valid.includes(key)));
  // The schema has checked each value, and OF_KIND has every key of the kind.
  const rate = rateOf(given.rate, kind);
  if (rate.problem !== null) problems.push(rate.problem);
  const ofRate = 'rate' in own ? { rate: rate.value } : {};
  const workload = { ...COMMON, ...OF_KIND[kind], ...own, ...ofRate, kind } as Workload;
  return { workload, problems: [...problems, ...conflicts(workload)] };
}

/** The rate in the unit of its kind. */
function rateOf(
  given: GivenRate | null | undefined,
  kind: Kind,
): { value: number | null; problem: WorkloadProblem | null } {
  const problem = (message: string): WorkloadProblem => ({ key: 'rate', message, wrongKey: false });
  if (given === null || given === undefined) return { value: null, problem: null };
  const value = typeof given === 'number' ? given : given.bitsPerSecond;
  if (kind === 'exchange' && (typeof given !== 'number' || value > MOST_REQUESTS)) {
    const message = `workload.rate: an exchange counts requests per second, expected a number up to ${MOST_REQUESTS}, got ${typeof given === 'number' ? value : formatBitRate(value)}`;
    return { value, problem: problem(message) };
  }
  if (kind === 'stream' && value < LEAST_RATE) {
    const message = `workload.rate: expected at least ${LEAST_RATE} bit/s, got ${value}`;
    return { value, problem: problem(message) };
  }
  return { value, problem: null };
}

/** `direction: exchange` of the contract says the kind by itself. */
function kindOf({ kind, direction }: GivenWorkload): Kind {
  return kind ?? (direction === 'exchange' ? 'exchange' : 'stream');
}

/** "workload.request belongs to kind: exchange, not to stream". */
function foreignKey(key: string, kind: Kind): string {
  const owners = (Object.keys(OF_KIND) as Kind[]).filter((each) => key in OF_KIND[each]);
  return `workload.${key} belongs to kind: ${owners.join(', ')}, not to ${kind}`;
}

/** Values that do not go together. */
function conflicts(workload: Workload): WorkloadProblem[] {
  // A word of another kind can stand there: the schema accepts the directions of all.
  const direction: string = workload.direction;
  if (workload.kind === 'http') return httpConflicts(workload, direction);
  if (workload.kind !== 'exchange') {
    if (direction !== 'exchange') return [...contents(workload), ...pauses(workload)];
    const message = `workload.direction: 'exchange' is a kind of its own, expected kind: exchange instead of ${workload.kind}`;
    return [{ key: 'direction', message, wrongKey: false }];
  }
  const problems: WorkloadProblem[] = [];
  if (direction !== 'exchange') {
    const message = `workload.direction: an exchange goes both ways, expected no direction, got '${direction}'`;
    problems.push({ key: 'direction', message, wrongKey: false });
  }
  const { rate, load, warmup } = workload;
  if (rate !== null && load !== null) {
    const message = 'workload.load: is a rate of its own, expected either rate or load';
    problems.push({ key: 'load', message, wrongKey: false });
  }
  if (load !== null && warmup < LEAST_CAPACITY_WARMUP) {
    const message =
      `workload.load: the warm-up measures the capacity, expected warmup of at least ` +
      `${formatDuration(LEAST_CAPACITY_WARMUP)}, got ${formatDuration(warmup)}`;
    problems.push({ key: 'load', message, wrongKey: false });
  }
  return problems;
}

/** Bodies are held in memory, sixteen different ones at both ends. */
const MOST_HTTP_BODY = 16 * 2 ** 20;

function httpConflicts({ body }: HttpWorkload, direction: string): WorkloadProblem[] {
  const problems: WorkloadProblem[] = [];
  if (direction !== 'download') {
    const message = `workload.direction: responses come down, expected 'download', got '${direction}'`;
    problems.push({ key: 'direction', message, wrongKey: false });
  }
  if (body > MOST_HTTP_BODY) {
    const message = `workload.body: expected at most 16MiB for kind: http, got ${body}`;
    problems.push({ key: 'body', message, wrongKey: false });
  }
  return problems;
}

function contents(workload: Workload): WorkloadProblem[] {
  if (workload.check === 'none') return [];
  if (workload.kind === 'churn' && workload.body < LEAST_CHECKED_BODY) {
    const message =
      `workload.body: fewer than ${LEAST_CHECKED_BODY} bytes do not say whose they are, ` +
      `expected more or check: none, got ${workload.body}`;
    return [{ key: 'body', message, wrongKey: false }];
  }
  if (workload.kind !== 'stream') return [];
  const { kind } = workload.content;
  if (kind === 'stamped' || workload.connections === 1) return [];
  const message =
    `workload.content: '${kind}' does not say which connection it belongs to, ` +
    `expected 'stamped', connections: 1 or check: none`;
  return [{ key: 'content', message, wrongKey: false }];
}

/** Whoever sends cannot wait with the first bytes: one signal starts both. */
function pauses(workload: Workload): WorkloadProblem[] {
  if (workload.kind !== 'stream' || workload.pause === null) return [];
  const { pause } = workload;
  if (workload.direction === 'both' && typeof pause === 'number') {
    const message = `workload.pause: expected direction: download or upload, or {at, for}, got 'both'`;
    return [{ key: 'pause', message, wrongKey: false }];
  }
  const seconds = typeof pause === 'number' ? pause : pause.for;
  if (seconds < workload.stall) return [];
  const message =
    `workload.pause: expected less than stall (${formatDuration(workload.stall)}), ` +
    `got ${formatDuration(seconds)}`;
  return [{ key: 'pause', message, wrongKey: false }];
}

/** The path of `{file: PATH}` or `{tree: PATH}`, or null. */
function pathOf(key: 'file' | 'tree', value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null;
  const [[name, path] = [], ...others] = Object.entries(value) as [string, unknown][];
  const given = name === key && others.length === 0 && typeof path === 'string';
  return given && path !== '' ? path : null;
}
