/** The forwarder's own count of its system calls against strace's, for the same transfer. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { scratch } from '../support/folder.js';
import { freePort, untilListening } from '../support/ports.js';
import { splicebench, start } from '../support/process.js';
import { requireMechanism, requireTool } from '../support/require-tool.js';
import { sinkJson, startSource } from '../support/stream.js';

interface Count {
  calls: number;
  eagain: number;
  bytes: number;
}

/** Calls that move bytes: only their results are bytes. */
const DATA = ['splice', 'recvfrom', 'sendto'];
/** What every mechanism must have called, so that nothing is equal by being absent. */
const USED: Record<string, string[]> = {
  splice: ['splice', 'accept4', 'connect', 'shutdown', 'pipe2', 'epoll_wait'],
  copy: ['recvfrom', 'sendto', 'accept4', 'connect', 'shutdown', 'epoll_wait'],
  poc: ['splice', 'accept4', 'connect', 'pipe2', 'pselect6'],
  'uring-copy': ['io_uring_setup', 'io_uring_enter', 'accept4', 'connect', 'shutdown'],
  'uring-zerocopy': ['io_uring_setup', 'io_uring_enter', 'accept4', 'connect', 'shutdown'],
  'uring-splice': ['io_uring_setup', 'io_uring_enter', 'accept4', 'connect', 'shutdown', 'pipe2'],
};

/**
 * Counts one thread's calls in a log of `strace -f`. A call that another thread interrupted in the log
 * stands on two lines, "<unfinished ...>" and "<... resumed>"; only the second has the result.
 */
function countCalls(log: string, thread: string): Record<string, Count> {
  const counts: Record<string, Count> = {};
  for (const line of log.split('\n')) {
    const [, tid, resumed, begun] = /^(\d+) +(?:<\.\.\. (\w+) resumed>|(\w+)\()/.exec(line) ?? [];
    const name = resumed ?? begun;
    if (tid !== thread || name === undefined) continue;
    const count = (counts[name] ??= { calls: 0, eagain: 0, bytes: 0 });
    if (begun !== undefined) count.calls += 1;
    const [, result, error] = / = (-?\d+)(?: (E\w+))?/.exec(line) ?? [];
    if (error === 'EAGAIN') count.eagain += 1;
    else if (DATA.includes(name) && !line.includes('MSG_PEEK'))
      count.bytes += Math.max(0, Number(result ?? 0));
  }
  return counts;
}

const MEMORY: readonly string[] = ['mmap', 'munmap', 'madvise'];

describe('system calls counted by the forwarder and by strace', () => {
  const { path: strace, skip } = requireTool('strace');

  for (const mechanism of Object.keys(USED)) {
    const { skip: lacking } = requireMechanism(mechanism);
    it(`are exactly the same for ${mechanism}`, { skip: skip || lacking }, async (t) => {
      const log = join(scratch(t), 'strace.log');
      const { port } = await startSource(t, '--bytes', '16MiB');
      const entry = await freePort();
      const forward = start(t, [
        ...[strace, '-f', '-qq', '-o', log],
        ...splicebench('forward', '--mechanism', mechanism, '--once', '--json'),
        ...['--listen', `127.0.0.1:${entry}`, '--upstream', `127.0.0.1:${port}`],
      ]);
      await untilListening(forward, entry);
      const { json } = await sinkJson(t, entry, '--bytes', '16MiB');
      assert.equal(json.outcome, 'intact');
      const { stdout, code } = await forward.ended;
      assert.equal(code, 0);
      const { syscalls: own } = JSON.parse(stdout) as { syscalls: Record<string, Count> };

      const text = readFileSync(log, 'utf8');
      const thread = /^(\d+) +accept4\(/m.exec(text)?.[1];
      assert.ok(thread, 'the thread of the loop is the one that accepts');
      const traced = countCalls(text, thread);
      for (const name of USED[mechanism] ?? []) assert.ok((own[name]?.calls ?? 0) > 0, name);
      for (const [name, count] of Object.entries(own)) {
        if (name === 'close') continue;
        if (MEMORY.includes(name)) {
          // The C library maps memory for its own heap from the same thread.
          assert.ok(count.calls <= (traced[name]?.calls ?? 0), name);
          continue;
        }
        assert.deepEqual(count, traced[name], name);
      }
      // With the loop itself one descriptor more is closed, when its counters are final. Files of
      // /proc that are read for the figures alone are opened and closed uncounted.
      const uncounted = (name: string) => (traced[name]?.calls ?? 0) - (own[name]?.calls ?? 0);
      const closes = uncounted('close') - uncounted('openat');
      assert.ok(closes === 0 || closes === 1, `${closes} closes not counted`);
      // No data call is missing from our list, and no other thread makes one.
      for (const name of [
        ...DATA,
        'sendmsg',
        'recvmsg',
        'readv',
        'writev',
        'sendfile',
        'vmsplice',
      ]) {
        assert.equal(traced[name]?.calls ?? 0, own[name]?.calls ?? 0, name);
      }
      for (const name of DATA) {
        const others: string[] =
          text.match(new RegExp(`^(?!${thread} )\\d+ +${name}\\(`, 'gm')) ?? [];
        assert.deepEqual(others, [], `${name} by another thread`);
      }
    });
  }

  it('a log with interrupted calls is read right', () => {
    const log = [
      '7 splice(5, NULL, 9, NULL, 65536, 0x3 <unfinished ...>',
      '8 splice(5, NULL, 9, NULL, 65536, 0x3) = 100',
      '7 <... splice resumed>)             = 1460',
      '7 splice(5, NULL, 9, NULL, 65536, 0x3) = -1 EAGAIN (Resource temporarily unavailable)',
    ].join('\n');
    assert.deepEqual(countCalls(log, '7'), { splice: { calls: 2, eagain: 1, bytes: 1460 } });
  });
});
