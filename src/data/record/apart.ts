/**
 * Virtual CPUs move: where the hypervisor puts that of the forwarder and that of the ends on cores without a
 * common cache, every byte that one writes and the other reads costs several times as much, for seconds, and
 * no counter of the guest tells. The round trip of a cache line between the two does. Pure.
 */

/** So many times the shortest round trip: further apart. Cores of one cache differ by less, others by more. */
export const APART = 2;

/** Which of some measurements were made with the CPUs apart, and which of them are to be left out. */
export interface Apart {
  /** Indices. */
  apart: number[];
  /** Indices: the fewer of both kinds, so that what is left stands for one state of the host. */
  left_out: number[];
}

/**
 * @param trips nanoseconds of each; null = not known, which counts as near
 * @param nearest the shortest that is known from before, nanoseconds
 */
export function apartOf(trips: readonly (number | null)[], nearest = Infinity): Apart {
  const least = Math.min(nearest, ...trips.flatMap((trip) => trip ?? []));
  const isApart = (trip: number | null) => trip !== null && trip > APART * least;
  const found = trips.map(isApart);
  return {
    apart: found.flatMap((is, index) => (is ? [index] : [])),
    left_out: rarerOf(found),
  };
}

/** Indices of the fewer of both kinds, so that what is left stands for one state; of as many, those that are. */
export function rarerOf(kinds: readonly boolean[]): number[] {
  const rarer = kinds.filter(Boolean).length * 2 <= kinds.length;
  return kinds.flatMap((is, index) => (is === rarer ? [index] : []));
}
