/**
 * Every forwarder that a scenario can name. Adding a built-in mechanism is a native file and an entry
 * here; adding a program is a file in drivers/ and an entry here.
 */
import { z } from 'zod';
import { native } from '../../data/native/native.js';
import { size, whole } from '../../base/units/fields.js';
import { commandKind } from './command.js';
import { goKind } from './drivers/go.js';
import { haproxyKind } from './drivers/haproxy.js';
import { ncatKind } from './drivers/ncat.js';
import { nginxKind } from './drivers/nginx.js';
import { nodePipeKind } from './drivers/node-pipe.js';
import { prefixOf } from './drivers/proxy-protocol.js';
import { socatKind } from './drivers/socat.js';
import { socketProxydKind } from './drivers/socket-proxyd.js';
import { sshKind } from './drivers/ssh.js';
import { faultyKind } from './faulty.js';
import type { ForwarderKind } from './kind.js';
import { TEMPORARY } from './places.js';
import { optionsOf } from './settings.js';

const nothing = (): null => null;
const always = (): Promise<null> => Promise.resolve(null);

const KIB = 2 ** 10;
const MIB = 2 ** 20;

/** Pipes: from one page to what a kernel can be told to allow. */
const pipe = size({ min: 4096, max: 2 ** 31 - 1 });
const adaptive = size({ min: 4096, max: 8 * MIB });
const path = z.string().min(1);
const buffer = size({ min: 1, max: 2 ** 30 });
/** Threads that share the port, each with connections and descriptors of its own. */
const threads = whole(1, 64).default(1);
const on = z.boolean().default(true);
const off = z.boolean().default(false);
/** Below some 10 KB accounting costs more than copying, as the kernel's documentation has it. */
const threshold = buffer.default(10 * KIB);

/** A mechanism of the native addon, which knows what it needs of the host. Each option has its default here. */
function builtin(
  use: string,
  shape: z.ZodRawShape,
): Pick<ForwarderKind, 'use' | 'options' | 'runner' | 'unavailable'> {
  const settings = z.strictObject(shape);
  return {
    use,
    options: optionsOf(settings),
    runner: { kind: 'builtin', mechanism: use, settings },
    unavailable: () => Promise.resolve(native().unavailable(use)),
  };
}

const kinds: ForwarderKind[] = [
  {
    use: 'direct',
    summary: 'no forwarder: the ceiling that source and sink set',
    options: z.strictObject({}),
    runner: { kind: 'direct' },
    unavailable: always,
    refuses: (workload) =>
      prefixOf(workload) === null
        ? null
        : 'without a forwarder nobody sends a PROXY header (workload.prefix)',
  },
  {
    ...builtin('poc', {
      move: on,
      nonblock: on,
      'read-when-pipe-holds-data': on,
      'two-chunks': z.enum(['as-it-comes', 'force', 'prevent']).default('as-it-comes'),
    }),
    summary: "the 2008 report's loop: select, one 64 KiB pipe, one connection, downloads only",
    // The direction of http is that of the body: the request goes the other way.
    refuses: ({ kind, direction, connections }) =>
      direction !== 'download' || kind === 'http'
        ? 'poc forwards downloads only, as the 2008 program did'
        : connections > 1
          ? 'poc forwards one connection at a time, as the 2008 program did'
          : null,
  },
  {
    ...builtin('splice', {
      pipe: pipe.default(MIB),
      move: on,
      nonblock: on,
      more: off,
      'read-when-pipe-holds-data': off,
      // No limit: a pipe's slots are one.
      chunk: buffer.default(2 ** 30),
      beyond: off,
      // 0: pipes keep their size.
      resize: pipe.default(0),
      threads,
    }),
    summary: 'socket to pipe to socket: epoll, any number of connections, pooled pipes',
    refuses: nothing,
  },
  {
    ...builtin('copy', { buffer: buffer.default(MIB), threads }),
    summary: 'recv and send through a buffer: epoll, any number of connections',
    refuses: nothing,
  },
  {
    ...builtin('copy-adaptive', {
      min: adaptive.default(4 * KIB),
      max: adaptive.default(MIB),
      threads,
    }),
    summary: 'copy with a buffer that grows and shrinks with what arrives',
    refuses: nothing,
  },
  {
    ...builtin('zerocopy', { buffer: buffer.default(256 * KIB), threshold, threads }),
    summary: 'recv and MSG_ZEROCOPY; zero_copy_share says how much of it the kernel did not copy',
    refuses: nothing,
  },
  {
    ...builtin('vmsplice', {
      pipe: pipe.default(MIB),
      region: size({ min: 4096, max: 2 ** 30 }).default(2 * MIB),
      threads,
    }),
    summary: 'recv, then vmsplice of fresh pages and splice',
    refuses: nothing,
  },
  {
    ...builtin('splice-tee', {
      pipe: pipe.default(MIB),
      mirror: path.default('/dev/null'),
      threads,
    }),
    summary: 'splice with a mirror of the stream through tee (mirror: PATH, default /dev/null)',
    refuses: nothing,
  },
  {
    ...builtin('file-source', {
      pipe: pipe.default(MIB),
      via: z.enum(['sendfile', 'splice']).default('sendfile'),
      dir: path.default(TEMPORARY),
      threads,
    }),
    summary: 'stores and forwards: copied into a file, sent by sendfile or splice (via)',
    refuses: nothing,
  },
  {
    ...builtin('file-sink', { pipe: pipe.default(MIB), dir: path.default(TEMPORARY), threads }),
    summary: 'stores and forwards: spliced into a file, sent by sendfile',
    refuses: nothing,
  },
  {
    ...builtin('uring-copy', { buffer: buffer.default(MIB), threads }),
    summary: 'io_uring: multishot receive into shared buffers, ordered sends from them',
    refuses: nothing,
  },
  {
    ...builtin('uring-zerocopy', { buffer: buffer.default(MIB), threshold, threads }),
    summary: 'io_uring: multishot receive, zero-copy sends; says what the kernel copied after all',
    refuses: nothing,
  },
  {
    // Its workers are threads of the process that belong to no loop: their CPU time would count for each.
    ...builtin('uring-splice', { pipe: pipe.default(MIB) }),
    summary: 'io_uring: linked splices, socket to pipe to socket, by a thread of the kernel',
    refuses: nothing,
  },
  {
    ...builtin('sockmap', { flags: z.enum(['egress', 'ingress']).default('egress'), threads }),
    summary:
      'redirected in the kernel by a BPF program: unbounded, and loses what it holds at the end',
    lossy: 'what the kernel still holds when a side closes is dropped without an error',
    refuses: nothing,
  },
  {
    ...builtin('sockmap-paced', {
      backlog: size({ min: 4096, max: 2 ** 40 }).default(4 * MIB),
      cut: on,
      threads,
    }),
    summary: 'sockmap with a bounded backlog, drained before the end',
    refuses: nothing,
  },
  nodePipeKind,
  haproxyKind,
  nginxKind,
  socatKind,
  socketProxydKind,
  sshKind,
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
  return kinds.flatMap(({ runner, damaging }) =>
    runner.kind === 'builtin' && damaging === undefined ? [runner.mechanism] : [],
  );
}
