/** From a script's plan to what the native engine carries out. Pure. */
import {
  type NativeEndPlan,
  type NativeStep,
  SEND_BY,
  STEP_KINDS,
  UNTIL,
} from '../../../data/native/native-script.js';
import type { ScriptEnd, ScriptStep } from '../../../data/record/script-plan.js';

/**
 * Whoever has taken so much that nobody reads has no backpressure: more than the four queues of any host
 * hold, less than what would hurt it. Bytes.
 */
const NEVER_BLOCKED = 256 * 2 ** 20;

/**
 * @param other the end whose steps are waited for by name
 * @param size what `size` stands for
 */
export function compileEnd(end: ScriptEnd, other: ScriptEnd, size: number): NativeEndPlan {
  return {
    steps: end.steps.map((step) => compileStep(step, other, size)),
    receiveBuffer: end.rcvbuf ?? 0,
    sendBuffer: end.sndbuf ?? 0,
    segment: end.mss ?? 0,
    nodelay: end.nodelay,
  };
}

function compileStep(step: ScriptStep, other: ScriptEnd, size: number): NativeStep {
  const amount = step.bytes === 'size' ? size : step.bytes;
  return {
    kind: STEP_KINDS.indexOf(step.do),
    until: UNTIL.indexOf(step.until),
    by: SEND_BY.indexOf(step.by),
    // The last of that name, where it is one of a repeat.
    bytes: step.other === null ? amount : other.steps.findLastIndex(({ as }) => as === step.other),
    limit: NEVER_BLOCKED,
    piece: step.piece,
    intervalNs: nanoseconds(step.interval),
    rate: step.rate,
    forNs: nanoseconds(step.for),
    quietNs: nanoseconds(step.quiet),
    withinNs: nanoseconds(step.within),
    finish: step.finish,
  };
}

function nanoseconds(seconds: number): number {
  return Math.round(seconds * 1e9);
}
