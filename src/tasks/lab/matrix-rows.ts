/** A boot's trials as rows of the matrix. Pure. */
import { poissonBounds } from '../../data/integrity/bounds.js';
import type { StoredIncident, TrialRecord } from '../../data/record/record.js';
import type { Scenario } from '../../experiment/scenario/expand.js';
import { INCIDENT_CLASSES } from '../../data/record/words.js';
import { evidenceOf } from './evidence.js';
import type { HookRecord } from './guest-plan.js';

/** One trial, or one that was to be and is not. */
export interface MatrixRow {
  /** As the guest says, or the image's file where it said nothing. */
  kernel: string;
  nic: string;
  bug: '2008' | null;
  forwarder: string;
  direction: string;
  /** The trial's outcome, or that it tested nothing. */
  verdict: TrialRecord['outcome'] | 'tested nothing' | 'not run';
  /** Why it tested nothing or was not run; null otherwise. */
  why: string | null;
  delivered_bytes: number | null;
  incidents: number | null;
  /** Per 10^6 bytes delivered, with the 95 % interval of a Poisson count. */
  incidents_per_mb: number | null;
  per_mb_low: number | null;
  per_mb_high: number | null;
  /** Incidents of which more is known than their number: what `reuse` and `classes` count among. */
  described: number;
  /** Those that are memory used again: neither the allocator's pointer nor a flipped bit. */
  reuse: number;
  first_offset: number | null;
  /** "850 allocator, 107 misplaced"; empty where nothing is described. */
  classes: string;
  /** Packets in slab memory that the bug met; null without the bug. */
  slab_heads: number | null;
}

/** What came out of a boot. */
export interface BootResult {
  kernel: string;
  nic: string;
  bug: '2008' | null;
  /** Why it did not come to its end; null when it did. */
  failure: string | null;
  trials: readonly TrialRecord[];
  incidents: readonly StoredIncident[];
  hook: ReadonlyMap<string, HookRecord>;
}

/** Rows in the order of the plan; trials that are missing are there with the reason. */
export function rowsOf(scenarios: readonly Scenario[], boot: BootResult): MatrixRow[] {
  return scenarios.flatMap(({ cells, forwarders }) =>
    cells.flatMap((cell) =>
      forwarders.flatMap(({ label }) => {
        const own = boot.trials.filter((one) => one.cell === cell.key && one.forwarder === label);
        const { direction } = cell.workload;
        if (own.length === 0) return [absentRow(boot, label, direction)];
        return own.map((trial) => trialRow(boot, trial));
      }),
    ),
  );
}

function absentRow(boot: BootResult, forwarder: string, direction: string): MatrixRow {
  return {
    ...identity(boot, forwarder, direction),
    verdict: 'not run',
    why: boot.failure ?? 'unavailable in the guest, see run.json',
    ...NOTHING,
  };
}

const NOTHING = {
  delivered_bytes: null,
  incidents: null,
  incidents_per_mb: null,
  per_mb_low: null,
  per_mb_high: null,
  described: 0,
  reuse: 0,
  first_offset: null,
  classes: '',
  slab_heads: null,
};

function identity({ kernel, nic, bug }: BootResult, forwarder: string, direction: string) {
  return { kernel, nic, bug, forwarder, direction };
}

function trialRow(boot: BootResult, trial: TrialRecord): MatrixRow {
  const met = boot.bug === null ? null : boot.hook.get(trial.trial_id);
  const evidence = evidenceOf(trial, met);
  const own = boot.incidents.filter(({ trial_id }) => trial_id === trial.trial_id);
  const found = evidence.found === 'nothing';
  return {
    ...identity(boot, trial.forwarder, trial.direction),
    verdict: found ? 'tested nothing' : trial.outcome,
    why: found ? evidence.why : null,
    ...rates(trial),
    described: own.length,
    reuse: own.filter(isReuse).length,
    first_offset: own.length === 0 ? null : Math.min(...own.map(({ offset }) => offset)),
    classes: classesOf(own),
    slab_heads: met?.slab_heads ?? null,
  };
}

function rates({ bytes, incidents }: TrialRecord) {
  const none = { incidents_per_mb: null, per_mb_low: null, per_mb_high: null };
  const counts = { delivered_bytes: bytes, incidents };
  if (bytes === null || bytes === 0 || incidents === null) return { ...counts, ...none };
  const megabytes = bytes / 1e6;
  const { low, high } = poissonBounds(incidents);
  return {
    ...counts,
    incidents_per_mb: incidents / megabytes,
    per_mb_low: low / megabytes,
    per_mb_high: high / megabytes,
  };
}

/** The signature of 2008: memory that somebody else wrote meanwhile. */
function isReuse({ class: kind }: StoredIncident): boolean {
  return kind !== 'allocator' && kind !== 'bit-flip';
}

function classesOf(incidents: readonly StoredIncident[]): string {
  return INCIDENT_CLASSES.map((name) => ({
    name,
    times: incidents.filter((incident) => incident.class === name).length,
  }))
    .filter(({ times }) => times > 0)
    .sort((a, b) => b.times - a.times)
    .map(({ name, times }) => `${times} ${name}`)
    .join(', ');
}
