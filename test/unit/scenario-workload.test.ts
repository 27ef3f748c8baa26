import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { quick } from '../../src/experiment/scenario/adjust.js';
import { messageOf, MINIMAL, scenarioOf } from './scenario-fixtures.js';

function workloads(text: string) {
  return scenarioOf(`${MINIMAL}${text}\n`).cells.map(({ workload }) => workload);
}

const COMMON = {
  connections: 1,
  seconds: 2,
  warmup: 0.5,
  check: 'full',
  stall: 5,
  decoys: null,
  unprivileged: false,
  memory: null,
  mode: 'alternate',
};

describe('a workload', () => {
  it('has the keys of its kind, with their defaults', () => {
    const exchange = {
      kind: 'exchange',
      direction: 'exchange',
      request: 64,
      response: 64,
      rate: null,
      load: null,
    };
    const churn = { kind: 'churn', direction: 'download', body: 16_384, transfers: null };
    assert.deepEqual(workloads('workload: { kind: exchange }'), [{ ...COMMON, ...exchange }]);
    assert.deepEqual(workloads('workload: { kind: churn }'), [{ ...COMMON, ...churn }]);
  });

  it('is an exchange when its direction says so', () => {
    const [short] = workloads('workload: { direction: exchange, request: 1KiB }');
    assert.deepEqual(short, workloads('workload: { kind: exchange, request: 1KiB }')[0]);
    const matrix = 'matrix: { workload.direction: [download, exchange] }';
    assert.deepEqual(
      workloads(matrix).map(({ kind, direction }) => [kind, direction]),
      [
        ['stream', 'download'],
        ['exchange', 'exchange'],
      ],
    );
  });

  it('draws the sizes of messages, and names them in the key', () => {
    const scenario = scenarioOf(
      `${MINIMAL}matrix: { workload.message: [172, { min: 1, max: 4KiB }] }`,
    );
    assert.deepEqual(
      scenario.cells.map(({ key, workload }) => [
        key,
        workload.kind === 'stream' ? workload.message : null,
      ]),
      [
        ['small/message=172', 172],
        ['small/message=1-4KiB', { min: 1, max: 4096 }],
      ],
    );
  });

  it('has sockets as it says, and decoys with their defaults', () => {
    const text =
      'workload: { mss: 1460, rcvbuf: 4KiB, sndbuf: 8KiB, early: 64KiB, urgent: 100, pause: 300ms, decoys: { bytes: 1MiB } }';
    const [workload] = workloads(text);
    assert.deepEqual(workload, {
      ...workloads('')[0],
      mss: 1460,
      rcvbuf: 4096,
      sndbuf: 8192,
      early: 65_536,
      urgent: 100,
      pause: 0.3,
      decoys: { count: 1, bytes: 2 ** 20, rate: 2 ** 26 },
    });
  });

  it('has slices and settle times as it says, where forwarders take turns', () => {
    const [workload] = workloads('workload: { measure: 100ms, settle: 20ms }');
    assert.deepEqual(workload, { ...workloads('')[0], measure: 0.1, settle: 0.02 });
    for (const [key, value] of [
      ['measure', '100ms'],
      ['settle', '20ms'],
    ] as const) {
      const solo = `workload: { mode: solo, ${key}: ${value} }`;
      assert.throws(
        () => workloads(solo),
        new RegExp(`workload.${key}: .*expected mode: alternate`),
      );
    }
    assert.throws(
      () => workloads('workload: { measure: 1ms }'),
      /workload.measure: expected at least 0.005 s/,
    );
  });

  it('has a prefix where one is declared, each version a cell of its own', () => {
    const prefixes = (text: string) =>
      workloads(text).map((each) => each.kind === 'stream' && each.prefix);
    assert.deepEqual(prefixes('workload: { prefix: proxy-v2 }'), ['proxy-v2']);
    const matrix = 'matrix: { workload.prefix: [null, proxy-v1, proxy-v2] }';
    assert.deepEqual(prefixes(matrix), [null, 'proxy-v1', 'proxy-v2']);
  });

  it('has pauses at the start, and in mid-stream, once or again and again', () => {
    const pauseOf = (text: string) => {
      const [workload] = workloads(`workload: { pause: ${text} }`);
      return workload?.kind === 'stream' ? workload.pause : undefined;
    };
    assert.equal(pauseOf('300ms'), 0.3);
    assert.deepEqual(pauseOf('{ at: 1MiB, for: 300ms }'), { at: 2 ** 20, for: 0.3, every: null });
    assert.deepEqual(pauseOf('{ at: 1MiB, for: 300ms, every: 8MiB }'), {
      at: 2 ** 20,
      for: 0.3,
      every: 2 ** 23,
    });
    const both = workloads('workload: { direction: both, pause: { at: 1MiB, for: 1ms } }');
    assert.equal(both.length, 1);
  });

  for (const [text, message] of [
    ['{ message: { min: 5, max: 4 } }', /message: expected min to be at most max/],
    ['{ message: { min: 5 } }', /message: .*min: SIZE, max: SIZE/],
    ['{ mss: 50 }', /mss: expected at least 88 bytes/],
    ['{ pause: 300ms, direction: both }', /pause: expected direction: download or upload/],
    ['{ pause: 2s, stall: 1s }', /pause: expected less than stall/],
    ['{ pause: { at: 1MiB, for: 2s }, stall: 1s }', /pause: expected less than stall/],
    ['{ pause: { at: 1MiB } }', /pause: .*in \{at: SIZE, for: TIME, every: SIZE\}/],
    ['{ pause: { at: 10, for: 1ms } }', /pause: at: expected at least 1024 bytes/],
    ['{ pause: { at: 1MiB, for: 1ms, evry: 1 } }', /pause: .*evry/],
    ['{ decoys: { bytes: 1 } }', /decoys.bytes: expected at least 262144/],
    ['{ decoys: { number: 1 } }', /unknown key 'number'/],
    [
      '{ payload: copied }',
      /payload: 'copied' is for bytes that nobody compares, expected check: none/,
    ],
    ['{ payload: prepared }', /payload: 'prepared' is for bytes that nobody compares/],
    ['{ check: none, payload: real }', /payload: expected one of prepared, copied, got 'real'/],
    [
      '{ check: none, payload: copied, content: { file: x } }',
      /payload: 'copied' sends from a buffer, expected content: stamped or zero, got 'file'/,
    ],
    ['{ prefix: proxy-v3 }', /workload.prefix: got 'proxy-v3', did you mean 'proxy-v1'/],
    ['{ kind: churn, prefix: proxy-v1 }', /prefix belongs to kind: stream, script, not to churn/],
    ['{ kind: http, prefix: proxy-v2 }', /prefix belongs to kind: stream, script, not to http/],
    ['{ kind: churn, check: none, payload: copied }', /payload belongs to kind: stream/],
    ['{ content: { tree: x }, connections: 2 }', /'tree' does not say which connection/],
  ] as const) {
    it(`refuses ${text}`, () => {
      assert.match(
        messageOf(() => workloads(`workload: ${text}`)),
        message,
      );
    });
  }

  it('says how bytes that nobody compares travel, and nothing of those that are compared', () => {
    const payloads = (text: string) =>
      workloads(text).map((each) => each.kind === 'stream' && each.payload);
    assert.deepEqual(payloads(''), [null]);
    assert.deepEqual(payloads('workload: { check: none }'), ['prepared']);
    assert.deepEqual(payloads('workload: { check: none, payload: copied }'), ['copied']);
    const matrix = 'matrix: { workload.check: [none, full] }';
    assert.deepEqual(payloads(`workload: { payload: copied }\n${matrix}`), ['copied', null]);
  });

  it('takes the keys of its kind from a matrix', () => {
    const text = 'workload: { kind: exchange }\nmatrix: { workload.load: [null, 50%, 0.8] }';
    assert.deepEqual(
      workloads(text).map((each) => each.kind === 'exchange' && each.load),
      [null, 0.5, 0.8],
    );
    const keys = scenarioOf(`${MINIMAL}${text}\n`).cells.map(({ key }) => key);
    assert.deepEqual(keys, ['small/load=null', 'small/load=50%', 'small/load=0.8']);
  });

  it('counts bits in the rate of a stream, requests in that of an exchange', () => {
    const rates = (text: string) =>
      workloads(text).map((each) => ('rate' in each ? each.rate : null));
    const matrix = 'matrix: { workload.rate: [1Gbps, 500Mbps, 1000, null] }';
    assert.deepEqual(rates(matrix), [1e9, 5e8, 1000, null]);
    assert.deepEqual(rates('workload: { kind: exchange, rate: 1000 }'), [1000]);
    const [reader] = workloads('workload: { reader: 100Mbps }');
    assert.equal(reader?.kind === 'stream' && reader.reader, 1e8);
  });

  const bad: [string, string][] = [
    ['workload: { rate: 1 }', '3: workload.rate: expected at least 8 bit/s, got 1'],
    ['workload: { rate: 0 }', '3: workload.rate: expected at least 8 bit/s, got 0'],
    ['workload: { rate: 1GB }', '3: workload.rate: expected a bit rate such as 1Gbps or 500Mbps'],
    [
      'workload: { kind: exchange, rate: 1Gbps }',
      '3: workload.rate: an exchange counts requests per second, expected a number up to 10000000, got 1Gbps',
    ],
    ['workload: { kind: exchange, reader: 1Gbps }', '3: workload.reader belongs to kind: stream'],
    ['workload: { request: 64 }', '3: workload.request belongs to kind: exchange, not to stream'],
    ['workload:\n  kind: churn\n  rate: 5', '5: workload.rate belongs to kind: stream, exchange'],
    [
      'workload: { kind: exchange }\nmatrix: { workload.message: [64, 128] }',
      '4: workload.message belongs to kind: stream, not to exchange',
    ],
    [
      'workload: { kind: exchange, direction: both }',
      "3: workload.direction: an exchange goes both ways, expected no direction, got 'both'",
    ],
    [
      'workload: { kind: churn, direction: exchange }',
      "3: workload.direction: 'exchange' is a kind of its own, expected kind: exchange instead of",
    ],
    [
      'workload: { kind: exchange, rate: 100, load: 50% }',
      '3: workload.load: is a rate of its own, expected either rate or load',
    ],
    [
      'workload: { kind: exchange, load: 50%, warmup: 10ms }',
      '3: workload.load: the warm-up measures the capacity, expected warmup of at least 100ms, got',
    ],
    ['workload: { kind: exchange, rate: 0 }', '3: workload.rate: '],
    ['workload: { kind: exchange, load: 500% }', '3: workload.load: expected at most 2'],
    ['workload: { kind: churn, transfers: 0 }', '3: workload.transfers: expected at least 1'],
  ];
  for (const [text, expected] of bad) {
    it(`is refused: ${text.replaceAll('\n', ' ')}`, () => {
      const message = messageOf(() => workloads(text));
      assert.ok(message.startsWith(`my.yaml:${expected}`), message);
      assert.equal(message.split('\n').length, 1, message);
    });
  }

  it('is cut to what is quick', () => {
    const { cells } = quick(
      scenarioOf(`${MINIMAL}workload: { kind: churn, transfers: 50000 }\n`),
    ).scenario;
    const workload = cells[0]?.workload;
    assert.equal(workload?.kind === 'churn' && workload.transfers, 500);
    assert.equal(workload?.warmup, 0.1);
  });
});
