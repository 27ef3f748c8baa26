/**
 * Every forwarder that a scenario can name. Adding a built-in mechanism is a native file and an entry
 * here; adding a program is an entry with its command.
 */
import { z } from 'zod';
import { native } from '../native.js';
import { size, whole } from '../scenario/fields.js';
import { commandKind } from './command.js';
import { goKind } from './drivers/go.js';
import { haproxyKind } from './drivers/haproxy.js';
import { ncatKind } from './drivers/ncat.js';
import { nginxKind } from './drivers/nginx.js';
import { nodePipeKind } from './drivers/node-pipe.js';
import { socatKind } from './drivers/socat.js';
import { faultyKind } from './faulty.js';
import type { ForwarderKind } from './kind.js';

const anything = (): null => null;
const always = (): Promise<null> => Promise.resolve(null);

/** Pipes: from one page to what a kernel can be told to allow. */
const pipe = size({ min: 4096, max: 2 ** 31 - 1 }).optional();
const adaptive = size({ min: 4096, max: 8 * 2 ** 20 }).optional();
const path = z.string().min(1).optional();
const flag = z.boolean().optional();
const buffer = size({ min: 1, max: 2 ** 30 }).optional();
/** That share the port, each with connections and descriptors of its own. */
const threads = whole(1, 64).optional();

/** A mechanism of the native addon, which knows what it needs of the host. */
function builtin(mechanism: string): Pick<ForwarderKind, 'runner' | 'unavailable'> {
  return {
    runner: { kind: 'builtin', mechanism },
    unavailable: () => Promise.resolve(native().unavailable(mechanism)),
  };
}

const kinds: ForwarderKind[] = [
  {
    use: 'direct',
    summary: 'no forwarder: the ceiling that source and sink set',
    options: z.strictObject({}),
    runner: { kind: 'direct' },
    unavailable: always,
    refuses: anything,
  },
  {
    use: 'poc',
    summary: "the 2008 report's loop: select, one 64 KiB pipe, one connection, downloads only",
    options: z.strictObject({
      move: flag,
      nonblock: flag,
      'read-when-pipe-holds-data': flag,
      'two-chunks': z.enum(['force', 'prevent']).optional(),
    }),
    ...builtin('poc'),
    // The direction of http is that of the body: the request goes the other way.
    refuses: ({ kind, direction, connections }) =>
      direction !== 'download' || kind === 'http'
        ? 'poc forwards downloads only, as the 2008 program did'
        : connections > 1
          ? 'poc forwards one connection at a time, as the 2008 program did'
          : null,
  },
  {
    use: 'splice',
    summary: 'socket to pipe to socket: epoll, any number of connections, pooled pipes',
    options: z.strictObject({
      pipe,
      move: flag,
      nonblock: flag,
      more: flag,
      'read-when-pipe-holds-data': flag,
      chunk: buffer,
      beyond: flag,
      resize: pipe,
      threads,
    }),
    ...builtin('splice'),
    refuses: anything,
  },
  {
    use: 'copy',
    summary: 'recv and send through a buffer: epoll, any number of connections',
    options: z.strictObject({ buffer, threads }),
    ...builtin('copy'),
    refuses: anything,
  },
  {
    use: 'copy-adaptive',
    summary: 'copy with a buffer that grows and shrinks with what arrives',
    options: z.strictObject({ min: adaptive, max: adaptive, threads }),
    ...builtin('copy-adaptive'),
    refuses: anything,
  },
  {
    use: 'zerocopy',
    summary: 'recv and MSG_ZEROCOPY; zero_copy_share says how much of it the kernel did not copy',
    options: z.strictObject({ buffer, threshold: buffer, threads }),
    ...builtin('zerocopy'),
    refuses: anything,
  },
  {
    use: 'vmsplice',
    summary: 'recv, then vmsplice of fresh pages and splice',
    options: z.strictObject({
      pipe,
      region: size({ min: 4096, max: 2 ** 30 }).optional(),
      threads,
    }),
    ...builtin('vmsplice'),
    refuses: anything,
  },
  {
    use: 'splice-tee',
    summary: 'splice with a mirror of the stream through tee (mirror: PATH, default /dev/null)',
    options: z.strictObject({ pipe, mirror: path, threads }),
    ...builtin('splice-tee'),
    refuses: anything,
  },
  {
    use: 'file-source',
    summary: 'stores and forwards: copied into a file, sent by sendfile or splice (via)',
    options: z.strictObject({
      pipe,
      via: z.enum(['sendfile', 'splice']).optional(),
      dir: path,
      threads,
    }),
    ...builtin('file-source'),
    refuses: anything,
  },
  {
    use: 'file-sink',
    summary: 'stores and forwards: spliced into a file, sent by sendfile',
    options: z.strictObject({ pipe, dir: path, threads }),
    ...builtin('file-sink'),
    refuses: anything,
  },
  {
    use: 'uring-copy',
    summary: 'io_uring: multishot receive into shared buffers, ordered sends from them',
    options: z.strictObject({ buffer, threads }),
    ...builtin('uring-copy'),
    refuses: anything,
  },
  {
    use: 'uring-zerocopy',
    summary: 'io_uring: multishot receive, zero-copy sends; says what the kernel copied after all',
    options: z.strictObject({ buffer, threshold: buffer, threads }),
    ...builtin('uring-zerocopy'),
    refuses: anything,
  },
  {
    use: 'uring-splice',
    summary: 'io_uring: linked splices, socket to pipe to socket, by a thread of the kernel',
    // Its workers are threads of the process that belong to no loop: their CPU time would count for each.
    options: z.strictObject({ pipe }),
    ...builtin('uring-splice'),
    refuses: anything,
  },
  {
    use: 'sockmap',
    summary:
      'redirected in the kernel by a BPF program: unbounded, and loses what it holds at the end',
    lossy: 'what the kernel still holds when a side closes is dropped without an error',
    options: z.strictObject({ flags: z.enum(['egress', 'ingress']).optional(), threads }),
    ...builtin('sockmap'),
    refuses: anything,
  },
  {
    use: 'sockmap-paced',
    summary: 'sockmap with a bounded backlog, drained before the end',
    options: z.strictObject({
      backlog: size({ min: 4096, max: 2 ** 40 }).optional(),
      cut: z.boolean().optional(),
      threads,
    }),
    ...builtin('sockmap-paced'),
    refuses: anything,
  },
  nodePipeKind,
  haproxyKind,
  nginxKind,
  socatKind,
  ncatKind,
  goKind,
  commandKind,
  faultyKind,
];

/** The registry, by the word after `use`. */
export const forwarderKinds: ReadonlyMap<string, ForwarderKind> = new Map(
  kinds.map((kind) => [kind.use, kind]),
);

/** The entry of a built-in mechanism; null when there is none. */
export function builtinKind(mechanism: string): ForwarderKind | null {
  const found = kinds.find(
    ({ runner }) => runner.kind === 'builtin' && runner.mechanism === mechanism,
  );
  return found ?? null;
}

/** Built-in mechanisms by name, as `forward --mechanism` accepts them. */
export function builtinMechanisms(): string[] {
  return kinds.flatMap(({ runner, lab }) =>
    runner.kind === 'builtin' && lab === undefined ? [runner.mechanism] : [],
  );
}
