/** The parser of strace's lines, on lines recorded from strace 6.1 around real programs. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { packageRoot } from '../../src/base/process/package-root.js';
import type { RecordedCall } from '../../src/data/record/record.js';
import { StraceCalls } from '../../src/machine/role/strace-lines.js';

function parsed(lines: readonly string[], listen: number, upstream: number): RecordedCall[] {
  const calls = new StraceCalls({ listen: { port: listen }, upstream: { port: upstream } });
  for (const line of lines) calls.feed(line);
  return calls.calls();
}

function recorded(name: string, listen: number, upstream: number): RecordedCall[] {
  const path = join(packageRoot(), 'test', 'fixtures', 'strace', `${name}.txt`);
  return parsed(readFileSync(path, 'utf8').split('\n'), listen, upstream);
}

const moved = (calls: readonly RecordedCall[]) =>
  calls.reduce((sum, { got }) => sum + Math.max(0, got), 0);

describe('lines of strace', () => {
  it('of a program that copies: offsets go on in both sockets', () => {
    const calls = recorded('copy', 7392, 7391);
    assert.deepEqual(calls[0], {
      t: 2.607238,
      name: 'recvfrom',
      asked: 65_536,
      got: 65_536,
      flow: 0,
      offset: 0,
      side: 'in',
      port: 56_698,
    });
    for (const side of ['in', 'out'] as const) {
      const own = calls.filter((call) => call.side === side);
      assert.equal(moved(own), 2 ** 20);
      own.reduce((offset, call) => {
        assert.equal(call.offset, offset);
        return offset + Math.max(0, call.got);
      }, 0);
    }
    assert.ok(calls.every(({ flow, port }) => flow === 0 && port === 56_698));
  });

  it('of splice: taken from the socket, given to the other, both of one session', () => {
    const calls = recorded('splice', 7394, 7393);
    assert.deepEqual(
      calls
        .slice(0, 2)
        .map(({ name, side, asked, got, offset, port }) => [name, side, asked, got, offset, port]),
      [
        ['splice', 'in', 1_073_741_824, 128_000, 0, 60_408],
        ['splice', 'out', 128_000, 128_000, 0, 60_408],
      ],
    );
    // What was only peeked at is no call, and the end of the upload is one of flow 1.
    assert.ok(calls.every(({ name }) => name === 'splice'));
    assert.deepEqual(calls.at(-1), { ...calls.at(-1), flow: 1, got: 0, offset: 0 });
  });

  it('of threads: calls that others interrupted are put together', () => {
    const calls = recorded('threads', 7401, 7402);
    const out = calls.filter(({ side, flow }) => side === 'out' && flow === 0);
    for (const port of [51_916, 51_932]) {
      assert.equal(moved(out.filter((call) => call.port === port)), 12_000);
    }
    // Two connections, and nothing shows whose an upstream socket is.
    const taken = calls.filter(({ side, flow }) => side === 'in' && flow === 0);
    assert.equal(moved(taken), 24_000);
    assert.ok(taken.every(({ port }) => port === undefined));
  });

  const SOCKETS = ['5<TCP:[10.0.0.1:9->10.0.0.2:80]>', '6<TCP:[10.0.0.1:70->10.0.0.3:1234]>'];
  const [up = '', down = ''] = SOCKETS;
  const one = (text: string) => parsed([`7  1.5 ${text}`], 70, 80);

  const cases: [string, Partial<RecordedCall>][] = [
    [
      `splice(${up}, NULL, 8<pipe:[1]>, NULL, 4096, SPLICE_F_NONBLOCK) = -1 EAGAIN (Resource temporarily unavailable)`,
      { got: -11, side: 'in', offset: 0, asked: 4096 },
    ],
    [`sendfile(${down}, ${up}, NULL, 999) = 5`, { got: 5, side: 'in', asked: 999 }],
    [
      `writev(${down}, [{iov_base=""..., iov_len=10}, {iov_base=""..., iov_len=20}], 2) = 30`,
      { name: 'writev', asked: 30, got: 30, side: 'out', flow: 0 },
    ],
    [
      `recvmsg(${down}, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=""..., iov_len=64}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, 0) = 7`,
      { asked: 64, got: 7, side: 'in', flow: 1, port: 1234 },
    ],
    [
      `read(9<TCPv6:[[::1]:70->[::1]:555]>, ""..., 64) = 64`,
      { side: 'in', flow: 1, port: 555, got: 64 },
    ],
  ];
  for (const [text, expected] of cases) {
    it(text.slice(0, 60), () => {
      const [call] = one(text);
      assert.ok(call);
      assert.deepEqual({ ...call, ...expected }, call);
    });
  }

  for (const text of [
    `read(3</etc/passwd>, ""..., 64) = 64`,
    `recvfrom(${up}, ""..., 64, MSG_PEEK, NULL, NULL) = 64`,
    `close(${up}) = 0`,
    `recvfrom(${up}, 0x1, 64, 0, NULL, NULL) = ? ERESTARTSYS (To be restarted)`,
    `sendto(4<TCP:[1.1.1.1:53->2.2.2.2:53]>, ""..., 64, 0, NULL, 0) = 64`,
    `+++ exited with 0 +++`,
    `<... recvfrom resumed>""..., 64, 0, NULL, NULL) = 64`,
    `complete nonsense`,
  ]) {
    it(`is no call that moved bytes of a session: ${text.slice(0, 50)}`, () => {
      assert.deepEqual(one(text), []);
    });
  }

  it('keeps the last calls, and once frozen those around that moment', () => {
    const calls = new StraceCalls({ listen: { port: 70 }, upstream: { port: 80 } });
    const feed = (count: number) => {
      for (let i = 0; i < count; i++) calls.feed(`7 1.0 read(${up}, ""..., 10) = 10`);
    };
    feed(50_000);
    const last = calls.calls();
    assert.ok(last.length <= 16_384);
    assert.equal(last.at(-1)?.offset, 499_990);
    calls.freeze();
    feed(50_000);
    const kept = calls.calls();
    assert.ok(kept.some(({ offset }) => offset === 499_990));
    assert.ok((kept.at(-1)?.offset ?? 0) < 600_000);
  });
});
