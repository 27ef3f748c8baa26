/**
 * Rounds of a set in which tasks of the machine waited more than they otherwise do. They are named and kept: the
 * traffic makes some of that pressure itself, so to leave rounds out for it would be to choose by what is measured.
 * Pure.
 */
import { unusualWaits } from '../../data/record/unusual-wait.js';
import { PRESSURE_KINDS, type Pressure } from '../../machine/host/pressure.js';

/** Of a slice from drained to drained. */
export interface Pressed {
  round: number;
  seconds: number;
  /** Seconds that tasks waited meanwhile. */
  waited: Pressure;
}

export interface PressureOfSet {
  /** Shares of the time of all slices. */
  pressure: Pressure;
  /** Rounds with a slice in which they were unusual. */
  pressed: number[];
}

/**
 * @param arms the slices of each
 * @returns null where nothing is known
 */
export function pressureOf(arms: readonly (readonly Pressed[])[]): PressureOfSet | null {
  const all = arms.flat();
  const seconds = total(all.map((slice) => slice.seconds));
  if (seconds <= 0) return null;
  const share = (kind: keyof Pressure) => {
    const waited = total(all.map((slice) => slice.waited[kind]));
    return Math.round((waited / seconds) * 1e4) / 1e4;
  };
  const unusual = arms.flatMap((slices) =>
    PRESSURE_KINDS.flatMap((kind) => {
      const shares = slices.map((slice) => slice.waited[kind] / slice.seconds);
      return unusualWaits(shares).flatMap((index) => slices[index]?.round ?? []);
    }),
  );
  return {
    pressure: { cpu: share('cpu'), memory: share('memory'), io: share('io') },
    pressed: [...new Set(unusual)].sort((a, b) => a - b),
  };
}

/** What was waited between two readings; null where one is missing. */
export function waitedBetween(from: Pressure | null, to: Pressure | null): Pressure | null {
  if (from === null || to === null) return null;
  return { cpu: to.cpu - from.cpu, memory: to.memory - from.memory, io: to.io - from.io };
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
