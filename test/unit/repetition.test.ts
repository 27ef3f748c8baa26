/** How many rounds a set has, by what earlier sets have shown. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../src/base/statistics/random.js';
import type { PlannedTrial } from '../../src/data/record/plan.js';
import type { SliceSeries, TrialRecord } from '../../src/data/record/record.js';
import type { TrialResult } from '../../src/data/record/trial-result.js';
import { FakeClock, FakeExecutor } from '../support/fake-executor.js';
import { chooseRounds } from '../../src/experiment/trial/repetition.js';
import { runSchedule } from '../../src/experiment/trial/schedule.js';
import { messageOf, scenarioOf } from './scenario-fixtures.js';
import { MemoryStore } from './schedule-fixtures.js';

const scenario = scenarioOf(`name: s
workload: { seconds: 840ms, warmup: 0 }
forwarders: [splice, copy]
blocks: { min: 6, max: 8, target: 3%, rounds: auto }
`);
const { cells, forwarders, blocks } = scenario;
const [cell] = cells;
assert.ok(cell);
const ARMS = { labels: ['splice', 'copy'], baseline: 'copy' };
const PLANNED = 20;

/** Sets of which the rounds, and the sets themselves, scatter by so much; each costs a second beside its rounds. */
class Scattering extends FakeExecutor {
  private readonly random = new Random('11', 'scatter');
  readonly rounds: number[] = [];

  constructor(
    private readonly round: number,
    private readonly set: number,
    clock: FakeClock,
  ) {
    super(() => ({ goodput: 10, takes: 0 }), clock);
    this.tick = clock;
  }

  private readonly tick: FakeClock;

  async runSet(trials: readonly PlannedTrial[], signal: AbortSignal): Promise<TrialResult[]> {
    const count = trials[0]?.choice?.rounds ?? PLANNED;
    this.rounds.push(count);
    const own = Math.exp(this.set * this.normal());
    const results: TrialResult[] = [];
    for (const trial of trials) {
      const { record, incidents } = await this.run(trial, signal);
      const factor = trial.forwarder.label === 'splice' ? own : 1;
      const bytes = Array.from(
        { length: count },
        () => 1e8 * factor * Math.exp((this.round / Math.SQRT2) * this.normal()),
      );
      const round = bytes.map((_, index) => index + 1);
      const slices: SliceSeries = {
        ...{ set: trials[0]?.trial_id ?? '', settle: 0.015, round, turn: round.map(() => 1) },
        ...{ seconds: round.map(() => 0.04), bytes, all_bytes: bytes, stolen: round.map(() => 0) },
        ...{ cpu_seconds: round.map(() => 0.01), took: count * 0.1, rounds_run: count },
      };
      const set = { id: slices.set, arms: trials.length };
      results.push({ record: { ...record, slices, set }, incidents });
    }
    this.tick.advance(1 + count * 0.1);
    return results;
  }

  private normal(): number {
    const { random } = this;
    return Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float());
  }
}

async function roundsOf(round: number, set: number, plan = blocks) {
  const clock = new FakeClock();
  const executor = new Scattering(round, set, clock);
  const store = new MemoryStore();
  const { signal } = new AbortController();
  const whole = { cells, forwarders, blocks: { ...plan, min: 6, max: 6 }, seed: '1', signal };
  await runSchedule({ ...whole, executor, store, clock });
  return { rounds: executor.rounds, trials: store.trials };
}

describe('the rounds of a set', () => {
  it('are as workload.seconds says unless the scenario leaves them to the run', async () => {
    const fixed = { min: blocks.min, max: blocks.max, target: blocks.target, budget: null };
    const { rounds } = await roundsOf(0.1, 0.02, fixed);
    assert.deepEqual(rounds, [PLANNED, PLANNED, PLANNED, PLANNED, PLANNED, PLANNED]);
  });

  it('are more where rounds scatter, fewer where sets do, within a factor of four', async () => {
    const noisy = (await roundsOf(0.3, 0.001)).rounds;
    assert.deepEqual(noisy, [PLANNED, 80, 80, 80, 80, 80]);
    const varied = (await roundsOf(0.005, 0.05)).rounds;
    assert.deepEqual(varied, [PLANNED, 5, 5, 5, 5, 5]);
  });

  it('are chosen after the first set, once more after three, and stored with that', async () => {
    const { rounds, trials } = await roundsOf(0.05, 0.02);
    assert.equal(rounds[1], rounds[2]);
    assert.equal(new Set(rounds.slice(3)).size, 1);
    const choices = trials
      .filter(({ forwarder }) => forwarder === 'copy')
      .map(({ set }) => set?.choice);
    assert.deepEqual(
      choices.map((choice) => choice?.by),
      [undefined, 'the first set', 'the first set', ...Array<string>(3).fill('the first 3 sets')],
    );
    assert.deepEqual(
      choices.slice(1).map((choice) => choice?.rounds),
      rounds.slice(1),
    );
    assert.ok(trials.every(({ set }) => (set?.seconds ?? 0) > 1));
  });

  it('of a run that is resumed are those of one that was not', async () => {
    const { rounds, trials } = await roundsOf(0.05, 0.02);
    const chosen = [2, 3, 4, 6].map((block) => {
      const before = trials.filter((trial: TrialRecord) => trial.block < block);
      const all = chooseRounds(trials, ARMS, block, { ...blocks, max: 6 })?.rounds;
      assert.equal(chooseRounds(before, ARMS, block, { ...blocks, max: 6 })?.rounds, all);
      return all;
    });
    assert.deepEqual(chosen, [rounds[1], rounds[2], rounds[3], rounds[5]]);
  });

  it('cannot be anything else in a scenario', () => {
    const text = 'name: s\nforwarders: [copy]\nblocks: { rounds: 7 }\n';
    assert.match(
      messageOf(() => scenarioOf(text)),
      /rounds/,
    );
  });
});
