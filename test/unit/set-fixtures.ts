/** Trials of sets, as stored. */
import type { Cell, ForwarderEntry } from '../../src/data/record/plan.js';
import type { SliceSeries, TrialRecord } from '../../src/data/record/record.js';
import { fakeRecord } from '../support/fake-executor.js';
import { planBlock } from '../../src/experiment/trial/order.js';

const ROUNDS = 11;

/**
 * Sets in which every third round of the first arm is spoiled: the ratio of whole trials is then not that of
 * the slices of a round.
 * @param arms with their Gbps
 * @param blocks how many sets
 * @param spread what the first arm gains from set to set, as a fraction
 */
export function setsOf(
  cell: Cell,
  arms: readonly (readonly [ForwarderEntry, number])[],
  blocks = 6,
  spread = 0,
): TrialRecord[] {
  const forwarders = arms.map(([entry]) => entry);
  return Array.from({ length: blocks }, (_, index) => index + 1).flatMap((block) => {
    const plan = { run_id: 'r', seed: '1', cells: [cell], forwarders };
    return planBlock(plan, block).map((trial) => {
      const place = forwarders.indexOf(trial.forwarder);
      const round = Array.from({ length: ROUNDS }, (_, at) => at + 1);
      const own = (arms[place]?.[1] ?? 0) * (place === 0 ? 1 + spread * (block - 1) : 1);
      const gbps = (at: number) =>
        own * (place === 0 && at % 3 === 0 ? 0.5 : 1) * (1 + (at % 5) / 5);
      const bytes = round.map((at) => (gbps(at) / 8) * 1e9 * 0.04);
      const slices: SliceSeries = {
        ...{ set: `b${block}`, settle: 0.015, round, turn: round.map(() => 1), bytes },
        ...{ seconds: round.map(() => 0.04), all_bytes: bytes, stolen: round.map(() => 0) },
        cpu_seconds: round.map(() => 0.01),
      };
      const mean = round.reduce((sum, at) => sum + gbps(at), 0) / ROUNDS;
      const gb = bytes.reduce((sum, one) => sum + one, 0) / 1e9;
      return {
        ...fakeRecord(trial, mean),
        forwarder_cpu_seconds_per_gb: (ROUNDS * 0.01) / gb,
        slices,
        set: { id: slices.set, arms: arms.length },
      };
    });
  });
}
