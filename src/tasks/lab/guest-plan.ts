/** What the guest is told to do, in a file of its read-only share; and what it leaves beside the run. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NicTopology } from '../../data/record/plan.js';
import type { Scenario } from '../../experiment/scenario/expand.js';
import type { Card } from './cards.js';
import type { Mishap } from './mishaps.js';

export interface GuestPlan {
  scenarios: Scenario[];
  seed: string | null;
  nic: string;
  cards: Card[];
  /** The module with the bug is loaded: its counts are kept for each trial. */
  bug: boolean;
  /** What happens to cards in mid-trial. */
  mishaps: Mishap[];
  /** Cases of the conformance suite to play as well; null = none. */
  conformance: GuestConformance | null;
  /** Folder of the run, in the guest. */
  out: string;
}

/** What is played in the guest, on ports of its cards. */
export interface GuestConformance {
  /** Of the package's cases; none = all. */
  cases: string[];
  /** Labels of forwarders. */
  only: string[];
  /** In place of the cases' own. */
  topology: NicTopology;
  /** For all of them; those that do not begin within are not played. */
  seconds: number;
}

/** The matrix of the cases, as `conformance --json` prints it. */
export const CONFORMANCE_FILE = 'conformance.json';

/** What the module has met so far; its parameters under /sys/module. */
export const HOOK_COUNTS = [
  'calls',
  'slab_heads',
  'other_heads',
  'raised',
  'missed',
  'refused',
] as const;
export type HookCounts = Record<(typeof HOOK_COUNTS)[number], number>;

/** A line of the file that the guest appends to: what the module met in one trial. */
export interface HookRecord extends Omit<HookCounts, 'refused'> {
  trial_id: string;
  /** Pages in slab memory that the kernel did not send; absent in records of earlier versions. */
  refused?: number;
}

export const HOOK_FILE = 'hook.jsonl';
/** With the topology `nic`: its ports before the run and after it, a line each. */
export const PORTS_FILE = 'ports.jsonl';
/** What was booted: written by the host when the guest has ended. */
export const LAB_FILE = 'lab.json';

/** What one trial met: the counts after it less those before it. */
export function hookRecord(trial_id: string, before: HookCounts, after: HookCounts): HookRecord {
  const met = HOOK_COUNTS.map((name) => [name, after[name] - before[name]]);
  return { trial_id, ...(Object.fromEntries(met) as HookCounts) };
}

/** What the module met, by trial; a line that the guest's death tore is left out. */
export function readHook(folder: string): Map<string, HookRecord> {
  const path = join(folder, HOOK_FILE);
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  const records = lines.flatMap((line): HookRecord[] => {
    try {
      return [JSON.parse(line) as HookRecord];
    } catch {
      return [];
    }
  });
  return new Map(records.map((record) => [record.trial_id, record]));
}
