import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FakeBehaviour } from '../support/fake-executor.js';
import { eventsOf, MemoryStore, scenario, session } from './schedule-fixtures.js';

const SPEEDS: Readonly<Record<string, number>> = { direct: 40, splice: 30, copy: 10 };

/** A machine whose speed halves and doubles between blocks, and not inside them. */
const drifting: FakeBehaviour = ({ forwarder, block }) => ({
  goodput: (SPEEDS[forwarder.label] ?? 0) * (block % 2 === 0 ? 1 : 2),
});

/** A machine whose ratios differ from block to block by 40 %. */
const noisy: FakeBehaviour = ({ forwarder, block }) => ({
  goodput:
    (SPEEDS[forwarder.label] ?? 0) * (forwarder.label === 'copy' || block % 2 === 0 ? 1 : 1.4),
});

/** Looks are after 6, 9 and 10 blocks: six trials alone cannot be as sure as one of three looks has to be. */
const FIRST = 9;

const ids = (trials: readonly { trial_id: string }[]) => trials.map(({ trial_id }) => trial_id);

describe('a run', () => {
  it('stops at the first look at which every ratio is decided and known, whatever the drift', async () => {
    const { result, store } = await session(drifting);
    assert.equal(store.trials.length, FIRST * 6);
    assert.equal(result.ran, FIRST * 6);
    assert.equal(result.interrupted, false);
    assert.deepEqual(result.stopping, {
      's/check=none':
        'target met after 9 blocks: every ratio to copy is decided and known within 3 %',
      's/check=full':
        'target met after 9 blocks: every ratio to copy is decided and known within 3 %',
    });
  });

  it('runs the least number of blocks even when everything is known before', async () => {
    const { store } = await session(drifting, { blocks: { ...scenario.blocks, min: 8 } });
    assert.equal(store.trials.length, 8 * 6);
  });

  it('goes on to the maximum when they are not, and says how well they are known', async () => {
    const { result, store } = await session(noisy);
    assert.equal(store.trials.length, 10 * 6);
    assert.match(
      result.stopping['s/check=full'] ?? '',
      /^maximum of 10 blocks reached; the widest interval is 33 % \((direct|splice), target 3 %\)$/,
    );
  });

  it('lets a cell that is known well enough drop out of later blocks', async () => {
    const { store, events, result } = await session((trial) =>
      trial.cell.workload.check === 'full' ? drifting(trial) : noisy(trial),
    );
    const count = (cell: string) => store.trials.filter((trial) => trial.cell === cell).length;
    assert.equal(count('s/check=full'), FIRST * 3);
    assert.equal(count('s/check=none'), 10 * 3);
    assert.match(result.stopping['s/check=full'] ?? '', /^target met/);
    assert.match(result.stopping['s/check=none'] ?? '', /^maximum/);
    assert.deepEqual(
      eventsOf(events, 'cell-stopped').map(({ cell, blocks }) => [cell, blocks]),
      [
        ['s/check=full', FIRST],
        ['s/check=none', 10],
      ],
    );
  });

  it('runs every forwarder once per cell and block, in an order that differs between blocks', async () => {
    const { store } = await session(noisy);
    const orders = new Set<string>();
    for (let block = 1; block <= 10; block++) {
      const own = store.trials.filter((trial) => trial.block === block);
      const pairs = new Set(own.map(({ cell, forwarder }) => `${cell} ${forwarder}`));
      assert.equal(pairs.size, 6);
      assert.deepEqual(
        own.map(({ position }) => position),
        [1, 2, 3, 4, 5, 6],
      );
      // Trials of a cell follow each other: its pairs are seconds apart, not a block.
      assert.equal(own[0]?.cell, own[1]?.cell);
      assert.equal(own[1]?.cell, own[2]?.cell);
      orders.add(own.map(({ cell, forwarder }) => `${cell} ${forwarder}`).join());
    }
    assert.ok(orders.size >= 8, `${orders.size} orders in 10 blocks`);
  });

  it('gives every trial an id and a seed of its own', async () => {
    const { executor } = await session(noisy);
    assert.equal(new Set(ids(executor.started)).size, 60);
    const seeds = new Set(executor.started.map(({ seed }) => seed));
    assert.equal(seeds.size, 60);
    for (const seed of seeds) assert.ok(/^\d+$/.test(seed) && BigInt(seed) < 2n ** 64n);
    assert.ok(ids(executor.started).includes('b03-s-check-full-splice'));
  });

  it('has another order with another seed', async () => {
    const one = await session(noisy, { seed: '1' });
    const again = await session(noisy, { seed: '1' });
    const two = await session(noisy, { seed: '2' });
    assert.deepEqual(ids(one.executor.started), ids(again.executor.started));
    assert.notDeepEqual(ids(one.executor.started), ids(two.executor.started));
  });

  it('goes on after failed trials, and does not wait for a forwarder that never gives a figure', async () => {
    const { result, store } = await session((trial) =>
      trial.forwarder.label === 'splice'
        ? { record: { outcome: 'failed', error: 'cannot start' } }
        : drifting(trial),
    );
    assert.equal(store.trials.length, FIRST * 6);
    assert.equal(
      result.stopping['s/check=full'],
      'target met after 9 blocks: every ratio to copy is decided and known within 3 %; ' +
        'without splice, which gave no figure',
    );
  });

  it('goes on while a ratio is known well and not decided', async () => {
    const equal: FakeBehaviour = ({ forwarder, block }) => ({
      goodput: forwarder.label === 'copy' ? 10 : 10 + (block % 2 === 0 ? 0.2 : -0.2),
    });
    const { store, result } = await session(equal, {
      blocks: { ...scenario.blocks, target: 0.05, equivalent: 0.01 },
    });
    assert.equal(store.trials.length, 10 * 6);
    assert.match(
      result.stopping['s/check=full'] ?? '',
      /the widest interval is 4 % .* target 5 %\); undecided: splice, direct$/,
    );
  });

  it('runs to the maximum when the baseline fails, since no ratio can be known', async () => {
    const { result, store } = await session((trial) =>
      trial.forwarder.label === 'copy' ? { record: { outcome: 'failed' } } : drifting(trial),
    );
    assert.equal(store.trials.length, 10 * 6);
    assert.equal(
      result.stopping['s/check=full'],
      'maximum of 10 blocks reached; no ratio has a 95 % interval',
    );
  });

  it('never takes a ratio of two blocks for known', async () => {
    const blocks = { min: 2, max: 2, target: 0.03, budget: null };
    const { result } = await session(drifting, { blocks });
    assert.equal(
      result.stopping['s/check=full'],
      '2 blocks, as planned; no ratio has a 95 % interval',
    );
  });
});

describe('a time budget', () => {
  const blocks = { ...scenario.blocks, budget: 50 };

  it('ends the run before a block that would not fit', async () => {
    // A block takes 6 s: 8 blocks fit into 50 s.
    const { result, store, clock } = await session(noisy, { blocks });
    assert.equal(store.trials.length, 8 * 6);
    assert.ok(clock.now() <= 50_000);
    assert.match(
      result.stopping['s/check=none'] ?? '',
      /^time budget of 50 s used after 8 blocks; the widest interval is /,
    );
  });

  it('judges by what trials really take', async () => {
    const { store, clock } = await session((trial) => ({ ...noisy(trial), takes: 2 }), { blocks });
    assert.equal(store.trials.length, 4 * 6);
    assert.ok(clock.now() <= 50_000);
  });

  it('always runs one block', async () => {
    const { store, result } = await session((trial) => ({ ...noisy(trial), takes: 20 }), {
      blocks,
    });
    assert.equal(store.trials.length, 6);
    assert.match(result.stopping['s/check=none'] ?? '', /used after 1 block;/);
    const tiny = await session(noisy, { blocks: { ...scenario.blocks, budget: 1 } });
    assert.equal(tiny.store.trials.length, 6);
  });

  it('or as many as are needed at least', async () => {
    const given = { blocks: { ...scenario.blocks, budget: 1 }, leastBlocks: 2 };
    const { store } = await session(noisy, given);
    assert.equal(store.trials.length, 12);
  });
});

describe('an interruption', () => {
  it('keeps what is finished, drops the trial under way and reports the rest as interrupted', async () => {
    const controller = new AbortController();
    const { store, executor, result, events } = await session(
      (trial) => {
        if (trial.block === 2 && trial.position === 4) controller.abort(new Error('SIGINT'));
        return noisy(trial);
      },
      { signal: controller.signal },
    );
    assert.equal(executor.started.length, 10);
    assert.equal(store.trials.length, 9);
    assert.equal(result.interrupted, true);
    assert.deepEqual(result.stopping, {
      's/check=none': 'interrupted after 1 block',
      's/check=full': 'interrupted after 1 block',
    });
    const end = eventsOf(events, 'run-end')[0];
    assert.equal(end?.interrupted, true);
    assert.equal(end.trials, 9);
  });

  it('before the start runs nothing', async () => {
    const { executor, result } = await session(noisy, { signal: AbortSignal.abort() });
    assert.equal(executor.started.length, 0);
    assert.equal(result.stopping['s/check=full'], 'interrupted after 0 blocks');
  });

  it('keeps a trial that ended well although the signal came', async () => {
    const controller = new AbortController();
    const store = new MemoryStore();
    const append = store.append.bind(store);
    store.append = (result) => {
      if (store.trials.length === 4) controller.abort();
      return append(result);
    };
    const { executor } = await session(noisy, { store, signal: controller.signal });
    assert.equal(store.trials.length, 5);
    assert.equal(executor.started.length, 5);
  });
});

describe('resuming', () => {
  it('runs exactly what is missing, in the order and with the seeds of an uninterrupted run', async () => {
    const whole = await session(noisy);
    for (const cut of [0, 1, 5, 6, 23, 59, 60]) {
      const store = new MemoryStore(whole.store.trials.slice(0, cut));
      const rest = await session(noisy, { store });
      assert.deepEqual(ids(rest.executor.started), ids(whole.executor.started).slice(cut));
      assert.deepEqual(
        rest.executor.started.map(({ seed }) => seed),
        whole.executor.started.slice(cut).map(({ seed }) => seed),
      );
      assert.deepEqual(store.trials, whole.store.trials);
      assert.deepEqual(rest.result.stopping, whole.result.stopping);
      assert.equal(eventsOf(rest.events, 'run-start')[0]?.trials_stored, cut);
    }
  });

  it('stops cells that had already been known well enough', async () => {
    const whole = await session((trial) =>
      trial.cell.workload.check === 'full' ? drifting(trial) : noisy(trial),
    );
    const store = new MemoryStore(whole.store.trials.slice(0, 56));
    const rest = await session(noisy, { store });
    assert.ok(rest.executor.started.every(({ cell }) => cell.workload.check === 'none'));
    assert.deepEqual(ids(store.trials), ids(whole.store.trials));
  });

  it('ignores stored trials of other scenarios', async () => {
    const other = (await session(drifting)).store.trials.map((trial) => ({
      ...trial,
      scenario: 'other',
      cell: trial.cell.replace('s/', 'other/'),
    }));
    const { executor, events } = await session(drifting, { store: new MemoryStore(other) });
    assert.equal(executor.started.length, FIRST * 6);
    assert.equal(eventsOf(events, 'run-start')[0]?.trials_stored, 0);
  });
});

describe('events', () => {
  it('tell the whole run in order, as plain data', async () => {
    const { events } = await session(drifting);
    assert.equal(events[0]?.event, 'run-start');
    assert.equal(events.at(-1)?.event, 'run-end');
    const starts = eventsOf(events, 'trial-start');
    const ends = eventsOf(events, 'trial-end');
    assert.deepEqual(
      starts.map(({ trial_id }) => trial_id),
      ends.map(({ record }) => record.trial_id),
    );
    assert.equal(eventsOf(events, 'block-end').length, FIRST);
    assert.deepEqual(JSON.parse(JSON.stringify(events)), events);
  });

  it('give an estimate that is right when trials are regular', async () => {
    const { events } = await session(noisy);
    const [start] = eventsOf(events, 'run-start');
    assert.deepEqual(
      [start?.trials_at_least, start?.trials_at_most, start?.eta.trials_left_at_most],
      [36, 60, 60],
    );
    for (const { eta } of eventsOf(events, 'trial-end')) {
      assert.ok(Math.abs(eta.elapsed_seconds + eta.remaining_seconds_at_most - 60) < 1e-6);
      assert.equal(eta.trials_done + eta.trials_left_at_most, 60);
    }
  });

  it('never promise more than the budget', async () => {
    const blocks = { ...scenario.blocks, budget: 50 };
    const { events } = await session(noisy, { blocks });
    for (const { eta } of eventsOf(events, 'trial-start')) {
      assert.ok(eta.elapsed_seconds + eta.remaining_seconds_at_most <= 50 + 1e-6);
    }
  });
});

describe('errors', () => {
  it('of the store end the run at once', async () => {
    const store = new MemoryStore();
    store.append = () => Promise.reject(new Error('disk full'));
    await assert.rejects(session(noisy, { store }), /disk full/);
    assert.equal(store.trials.length, 0);
  });

  it('of the executor are not taken for an interruption', async () => {
    const store = new MemoryStore();
    const bug: FakeBehaviour = (trial) => {
      if (trial.block === 2) throw new Error('a bug');
      return noisy(trial);
    };
    await assert.rejects(session(bug, { store }), /a bug/);
    assert.equal(store.trials.length, 6);
  });
});
