/** A host without traffic whose figures have known noise, for tests of what is made of noise. */
import { Random } from '../../src/base/statistics/random.js';
import type { PlannedTrial } from '../../src/data/record/plan.js';
import type { SliceSeries } from '../../src/data/record/record.js';
import type { TrialResult } from '../../src/data/record/trial-result.js';
import { FakeExecutor } from '../support/fake-executor.js';

/** Standard normal. */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float());
}

/** Sets whose arms differ by noise alone; one takes 2 s, 1.2 of which are rounds. */
export class NoisyHost extends FakeExecutor {
  private readonly random = new Random('7', 'host');
  /** Of a slice's CPU, by which it differs from half a second per GB. */
  protected readonly cost: (trial: PlannedTrial) => number = () => 1;

  async runSet(trials: readonly PlannedTrial[], signal: AbortSignal): Promise<TrialResult[]> {
    const drift = 1 + 0.2 * this.random.float();
    const results: TrialResult[] = [];
    for (const trial of trials) {
      const { record, incidents } = await this.run(trial, signal);
      const own = 1 + 0.01 * normal(this.random);
      const round = Array.from({ length: 12 }, (_, index) => index + 1);
      const bytes = round.map(() => 1e8 * drift * own * (1 + 0.05 * normal(this.random)));
      const slices: SliceSeries = {
        ...{ set: trials[0]?.trial_id ?? '', settle: 0.015, round, turn: round.map(() => 1) },
        ...{ seconds: round.map(() => 0.04), bytes, all_bytes: bytes, took: 1.2, rounds_run: 15 },
        cpu_seconds: bytes.map((value) => (value / 2e9) * this.cost(trial)),
        stolen: round.map(() => 0),
      };
      const goodput = bytes.reduce((sum, value) => sum + value, 0) / 12 / 0.04 / 1.25e8;
      const figures = { goodput_gbps: goodput, forwarder_cpu_seconds_per_gb: 0.5 };
      results.push({ record: { ...record, ...figures, slices }, incidents });
    }
    return results;
  }
}
