import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Progress, type ProgressStream } from '../../src/cli/progress.js';
import { fakeRecord } from '../support/fake-executor.js';
import { planBlock } from '../../src/experiment/trial/order.js';
import type { RunEvent } from '../../src/experiment/trial/schedule-events.js';
import { scenario } from './schedule-fixtures.js';

const CLEAR = '\r\u001b[K';
const eta = {
  elapsed_seconds: 1,
  remaining_seconds_at_most: 59.6,
  trials_done: 2,
  trials_left_at_most: 8,
};
const { cells, forwarders } = scenario;
const [trial] = planBlock({ run_id: 'run', seed: '1', cells, forwarders }, 1);
assert.ok(trial);

const starts: RunEvent = {
  event: 'trial-start',
  trial_id: trial.trial_id,
  block: 1,
  position: 1,
  cell: trial.cell.key,
  forwarder: trial.forwarder.label,
  eta,
};

function ends(change: Partial<ReturnType<typeof fakeRecord>> = {}): RunEvent {
  assert.ok(trial);
  return { event: 'trial-end', record: { ...fakeRecord(trial, 12.34), ...change }, eta };
}

function shown(stream: Partial<ProgressStream>, ...events: RunEvent[]): string {
  let text = '';
  const progress = new Progress({
    ...stream,
    write: (part: string) => {
      text += part;
    },
  });
  for (const event of events) progress.take(event);
  progress.clear();
  return text;
}

describe('Progress', () => {
  it('on a terminal: one line that fits, taken away at the end', () => {
    const text = shown({ isTTY: true, columns: 40 }, starts, ends());
    assert.ok(text.startsWith(CLEAR) && text.endsWith(CLEAR));
    const line = text.slice(CLEAR.length, -CLEAR.length);
    assert.equal(line.length, 39);
    assert.match(line, /^block 1 {2}trial 3 of at most 10 /);
    assert.ok(!text.includes('\n'));
  });

  it('elsewhere: a line per trial, no escape codes', () => {
    const text = shown({}, starts, ends());
    assert.match(text, /^\S+ {2}block 1 {2}\S+ {2}12\.3 Gbps {2}(intact|unchecked)\n$/);
    assert.ok(!text.includes('\u001b'));
  });

  it('says why a trial is not good, on a terminal too', () => {
    for (const isTTY of [true, false]) {
      const text = shown(
        { isTTY },
        starts,
        ends({ outcome: 'reset', error: 'download: ECONNRESET' }),
      );
      assert.match(text, /: reset: download: ECONNRESET\n/);
    }
    assert.match(shown({}, ends({ outcome: 'failed', error: null })), /: failed\n$/);
  });

  it('a trial without a figure shows none', () => {
    assert.ok(!shown({}, ends({ goodput_gbps: null })).includes('Gbps'));
  });

  it('says what was stored before, and why a cell stops', () => {
    const start: RunEvent = {
      event: 'run-start',
      run_id: 'run',
      scenario: 's',
      seed: '1',
      cells: [],
      forwarders: [],
      blocks: scenario.blocks,
      trials_at_least: 36,
      trials_at_most: 60,
      trials_stored: 7,
      eta,
    };
    assert.equal(shown({}, start), 's: 36 to 60 trials, 7 stored already, seed 1\n');
    assert.equal(
      shown({}, { ...start, trials_at_most: 36, trials_stored: 0 }),
      's: 36 trials, seed 1\n',
    );
    const stops: RunEvent = { event: 'cell-stopped', cell: 's', blocks: 6, reason: 'target met' };
    assert.equal(shown({ isTTY: true }, starts, stops).split(CLEAR).at(-1), 's: target met\n');
  });
});
