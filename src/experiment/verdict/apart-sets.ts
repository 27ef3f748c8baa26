/**
 * Sets that ran while the host's CPUs were in another state than in most sets of their cell: further apart, on cores
 * that something else used as well, or wanted by other tasks. Pure.
 */
import { MIN_SAMPLES, median } from '../../base/statistics/interval.js';
import { apartOf, rarerOf } from '../../data/record/apart.js';
import type { SliceSeries, TrialRecord } from '../../data/record/record.js';
import { unusualWaits } from '../../data/record/unusual-wait.js';

/**
 * Of a set: nanoseconds between its CPUs and the share of its time in which a task waited for a CPU (null = not
 * known), its slices on shared cores, and its contended slices that were kept.
 */
interface SetState {
  trip: number | null;
  waited: number | null;
  shared: number;
  contended: number;
  slices: number;
}

/**
 * @param trials of any cells; sets are compared with those of their cell only
 * @returns sets whose figures are left out: the fewer of those with the CPUs near and those with them apart, and
 *   the fewer of those with their cores to themselves and those without, and of those with their CPUs to themselves, and
 *   those in which tasks waited for a CPU far more than usual; none where so few would be left that they give no
 *   interval, which a wide one is better than
 */
export function setsLeftOut(trials: readonly TrialRecord[]): ReadonlySet<string> {
  return new Set(cellsOf(trials).flatMap((sets) => leftOutOf(sets).names));
}

/** Those of them in which tasks waited far more than usual, whatever else was so in them. */
export function setsWaiting(trials: readonly TrialRecord[]): ReadonlySet<string> {
  return new Set(cellsOf(trials).flatMap((sets) => leftOutOf(sets).waiting));
}

/** The sets of each cell, by name. */
function cellsOf(trials: readonly TrialRecord[]): ReadonlyMap<string, SetState>[] {
  const cells = new Map<string, Map<string, SetState>>();
  for (const { cell, slices } of trials) {
    if (slices === undefined) continue;
    const sets = cells.get(cell) ?? new Map<string, SetState>();
    const own = stateOf(slices);
    const seen = sets.get(slices.set) ?? {
      trip: null,
      waited: null,
      shared: 0,
      contended: 0,
      slices: 0,
    };
    sets.set(slices.set, {
      trip: seen.trip ?? own.trip,
      waited: seen.waited ?? own.waited,
      shared: seen.shared + own.shared,
      contended: seen.contended + own.contended,
      slices: seen.slices + own.slices,
    });
    cells.set(cell, sets);
  }
  return [...cells.values()];
}

function leftOutOf(sets: ReadonlyMap<string, SetState>): { names: string[]; waiting: string[] } {
  const names = [...sets.keys()];
  const states = [...sets.values()];
  const waiting = new Set(unusualWaits(states.map(({ waited }) => waited)));
  const out = new Set([
    ...apartOf(states.map(({ trip }) => trip)).left_out,
    ...rarerOf(states.map(({ shared, slices }) => shared * 2 > slices)),
    ...rarerOf(states.map(({ contended, slices }) => contended * 2 > slices)),
    ...waiting,
  ]);
  if (names.length - out.size < MIN_SAMPLES) return { names: [], waiting: [] };
  return {
    names: names.filter((_, index) => out.has(index)),
    waiting: names.filter((_, index) => waiting.has(index)),
  };
}

function stateOf({
  round,
  line_ns: trips = [],
  left_out: out = [],
  shared = [],
  contended = [],
  pressure,
}: SliceSeries): SetState {
  const counted = trips.flatMap((trip, index) =>
    trip === null || out.includes(round[index] ?? NaN) ? [] : [trip],
  );
  return {
    trip: median(counted),
    waited: pressure?.cpu ?? null,
    shared: shared.length,
    contended: contended.filter((one) => !out.includes(one)).length,
    slices: round.length,
  };
}
