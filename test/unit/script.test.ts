import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ConversationRecord,
  type ScriptEndRecord,
  STEP_OUTCOMES,
} from '../../src/data/native/native-script.js';
import { judgeConversation } from '../../src/experiment/workload/script/judge-conversation.js';
import { loadCases, parseCase } from '../../src/tasks/conformance/case.js';

const HEAD = `name: mine
group: half-close
asks: what
sources: [here]
right: this
rests: RFC 9293
`;

function end(given: Partial<ScriptEndRecord>): ScriptEndRecord {
  const totals = { verified: 0, corrupted: 0, missing: 0, extra: 0, incidents: 0, byClass: {} };
  return {
    steps: [],
    sent: 0,
    received: 0,
    seen: 1,
    seenNs: 0,
    error: null,
    unreadAtClose: 0,
    cut: 0,
    beyondEnd: 0,
    totals,
    incidents: [],
    ...given,
  };
}

function seen(client: Partial<ScriptEndRecord>): ConversationRecord {
  const base = { number: 0, failure: null, connectNs: 0, beginNs: 0 };
  return { ...base, client: end(client), server: end({}) };
}

const STEP = { beginNs: 0, endNs: 0, bytes: 0, outcome: 0, error: null, queues: [] };

function planOf(expect: string) {
  const script = `script: { client: [read: end], server: [finish], expect: { client: ${expect} } }`;
  const { play } = parseCase(`${HEAD}${script}`, 'mine.yaml');
  assert.ok(play);
  return play.workload;
}

void test('every case of the package can be read', async () => {
  const cases = await loadCases([]);
  assert.ok(cases.length >= 25);
});

void test('a step that does not exist is named with file, line and what was meant', () => {
  const text = `${HEAD}script:\n  client:\n    - finnish\n  server: [read: end]\n`;
  assert.throws(() => parseCase(text, 'mine.yaml'), /mine\.yaml:\d+: .*finnish.*finish/);
});

void test('a wait for a step that nobody has is refused', () => {
  const text = `${HEAD}script:\n  client: [wait: { other: gone }]\n  server: [read: end]\n`;
  assert.throws(() => parseCase(text, 'mine.yaml'), /client, step 1: no step of the server/);
});

void test('a short stream in good order is a truncation under every expectation of an end', () => {
  for (const expect of ['everything', 'reset', 'reset-or-everything']) {
    const [first] = judgeConversation(planOf(expect), seen({ received: 10, cut: 5 }));
    assert.equal(first?.outcome, 'truncated', expect);
  }
});

void test('a reset is right only where it is expected', () => {
  const reset = seen({ seen: 2, error: 'ECONNRESET', cut: 5 });
  assert.equal(judgeConversation(planOf('everything'), reset)[0]?.outcome, 'reset');
  assert.deepEqual(judgeConversation(planOf('reset'), reset), []);
  assert.deepEqual(judgeConversation(planOf('reset-or-everything'), reset), []);
});

void test('an end in good order instead of a reset fails, and no end at all does', () => {
  assert.equal(judgeConversation(planOf('reset'), seen({}))[0]?.kind, 'end');
  assert.equal(judgeConversation(planOf('everything'), seen({ seen: 0 }))[0]?.outcome, 'stalled');
  assert.deepEqual(judgeConversation(planOf('everything'), seen({})), []);
});

void test('a reset that was passed on as an end in good order is told as that', () => {
  const short = seen({ received: 10, cut: 5 });
  assert.match(judgeConversation(planOf('reset'), short)[0]?.text ?? '', /reset was not passed on/);
  assert.doesNotMatch(judgeConversation(planOf('everything'), short)[0]?.text ?? '', /reset/);
});

void test('a forwarder that takes without end has no backpressure, and nothing else is told of it', () => {
  const step = { ...STEP, bytes: 1e9, outcome: STEP_OUTCOMES.indexOf('unbounded') };
  const found = judgeConversation(planOf('everything'), seen({ seen: 0, steps: [step] }));
  assert.deepEqual(
    found.map(({ kind }) => kind),
    ['backpressure'],
  );
});

void test('a case of chance is played a thousand times, a hundred thousand with --thorough', () => {
  const script =
    'script: { connections: 2, sizes: [1, 2], client: [send: size], server: [read: end] }';
  const usual = parseCase(`${HEAD}${script}`, 'mine.yaml').play;
  const chance = parseCase(`${HEAD}chance: the order\n${script}`, 'mine.yaml').play;
  assert.deepEqual([usual?.workload.repeat, usual?.thorough], [1, 1]);
  assert.deepEqual([chance?.workload.repeat, chance?.thorough], [250, 25_000]);
});

/** Line and step of each problem are what a person looks for. */
for (const [what, steps, expected] of [
  ['a word that takes nothing', '[finish: 3]', /mine\.yaml:8: .*client.*finish takes nothing/s],
  [
    'a key that a step has not',
    '[send: { byts: 3 }]',
    /mine\.yaml:8: .*client\[0\].*send: .*byts.*bytes/s,
  ],
  [
    'a size that is none',
    '[finish, read: soon]',
    /mine\.yaml:8: .*client\[1\].*read: bytes: .*size/s,
  ],
  ['two words in a step', '[{ send: 3, read: 3 }]', /mine\.yaml:8: .*client\[0\].*one word/s],
  [
    'a bound that is none',
    '[{ read: 3, within: never }]',
    /mine\.yaml:8: .*client\[0\].*within: /s,
  ],
  ['a name that is none', '[{ read: 3, as: Big }]', /mine\.yaml:8: .*client\[0\].*as: /s],
  [
    'two conditions',
    '[wait: { ended: true, held: 0 }]',
    /mine\.yaml:8: .*client\[0\].*one condition/s,
  ],
  ['a send of nothing', '[send: {}]', /mine\.yaml:8: .*client\[0\].*send: expected bytes/s],
  ['size without sizes', '[send: size]', /mine\.yaml:8: .*client, step 1: 'size'/s],
] as const) {
  void test(`${what} is refused with file, line and step`, () => {
    const text = `${HEAD}script:\n  client: ${steps}\n  server: [read: end]\n`;
    assert.throws(
      () => parseCase(text, 'mine.yaml'),
      (error: Error) => {
        assert.match(error.message, expected);
        return true;
      },
    );
  });
}

void test('an expectation of a step that nobody has is refused', () => {
  const text = `${HEAD}script:\n  client: [{ read: end, as: all }]\n  server: [finish]\n  expect: { within: [{ end: client, step: al, time: 1s }] }\n`;
  assert.throws(
    () => parseCase(text, 'mine.yaml'),
    /expect: no step of the client is called 'al'.*all/,
  );
});
