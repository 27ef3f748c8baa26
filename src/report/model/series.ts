import { median } from 'simple-statistics';
import type { SeriesPoint } from '../../data/record/record.js';

/**
 * The median over trials of goodput over time, on the grid of the most common step. A grid point
 * needs at least half of the trials, so that one long trial does not draw the tail alone.
 *
 * @param trials one series per trial, each ordered by time
 */
export function medianSeries(trials: readonly (readonly SeriesPoint[])[]): SeriesPoint[] {
  const drawn = trials.filter((series) => series.length > 0);
  const step = typicalStep(drawn);
  if (step === null) return [];
  const longest = Math.max(...drawn.map((series) => series.at(-1)?.t ?? 0));
  const points: SeriesPoint[] = [];
  for (let k = 1; k <= Math.round(longest / step); k++) {
    const values = drawn.flatMap((series) => valueAt(series, k * step, step));
    if (values.length * 2 >= drawn.length && values.length > 0) {
      points.push({ t: rounded(k * step), gbps: rounded(median(values)) });
    }
  }
  return points;
}

/**
 * Stretches or thins a series to `columns` values, evenly over its time, linear between points.
 * @returns goodput in Gbps, one per column
 */
export function resample(series: readonly SeriesPoint[], columns: number): number[] {
  const first = series[0];
  const last = series.at(-1);
  if (first === undefined || last === undefined || columns < 1) return [];
  const span = last.t - first.t;
  if (span <= 0 || columns === 1) return new Array<number>(columns).fill(last.gbps);
  const values: number[] = [];
  let right = 1;
  for (let column = 0; column < columns; column++) {
    const t = first.t + (span * column) / (columns - 1);
    while (right < series.length - 1 && (series[right]?.t ?? Infinity) < t) right++;
    const a = series[right - 1] ?? first;
    const b = series[right] ?? last;
    const share = b.t === a.t ? 1 : Math.min(Math.max((t - a.t) / (b.t - a.t), 0), 1);
    values.push(a.gbps + (b.gbps - a.gbps) * share);
  }
  return values;
}

/** The next value above whose eighths and quarters are round numbers to label the axis with. */
export function roundCeiling(value: number): number {
  if (!(value > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  const step =
    [1, 1.2, 1.6, 2, 2.4, 3.2, 4, 4.8, 6.4, 8].find((candidate) => value <= candidate * unit) ?? 10;
  return step * unit;
}

function typicalStep(trials: readonly (readonly SeriesPoint[])[]): number | null {
  const steps = trials.flatMap((series) =>
    series
      .map((point, index) => point.t - (series[index - 1]?.t ?? 0))
      .filter((step) => step > 0 && Number.isFinite(step)),
  );
  return steps.length === 0 ? null : median(steps);
}

/** The value of the interval that `t` lies in: a point tells the goodput of the time up to it. */
function valueAt(series: readonly SeriesPoint[], t: number, step: number): number[] {
  const point = series.find((candidate) => candidate.t >= t - step / 2);
  return point === undefined || !Number.isFinite(point.gbps) ? [] : [point.gbps];
}

/** Stored to the microsecond and to a tenth of a Mbps: enough, and the files stay small. */
function rounded(value: number): number {
  return Number(value.toFixed(6));
}
