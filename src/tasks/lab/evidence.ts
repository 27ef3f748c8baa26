/** What a trial in the guest proves: a clean result of a trial that tested nothing is none. Pure. */
import type { TrialRecord } from '../../data/record/record.js';
import { isUnfinished, isViolation } from '../../data/integrity/tally.js';
import { BISECT } from '../../base/errors/errors.js';
import type { HookRecord } from './guest-plan.js';

/** `nothing` = it could not have found what was looked for. */
export type Evidence =
  { found: 'violation' } | { found: 'clean' } | { found: 'nothing'; why: string };

/**
 * @param met what the module with the bug met in this trial; null = it was not loaded, undefined = it was,
 *   and nothing is known of this trial
 */
export function evidenceOf(trial: TrialRecord, met: HookRecord | null | undefined): Evidence {
  const refused = (trial.incidents ?? 0) > 0 ? 0 : (met?.refused ?? 0);
  if (refused > 0) return { found: 'nothing', why: refusedWords(refused) };
  if (isViolation(trial)) return { found: 'violation' };
  if (isUnfinished(trial)) return { found: 'nothing', why: trial.error ?? trial.outcome };
  if ((trial.verified_bytes ?? 0) === 0) return { found: 'nothing', why: 'no byte was compared' };
  if (met === null || !splices(trial, met)) return { found: 'clean' };
  if (met === undefined) {
    return { found: 'nothing', why: 'what the module with the bug met is not known' };
  }
  return met.slab_heads > 0
    ? { found: 'clean' }
    : {
        found: 'nothing',
        why: 'it met no packet in slab memory, so the bug had no chance (try another --nic)',
      };
}

/** Where the kernel sends no slab memory, the splice ends with an error, and no wrong byte can come out. */
function refusedWords(times: number): string {
  return `this kernel's skb_splice_from_iter took no page in slab memory (${times} refused, EIO): the bug cannot reach a socket in it`;
}

/** Whether bytes went from a socket into a pipe: what the bug can touch. */
function splices(trial: TrialRecord, met: HookRecord | undefined): boolean {
  const called = Object.keys(trial.calls ?? {}).some((name) => name.endsWith('splice'));
  return called || (met?.calls ?? 0) > 0;
}

/** A trial with what it proves. */
export interface Weighed {
  trial: TrialRecord;
  evidence: Evidence;
}

/**
 * @param hook what the module met, by trial; null = it was not loaded
 */
export function weigh(
  trials: readonly TrialRecord[],
  hook: ReadonlyMap<string, HookRecord> | null,
): Weighed[] {
  return trials.map((trial) => ({
    trial,
    evidence: evidenceOf(trial, hook === null ? null : hook.get(trial.trial_id)),
  }));
}

/** "tested nothing: TRIAL (splice): why", a line for each such trial. */
export function emptyLines(weighed: readonly Weighed[]): string[] {
  return weighed.flatMap(({ trial, evidence }) =>
    evidence.found === 'nothing'
      ? [`tested nothing: ${trial.trial_id} (${trial.forwarder}): ${evidence.why}`]
      : [],
  );
}

/**
 * The answer to `git bisect run`. A violation counts also where the guest died later; clean is only what
 * came to its end and tested something in every trial.
 * @param complete the guest came to its end
 */
export function bisectCode(weighed: readonly Weighed[], complete: boolean): number {
  if (weighed.some(({ evidence }) => evidence.found === 'violation')) return BISECT.violation;
  const clean = weighed.length > 0 && weighed.every(({ evidence }) => evidence.found === 'clean');
  return complete && clean ? BISECT.clean : BISECT.couldNotTell;
}
