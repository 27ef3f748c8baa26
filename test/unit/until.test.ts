import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { poissonBoundAtAnyLook } from '../../src/data/integrity/bounds.js';
import { noConnections } from '../../src/data/integrity/connection-outcomes.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import { soak, until } from '../../src/experiment/scenario/adjust.js';
import { parseBound } from '../../src/experiment/verdict/bound.js';
import {
  evaluateThresholds,
  isBound,
  parseThreshold,
  type Threshold,
} from '../../src/experiment/verdict/thresholds.js';
import { secondsOfTrials } from '../../src/experiment/measure/elapsed.js';
import type { FakeBehaviour } from '../support/fake-executor.js';
import { goalState } from '../../src/experiment/trial/goal.js';
import { messageOf } from './scenario-fixtures.js';
import { eventsOf, MemoryStore, scenario, session } from './schedule-fixtures.js';

const EVENTS = poissonBoundAtAnyLook(0);

/** Each trial verifies 1 GB in 1 s. */
const honest: FakeBehaviour = () => ({ goodput: 8, record: { verified_bytes: 1e9 } });

function bounded(...texts: string[]) {
  return until(scenario, texts).scenario;
}

function runUntil(texts: string[], behaviour: FakeBehaviour = honest, most?: number) {
  const { cells, blocks } = until(scenario, texts, most).scenario;
  return {
    cells,
    blocks,
    run: (store?: MemoryStore) => session(behaviour, { cells, blocks, ...(store && { store }) }),
  };
}

describe('a bound, as it is written', () => {
  const labels = ['direct', 'splice', 'my.proxy'];
  const cases: [string, string | null, string, number, number, string][] = [
    ['corruption < 1/TB', null, 'byte', 1, 1e12, 'TB'],
    ['corruption<5 / GB', null, 'byte', 5, 1e9, 'GB'],
    ['splice.corruption < 0.5/MB', 'splice', 'byte', 0.5, 1e6, 'MB'],
    ['my.proxy.corruption < 2/TB', 'my.proxy', 'byte', 2, 1e12, 'TB'],
    ['corruption < 1/1000 connections', null, 'connection', 1, 1000, '1,000 connections'],
    ['corruption < 3/1,000,000 transfers', null, 'connection', 3, 1e6, '1,000,000 connections'],
    ['corruption < 0.1/connection', null, 'connection', 0.1, 1, 'connection'],
  ];
  for (const [text, forwarder, unit, limit, per, perText] of cases) {
    it(`'${text}'`, () => {
      assert.deepEqual(parseBound(text, labels), {
        quantity: { kind: 'bound', forwarder, unit, per, perText },
        limit,
      });
    });
  }

  for (const text of [
    'corruption < 0/TB',
    'corruption < 1',
    'corruption < 1/parsec',
    'corruption > 1/TB',
    'corruption < x/TB',
    'corruption < 1/0 connections',
  ]) {
    it(`'${text}' is refused, with an example`, () => {
      const parsed = parseBound(text, labels);
      assert.ok(typeof parsed === 'string' && parsed.includes("'corruption < 1/TB'"));
      assert.match(
        messageOf(() => bounded(text)),
        /^--until '.*': expected \[FORWARDER\.\]corruption </,
      );
    });
  }

  it('names the nearest forwarder, and what is no bound at all', () => {
    assert.match(
      messageOf(() => bounded('splcie.corruption < 1/TB')),
      /splice/,
    );
    assert.match(
      messageOf(() => bounded('incidents == 0')),
      /^--until 'incidents == 0': expected \[FORWARDER\.\]corruption </,
    );
  });
});

describe('run --until', () => {
  it('leaves conditions out that check nothing, and refuses a scenario without any other', () => {
    const { scenario: one, notes } = until(scenario, ['corruption < 1/TB']);
    assert.deepEqual(
      one.cells.map(({ workload }) => workload.check),
      ['full'],
    );
    assert.match(notes[0] ?? '', /1 of 2 conditions are left out/);
    const blind = { ...scenario, cells: scenario.cells.slice(0, 1) };
    assert.match(
      messageOf(() => until(blind, ['corruption < 1/TB'])),
      /no condition of scenario 's' checks the bytes/,
    );
  });

  it('runs exactly the blocks that the bound takes, for every forwarder', async () => {
    const { store, result } = await runUntil(['corruption < 100/TB']).run();
    // 3.49 events / (100 per TB) = 34.9 GB of each.
    const blocks = Math.ceil((EVENTS / 100) * 1000);
    assert.equal(store.trials.length, blocks * 3);
    assert.match(
      result.stopping['s/check=full'] ?? '',
      /^'corruption < 100\/TB' reached \(.*splice below 100 per TB.*\) after 35 blocks$/,
    );
  });

  it('says after the first block how long it will take, and is right', async () => {
    const { events } = await runUntil(['corruption < 100/TB']).run();
    const [first] = eventsOf(events, 'bound');
    assert.equal(first?.blocks_left, 34);
    assert.ok(Math.abs((first.seconds_left ?? 0) - 34 * 3) < 1e-6);
    assert.match(
      first.text,
      /is below 3,500 per TB, to be below 100: about 34 more blocks, 1 min 42 s$/,
    );
    assert.equal(eventsOf(events, 'bound').at(-1)?.reached, true);
  });

  it('waits for named forwarders only', async () => {
    const { store } = await runUntil(['splice.corruption < 1000/TB'], (trial) =>
      trial.forwarder.label === 'splice' ? honest(trial) : { record: { verified_bytes: 1 } },
    ).run();
    assert.equal(store.trials.length, 4 * 3);
  });

  it('bounds connections as well, and several things at once', async () => {
    const behaviour: FakeBehaviour = () => ({
      record: { verified_bytes: 1e9, transfer_fates: { ...noConnections(), intact: 500 } },
    });
    const texts = ['corruption < 1/1000 connections', 'corruption < 1/GB'];
    const { store } = await runUntil(texts, behaviour).run();
    assert.equal(store.trials.length, Math.ceil((EVENTS * 1000) / 500) * 3);
  });

  it('stops when what was found makes it impossible, and says so', async () => {
    const corrupt: FakeBehaviour = (trial) => ({
      record: {
        verified_bytes: 1e9,
        ...(trial.forwarder.label === 'splice' ? { incidents: 5, outcome: 'corrupt' } : {}),
      },
    });
    const { store, result } = await runUntil(['corruption < 100/TB'], corrupt).run();
    assert.equal(store.trials.length, 3);
    assert.match(
      result.stopping['s/check=full'] ?? '',
      /^'corruption < 100\/TB' cannot be reached: 5 incidents of splice mean more than 1,600 per TB at 95 %$/,
    );
  });

  it('stops when the blocks allowed would not do after an incident', async () => {
    const once: FakeBehaviour = (trial) => ({
      record: {
        verified_bytes: 1e9,
        ...(trial.block === 1 && trial.forwarder.label === 'copy'
          ? { incidents: 1, outcome: 'corrupt' }
          : {}),
      },
    });
    const { store, result } = await runUntil(['corruption < 100/TB'], once, 40).run();
    assert.equal(store.trials.length, 3);
    assert.match(
      result.stopping['s/check=full'] ?? '',
      /it needs 70 blocks, and at most 40 are run$/,
    );
    const enough = await runUntil(['corruption < 100/TB'], once, 75).run();
    assert.equal(enough.store.trials.length, 70 * 3);
  });

  it('stops at the most blocks without having reached it, having said so', async () => {
    const { store, result, events } = await runUntil(['corruption < 1/TB'], honest, 4).run();
    assert.equal(store.trials.length, 12);
    assert.match(eventsOf(events, 'bound')[0]?.text ?? '', /more than the 3 left/);
    assert.equal(
      result.stopping['s/check=full'],
      "maximum of 4 blocks reached; 'corruption < 1/TB' was not reached",
    );
  });

  it('does not wait for a forwarder that verifies nothing, and stops when none does', async () => {
    const broken: FakeBehaviour = (trial) =>
      trial.forwarder.label === 'copy'
        ? { record: { outcome: 'failed', verified_bytes: null } }
        : honest(trial);
    const one = await runUntil(['corruption < 1000/TB'], broken).run();
    assert.equal(one.store.trials.length, 12);
    const named = await runUntil(['copy.corruption < 1000/TB'], broken).run();
    assert.equal(named.store.trials.length, 3);
    assert.match(named.result.stopping['s/check=full'] ?? '', /^no byte of copy was compared/);
  });

  it('goes on after an interruption as if there had been none', async () => {
    const goal = runUntil(['corruption < 300/TB']);
    const whole = await goal.run();
    for (const cut of [1, 3, 4, 29, 30]) {
      const rest = await goal.run(new MemoryStore(whole.store.trials.slice(0, cut)));
      assert.deepEqual(rest.store.trials, whole.store.trials);
      assert.deepEqual(rest.result.stopping, whole.result.stopping);
    }
  });

  it('counts as a threshold of the run, with what looking again and again costs', async () => {
    const { store } = await runUntil(['corruption < 350/TB']).run();
    assert.equal(store.trials.length, 10 * 3);
    const judge = (bound: Threshold, trials: readonly TrialRecord[]) =>
      evaluateThresholds([bound], [], trials)[0];
    const untilOf = (text: string) => {
      const [bound] = until(scenario, [text]).scenario.blocks.until ?? [];
      assert.ok(bound);
      return bound;
    };
    assert.equal(judge(untilOf('corruption < 350/TB'), store.trials)?.verdict, 'met');
    const missed = judge(untilOf('corruption < 349/TB'), store.trials);
    assert.equal(missed?.verdict, 'not met');
    assert.match(missed.detail, /below 350 per TB at 95 %/);
    assert.equal(judge(untilOf('corruption < 1/TB'), [])?.verdict, 'unavailable');
    // The scenario's own is judged once.
    const once = parseThreshold('corruption < 300/TB', ['direct', 'splice', 'copy'], 'copy');
    assert.ok(typeof once !== 'string');
    assert.equal(judge(once, store.trials)?.verdict, 'met');
  });

  it('is not reached past a forwarder of which every byte is wrong, or nothing came', async () => {
    for (const [record, why] of [
      [{ verified_bytes: 0, corrupted_bytes: 1e9, incidents: 9, outcome: 'corrupt' }, /mean more/],
      [{ verified_bytes: 0, outcome: 'truncated' }, /none of whose bytes were compared/],
    ] as const) {
      const broken: FakeBehaviour = (trial) =>
        trial.forwarder.label === 'copy' ? { record } : honest(trial);
      const { store, result } = await runUntil(['corruption < 1000/TB'], broken).run();
      const stopped = result.stopping['s/check=full'] ?? '';
      assert.match(stopped, /cannot be reached: .* of copy/);
      assert.match(stopped, why);
      const bound = parseThreshold('corruption < 1/TB', ['direct', 'splice', 'copy'], 'copy');
      assert.ok(typeof bound !== 'string');
      const [judged] = evaluateThresholds([bound], [], store.trials);
      assert.equal(judged?.verdict, 'not met');
      assert.match(judged.detail, /copy/);
    }
  });

  it('takes a lost end of a stream for an incident', () => {
    const threshold = parseThreshold('corruption < 1/GB', ['a'], 'a');
    assert.ok(typeof threshold !== 'string' && isBound(threshold));
    const trial = { forwarder: 'a', check: 'full', connections: 1, verified_bytes: 1e9 };
    const lost = { ...trial, outcome: 'truncated', incidents: 0, incidents_by_class: {} };
    const state = goalState([threshold], [lost as unknown as TrialRecord], 1, 100);
    assert.match(state.worst, /after 1 incident,/);
  });
});

describe('run --hours', () => {
  it('repeats blocks until the time is over, whatever is known', async () => {
    const { blocks } = soak(scenario, 50).scenario;
    // A block takes 6 s.
    const { store, result } = await session(honest, { blocks });
    assert.equal(store.trials.length, 8 * 6);
    assert.equal(result.stopping['s/check=full'], 'soak of 50 s over after 8 blocks');
    const few = await session(honest, { blocks: soak(scenario, 50, 3).scenario.blocks });
    assert.equal(few.result.stopping['s/check=full'], 'maximum of 3 blocks reached');
  });

  it('takes what earlier sessions ran from its time', async () => {
    const { blocks } = soak(scenario, 50).scenario;
    const whole = await session(honest, { blocks });
    const at = (index: number) => new Date(index * 1000).toISOString();
    const stored = whole.store.trials.map((one, index) => ({ ...one, started: at(index) }));
    const rest = await session(honest, { blocks, store: new MemoryStore(stored.slice(0, 30)) });
    assert.equal(rest.store.trials.length, 8 * 6);
    const none = await session(honest, { blocks, store: new MemoryStore(stored) });
    assert.equal(none.executor.started.length, 0);
  });

  it('does not take the pause between two sessions for work', () => {
    const trial = (second: number) => ({
      started: new Date(second * 1e3).toISOString(),
      cell: 'c',
    });
    assert.equal(
      secondsOfTrials([trial(0), trial(3), trial(6), trial(90_000), trial(90_004)], () => 2),
      3 + 3 + 2 + 4 + 2,
    );
  });
});
