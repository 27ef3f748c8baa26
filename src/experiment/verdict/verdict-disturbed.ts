/** What disturbed the rounds of sets, as the verdict tells it. Pure. */
import { count, listed, noun, plural } from '../../base/units/quantity.js';
import { SHARED } from '../../data/record/shared-core.js';
import type { SliceSeries, TrialRecord } from '../../data/record/record.js';
import { setsLeftOut, setsWaiting } from './apart-sets.js';

/** A sentence for each kind of disturbance that occurred. */
export function disturbanceNotes(trials: readonly TrialRecord[]): string[] {
  const all = setsIn(trials);
  const leftOut = setsLeftOut(trials);
  return [
    ...stolenNotes(all),
    ...apartNotes(all, leftOut),
    ...sharedNotes(trials, leftOut),
    ...contendedNotes(trials),
    ...pressureNotes(all, leftOut),
    ...waitingNotes(trials),
  ];
}

/** What was left out of sets because the hypervisor took time from a slice, or could not be. */
function stolenNotes(all: readonly SliceSeries[]): string[] {
  const { found, of: rounds, out } = tallyOf(all, ({ disturbed }) => disturbed);
  if (found === 0) return [];
  const kept =
    out < found ? `; kept, since they are more than half of their set: ${count(found - out)}` : '';
  return [
    `Stolen time: in ${count(found)} of ${count(rounds)} rounds the hypervisor took 10 ms or more from a slice. Left out, for all forwarders alike: ${plural(out, 'round')}${kept}.`,
  ];
}

/** Virtual CPUs on cores without a common cache, which no counter of the guest shows. */
function apartNotes(sets: readonly SliceSeries[], leftOut: ReadonlySet<string>): string[] {
  const found = total(sets, ({ apart = [] }) => apart.length);
  if (found === 0) return [];
  const rounds = total(sets, ({ round }) => round.length);
  // In a set that is apart as a whole the others are left out of it.
  const near = sets.filter(({ apart = [], round }) => apart.length * 2 <= round.length);
  const out = total(near, ({ apart = [] }) => apart.length);
  return [
    `CPUs apart: in ${count(found)} of ${count(rounds)} rounds a cache line took more than twice its shortest time between the forwarder's CPU and that of source and sink, as where a hypervisor has put them on cores without a common cache: copying then costs several times as much. Left out, for all forwarders alike: ${plural(out, 'round')} of sets in which most were near, and ${plural(leftOut.size, 'whole set')} of the rarer kind.`,
  ];
}

/** Cores of which something else had a part, which no counter of the guest shows. */
function sharedNotes(trials: readonly TrialRecord[], leftOut: ReadonlySet<string>): string[] {
  const all = trials.flatMap(({ slices }) => slices ?? []);
  const { found, of: slices, out } = tallyOf(all, ({ shared }) => shared);
  if (found === 0) return [];
  const sets = new Set(all.flatMap(({ set }) => (leftOut.has(set) ? [set] : [])));
  return [
    `Shared cores: in ${count(found)} of ${count(slices)} slices a fixed piece of work took more than ${SHARED} times its shortest time on the forwarder's CPU or on that of source and sink, as where the other hardware thread of its core works for somebody else. Left out for this alone: ${plural(out, 'slice')} of sets in which most had none, and ${plural(sets.size, 'whole set')} of the rarer kind, of this or of CPUs apart.`,
  ];
}

/** Other tasks of the machine on the CPUs of the trials. */
function contendedNotes(trials: readonly TrialRecord[]): string[] {
  const all = trials.flatMap(({ slices }) => slices ?? []);
  const { found, of: slices, out } = tallyOf(all, ({ contended }) => contended);
  if (found === 0) return [];
  const kept =
    out < found
      ? `; kept, since their sets would have lost more than three quarters: ${count(found - out)}, whose figures are those of a machine that does other work`
      : '';
  return [
    `Contended CPUs: before or after ${count(found)} of ${count(slices)} slices, when nothing flowed, another task wanted the forwarder's CPU or that of source and sink. Left out for this alone: ${plural(out, 'slice')}${kept}.`,
  ];
}

/** Rounds in which others used the machine, as far as waiting tasks show it. */
function pressureNotes(sets: readonly SliceSeries[], leftOut: ReadonlySet<string>): string[] {
  const told = sets.filter(({ pressed }) => pressed !== undefined);
  const found = total(told, ({ pressed = [] }) => pressed.length);
  if (found === 0) return [];
  const rounds = total(told, ({ round }) => round.length);
  const kept = leftOut.size === 0 ? 'kept' : 'kept, but for those of sets that are left out whole';
  return [
    `Pressure: in ${count(found)} of ${count(rounds)} rounds tasks of the machine waited for a CPU, for memory or for a disk by a quarter of a slice more than they usually do (PSI), as when something else is at work. These rounds are ${kept}.`,
  ];
}

/** Sets in which others used the machine all through, which no round of them shows. */
function waitingNotes(trials: readonly TrialRecord[]): string[] {
  const sets = setsWaiting(trials);
  if (sets.size === 0) return [];
  return [
    `Pressure all through: ${namesOf(sets, trials)} ${noun(sets.size, 'is', 'are')} left out, in which tasks waited for a CPU by a quarter of the time more than in the median set (PSI).`,
  ];
}

/** So many sets are named; of more only how many they are. */
const NAMED = 5;

/** By their blocks: "set 3", "sets 2, 5 and 3 more"; with the condition where there are several. */
function namesOf(sets: ReadonlySet<string>, trials: readonly TrialRecord[]): string {
  const several = new Set(trials.map(({ cell }) => cell)).size > 1;
  const names = new Map<string, string>();
  for (const { slices, block, cell } of trials) {
    if (slices === undefined || !sets.has(slices.set)) continue;
    names.set(slices.set, several ? `${block} of ${cell}` : String(block));
  }
  const told = [...names.values()];
  const more = told.length > NAMED + 1 ? told.splice(NAMED).length : 0;
  return `${noun(sets.size, 'set')} ${listed(more === 0 ? told : [...told, `${more} more`])}`;
}

/** The series of one arm of each set: what is asked of them here is the same in all. */
function setsIn(trials: readonly TrialRecord[]): SliceSeries[] {
  const sets = new Map(trials.flatMap(({ slices }) => (slices ? [[slices.set, slices]] : [])));
  return [...sets.values()];
}

/** How many rounds of all series are of a kind, of how many, and how many of them are left out. */
function tallyOf(
  all: readonly SliceSeries[],
  kind: (series: SliceSeries) => readonly number[] | undefined,
): { found: number; of: number; out: number } {
  return {
    found: total(all, (series) => kind(series)?.length ?? 0),
    of: total(all, ({ round }) => round.length),
    out: total(
      all,
      (series) => kind(series)?.filter((round) => series.left_out?.includes(round)).length ?? 0,
    ),
  };
}

function total(sets: readonly SliceSeries[], of: (set: SliceSeries) => number): number {
  return sets.reduce((sum, set) => sum + of(set), 0);
}
