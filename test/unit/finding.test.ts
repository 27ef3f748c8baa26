/** The HAProxy finding: configurations, what led to a loss, counts and tables. Pure. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { comparable, haproxyArms, haproxyConfig } from '../../bench/findings/arms.js';
import {
  avoidedText,
  csvOf,
  isLost,
  markdownTable,
  rowsOf,
  type Run,
} from '../../bench/findings/outcome.js';
import { streamsIn } from '../../bench/findings/play.js';
import { lossesIn, lossLines } from '../../bench/findings/routes.js';
import { exactInterval } from '../../src/base/statistics/proportions.js';
import type { RingCall, RingCallName, RingEnd } from '../../src/machine/role/call-ring.js';

const IN = 1;
const OUT = 4;
const HUP = 16;
const RDHUP = 0x2000;
const ports = { listen: 80, middle: 81, server: 82 };

const client: RingEnd = { descriptor: 7, kind: 'tcp', localPort: 80, peer: 5000 };
const nothing: RingEnd = { descriptor: -1, kind: 'memory', localPort: 0, peer: 0 };

function call(name: RingCallName, more: Partial<RingCall>): RingCall {
  return {
    ...{ timeNs: 0, name, from: client, to: nothing, asked: 0, got: 0, offset: 0, flags: 0 },
    ...{ unread: null, thread: 1, pid: 1, ...more },
  };
}
const event = (flags: number) => call('event', { flags });
const close = (unread: number) => call('close', { unread, timeNs: 2e6 });

describe('what led to a loss', () => {
  it('A: OUT alone after RDHUP; B: OUT and HUP; anything else', () => {
    const route = (...events: number[]) => lossesIn([...events.map(event), close(9)])[0]?.route;
    assert.equal(route(IN | RDHUP, OUT), 'A');
    assert.equal(route(IN, OUT | HUP), 'B');
    assert.equal(route(IN | RDHUP), 'other');
    assert.equal(route(IN, OUT), 'other');
    assert.equal(route(), 'other');
  });

  it('a close without unread bytes is none, and events of others do not count', () => {
    assert.deepEqual(lossesIn([event(IN), close(0)]), []);
    const other = { ...client, peer: 5001 };
    const calls = [event(IN | RDHUP), call('event', { flags: OUT, from: other }), close(3)];
    assert.deepEqual(lossesIn(calls), [{ route: 'other', unread: 3, at: 2, descriptor: 7 }]);
  });

  it('is told with the calls before it, by name and time', () => {
    const calls = [
      event(IN | RDHUP),
      call('recv', { asked: 15_360, got: 15_360, timeNs: 1e6 }),
      close(33_792),
    ];
    const [loss] = lossesIn(calls);
    assert.ok(loss !== undefined);
    assert.deepEqual(lossLines(calls, loss, ports), [
      "    -2.000 ms  event client's socket: IN RDHUP",
      "    -1.000 ms  recv(client's socket, 15360) = 15360",
      "     0.000 ms  close(client's socket) with 33792 bytes unread   <- the loss",
    ]);
  });
});

describe('arms', () => {
  it('a setting is tried only where the version has it', () => {
    assert.deepEqual([comparable('2.6.12'), comparable('3.2.26-1')], [206, 302]);
    const names = (version: string) => haproxyArms({ path: 'x', version }).map(({ name }) => name);
    assert.ok(!names('2.6.12').some((name) => name.includes('mask-events')));
    assert.ok(names('3.2.26').some((name) => name.includes('mask-events')));
  });

  it('the plain one is the configuration of the page', () => {
    assert.equal(
      haproxyConfig(ports, {}).split('\n').slice(-4).join('\n'),
      'listen forward\n    bind 127.0.0.1:80\n    server s 127.0.0.1:82\n',
    );
    assert.match(haproxyConfig(ports, { tls: true }), /server s 127\.0\.0\.1:81 ssl verify none/);
  });
});

describe('outcome', () => {
  const run = (more: Partial<Run>): Run => ({
    ...{ program: 'haproxy 9', name: 'copying', play: 'deterministic', role: 'haproxy' },
    ...{ streams: [], routes: null, error: null, ...more },
  });
  const lost = { sent: 100, came: 60, end: 'in good order' };
  const whole = { sent: 100, came: 100, end: 'in good order' };
  const reset = { sent: 100, came: 10, end: 'Connection reset by peer' };

  it('lost is short and in good order; a reset is noticed', () => {
    assert.deepEqual([lost, whole, reset].map(isLost), [true, false, false]);
  });

  it('counts per arm, with its exact interval, ways and failures', () => {
    const [row, none] = rowsOf([
      run({ streams: [lost, reset], routes: ['A'] }),
      run({ streams: [whole, { ...lost, came: 50 }], routes: ['B', 'A'] }),
      run({ error: 'no room' }),
      run({ name: 'splicing', error: 'x|y' }),
    ]);
    assert.ok(row !== undefined && none !== undefined);
    assert.deepEqual([row.lost, row.streams, row.broken, row.failed], [2, 4, 1, 1]);
    assert.deepEqual(row.missing, { least: 40, most: 50 });
    assert.deepEqual(row.routes, { A: 2, B: 1, other: 0 });
    assert.deepEqual({ low: row.low, high: row.high }, exactInterval({ hit: 2, of: 4 }));
    const table = markdownTable([row, none], ['deterministic']).split('\n');
    assert.match(
      table[2] ?? '',
      /^\| haproxy 9 \| `copying` \| 2 of 4 \| 6\.8 % to 93\.2 % \| 40 to 50 \| 1 \| 2, 1, 0 \|$/,
    );
    assert.match(table[3] ?? '', /`splicing` \| not measured \| x\\\|y/);
    assert.equal(markdownTable([row], ['both-ways']).split('\n').length, 2);
  });

  it('what avoids it, and what does not, is said as the runs have it', () => {
    const avoided = { name: 'a', role: 'avoided' } as const;
    const rows = rowsOf([
      run({ ...avoided, streams: [whole, whole] }),
      run({ ...avoided, play: 'both-ways', streams: [lost, whole] }),
      run({ name: 'b', streams: [lost] }),
      run({ name: 'c', streams: [whole] }),
    ]);
    const { high } = exactInterval({ hit: 1, of: 4 });
    assert.deepEqual(avoidedText(rows).split('\n'), [
      `- \`a\` (haproxy 9): 1 of 4 streams lost, below ${(high * 100).toFixed(1)} %`,
      '',
      'Ends were lost with each of `b`.',
    ]);
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['b', 'c', 'a', 'a'],
    );
  });

  it('a line per run and outcome', () => {
    assert.deepEqual(
      csvOf([run({ streams: [lost, lost] }), run({ error: 'no "room"' })])
        .split('\n')
        .slice(1),
      [
        '1,"haproxy 9","copying",deterministic,2,100,60,"in good order",',
        '2,"haproxy 9","copying",deterministic,0,,,,"no ""room"""',
        '',
      ],
    );
  });

  it('reads what the ends print', () => {
    assert.deepEqual(streamsIn('5 4 in good order\n7 7 upload [Errno 104] reset\n'), [
      { sent: 5, came: 4, end: 'in good order' },
      { sent: 7, came: 7, end: '[Errno 104] reset' },
    ]);
    assert.throws(() => streamsIn('Traceback'), /the ends said 'Traceback'/);
  });
});

describe('the exact interval of a share', () => {
  it('as in the tables', () => {
    const near = (hit: number, of: number, low: number, high: number) => {
      const interval = exactInterval({ hit, of });
      assert.ok(Math.abs(interval.low - low) < 1e-4, `${interval.low}`);
      assert.ok(Math.abs(interval.high - high) < 1e-4, `${interval.high}`);
    };
    near(0, 20, 0, 0.1684);
    near(20, 20, 0.8316, 1);
    near(5, 20, 0.0866, 0.491);
    near(35, 60, 0.4488, 0.7093);
    assert.throws(() => exactInterval({ hit: 2, of: 1 }), RangeError);
  });
});
