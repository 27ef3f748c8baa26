/** Golden text: what two failed cases are told like. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  ConversationRecord,
  ScriptEndRecord,
  ScriptStepRecord,
  SocketQueue,
} from '../../src/data/native/native-script.js';
import { judgeConversation } from '../../src/experiment/workload/script/judge-conversation.js';
import { lastCallLines, storyOf } from '../../src/experiment/workload/script/story.js';
import { parseCase } from '../../src/tasks/conformance/case.js';

const HEAD = `name: mine
group: half-close
asks: what
sources: [here]
right: this
rests: RFC 9293
`;
const BEGIN = 5_000_000_000;

function planOf(script: string) {
  const { play } = parseCase(`${HEAD}${script}`, 'mine.yaml');
  assert.ok(play);
  return play.workload;
}

function queue(given: Partial<SocketQueue> = {}): SocketQueue {
  return { state: 1, unread: 0, unacked: 0, taken: 0, given: 0, ...given };
}

/** From and to are milliseconds since the connection was begun. */
function step(from: number, to: number, given: Partial<ScriptStepRecord> = {}): ScriptStepRecord {
  const base = { bytes: 0, outcome: 0, error: null, queues: [] };
  return { beginNs: BEGIN + from * 1e6, endNs: BEGIN + to * 1e6, ...base, ...given };
}

function end(given: Partial<ScriptEndRecord>): ScriptEndRecord {
  const totals = { verified: 0, corrupted: 0, missing: 0, extra: 0, incidents: 0, byClass: {} };
  const counts = { sent: 0, received: 0, unreadAtClose: 0, cut: 0, beyondEnd: 0 };
  return { steps: [], seen: 1, seenNs: 0, error: null, totals, incidents: [], ...counts, ...given };
}

function told(script: string, client: ScriptEndRecord, server: ScriptEndRecord): string {
  const plan = planOf(script);
  const seen: ConversationRecord = {
    ...{ number: 0, failure: null, connectNs: 0, beginNs: BEGIN },
    ...{ client, server },
  };
  const reasons = judgeConversation(plan, seen).map(({ kind, text }) => `${kind}: ${text}`);
  return [...reasons, ...storyOf(plan, seen)].join('\n');
}

void test('a stream whose end was cut, with what the forwarder held', () => {
  const held = [
    queue({ unacked: 49_153 }),
    queue({ unread: 49_153, taken: 65_536 }),
    queue({ given: 49_152 }),
    queue({ unread: 49_152 }),
  ];
  const text = told(
    `script:
  client: [send: 64KiB, { send: { bytes: 48KiB, finish: true }, as: burst }, read: end]
  server: [wait: { other: burst }, read: end, finish]
`,
    end({
      steps: [
        step(0.2, 0.4, { bytes: 65_536 }),
        step(0.4, 0.6, { bytes: 49_152, queues: held }),
        step(0.6, 12, {}),
      ],
      sent: 114_688,
      seen: 2,
      error: 'ECONNRESET',
    }),
    end({
      steps: [
        step(0.1, 0.7, { queues: held }),
        step(0.7, 11.5, { bytes: 65_536, queues: [null, null, null, queue({ state: 8 })] }),
        step(11.5, 11.6),
      ],
      received: 65_536,
      cut: 49_152,
    }),
  );
  assert.equal(
    text,
    `bytes: server: the last 49152 of 114688 bytes never came, and the end was in good order
end: client: ECONNRESET instead of the end
0.1 to 0.7 ms  server 1: wait {other: burst}  [client: 49153 unacknowledged | forwarder⇠client: 49153 unread | server: 49152 unread | the forwarder holds 16384 for the server]
0.2 to 0.4 ms  client 1: send 64KiB: 65536 bytes  [nothing queued]
0.4 to 0.6 ms  client 2: send {bytes: 48KiB, finish: true}: 49152 bytes  [client: 49153 unacknowledged | forwarder⇠client: 49153 unread | server: 49152 unread | the forwarder holds 16384 for the server]
0.6 to 12.0 ms  client 3: read end  [nothing queued]
0.7 to 11.5 ms  server 2: read end: 65536 bytes  [nothing queued]
11.5 to 11.6 ms  server 3: finish  [nothing queued]
client: 0 of the 0 bytes sent came; it saw ECONNRESET
server: 65536 of the 114688 bytes sent came, the last 49152 did not come; it saw the end in good order`,
  );
});

void test('a reset that came as an end in good order, and a step of the other end that failed', () => {
  const text = told(
    `script:
  client: [pause: 100ms, read: { until: end, rate: 4MiB }]
  server: [send: 1MiB, { read: 1KiB, within: 2s }, reset]
  expect: { client: reset, server: intact }
`,
    end({
      steps: [step(0, 100), step(100, 128, { bytes: 114_688 })],
      received: 114_688,
      cut: 933_888,
      unreadAtClose: 12,
    }),
    end({
      steps: [step(0, 3, { bytes: 1_048_576 }), step(3, 2003, { outcome: 1 })],
      sent: 1_048_576,
      seen: 0,
    }),
  );
  assert.equal(
    text,
    `bytes: client: an end in good order, the last 933888 of 1048576 bytes missing: the reset was not passed on
stuck: server: step 2, read 1KiB: did not come about within 2s, after 0 bytes
0.0 to 100.0 ms  client 1: pause 100ms  [nothing queued]
0.0 to 3.0 ms  server 1: send 1MiB: 1048576 bytes  [nothing queued]
3.0 to 2003.0 ms  server 2: read 1KiB; timeout  [nothing queued]
100.0 to 128.0 ms  client 2: read {until: end, rate: 4MiB}: 114688 bytes  [nothing queued]
client: 114688 of the 1048576 bytes sent came, the last 933888 did not come; it saw the end in good order; closed with 12 bytes unread
server: 0 of the 0 bytes sent came; it saw no end`,
  );
});

void test('the forwarder’s last calls, by its own clock', () => {
  const calls = [
    {
      t: 0.0011,
      name: 'recv',
      asked: 65_536,
      got: 16_384,
      offset: 0,
      flow: 0,
      side: 'in' as const,
    },
    { t: 0.0012, name: 'splice', asked: 16_384, got: 0, offset: 0, flow: 0 },
  ];
  assert.deepEqual(lastCallLines(calls), [
    "the forwarder's last 2 calls, by its own clock:",
    '  1.1 ms  recv in  16384 of 65536',
    '  1.2 ms  splice  0 of 16384',
  ]);
  assert.deepEqual(lastCallLines([]), []);
});
