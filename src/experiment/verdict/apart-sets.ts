/**
 * Sets that ran while the host's CPUs were in another state than in most sets of their cell: further apart, on cores
 * that something else used as well, or wanted by other tasks. Pure.
 */
import { MIN_SAMPLES, median } from '../../base/statistics/interval.js';
import { apartOf, rarerOf } from '../../data/record/apart.js';
import type { SliceSeries, TrialRecord } from '../../data/record/record.js';

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
  return new Set([...cells.values()].flatMap(rarer));
}

/** So much of a set's time beyond the median of its cell, which the traffic itself makes. */
const UNUSUAL = 0.25;

function unusual(waited: readonly (number | null)[]): number[] {
  const usual = median(waited.flatMap((share) => share ?? [])) ?? 0;
  return waited.flatMap((share, index) =>
    share !== null && share - usual > UNUSUAL ? [index] : [],
  );
}

function rarer(sets: ReadonlyMap<string, SetState>): string[] {
  const names = [...sets.keys()];
  const states = [...sets.values()];
  const out = new Set([
    ...apartOf(states.map(({ trip }) => trip)).left_out,
    ...rarerOf(states.map(({ shared, slices }) => shared * 2 > slices)),
    ...rarerOf(states.map(({ contended, slices }) => contended * 2 > slices)),
    ...unusual(states.map(({ waited }) => waited)),
  ]);
  if (names.length - out.size < MIN_SAMPLES) return [];
  return names.filter((_, index) => out.has(index));
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
