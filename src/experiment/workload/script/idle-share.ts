/** What the forwarder's CPU does during one step of a script. Pure. */
import type { ConversationRecord } from '../../../data/native/native-script.js';
import type { ScriptPlan } from '../../../data/record/script-plan.js';

/** The forwarder's CPU time at one moment, both nanoseconds; the clock is CLOCK_MONOTONIC. */
export interface CpuSample {
  timeNs: number;
  cpuNs: number;
}

/** The step's beginning is not yet still: what came before may be on its way. Seconds. */
const SETTLE = 0.2;
/** Samples must be so far apart to say something, seconds. */
const LEAST_SPAN = 0.3;

/**
 * CPU seconds per second during the step of `expect.idle`.
 * @returns null where it is not asked, or the step was not reached; a string says why it is not known
 */
export function idleShare(
  { expect, ...plan }: ScriptPlan,
  seen: ConversationRecord,
  samples: readonly CpuSample[],
): number | string | null {
  const { idle } = expect;
  if (idle === null || seen.failure !== null) return null;
  const index = plan[idle.end].steps.findIndex(({ as }) => as === idle.step);
  const step = seen[idle.end].steps[index];
  if (step === undefined) return null;
  const inside = samples.filter(
    ({ timeNs }) => timeNs >= step.beginNs + SETTLE * 1e9 && timeNs <= step.endNs,
  );
  const [first] = inside;
  const last = inside.at(-1);
  if (first === undefined || last === undefined) return 'no sample of the CPU fell into the step';
  const span = (last.timeNs - first.timeNs) / 1e9;
  if (span < LEAST_SPAN) return 'the samples of the CPU are too close together';
  return (last.cpuNs - first.cpuNs) / 1e9 / span;
}
