/** What is measured of the recorder, and what follows from it. Pure. */
import { estimateMedian, type MedianEstimate } from '../../src/base/statistics/interval.js';
import type { SliceFigures } from './pipeline.js';

/** One running pipeline, by turns with the recorder and without it. */
export interface RecorderPair {
  kind: 'recorder-pair';
  mechanism: string;
  on: SliceFigures;
  off: SliceFigures;
}

/** Nanoseconds per call that moves a byte: bare, with counters, with counters and recorder. */
export interface CallCosts {
  kind: 'call-costs';
  none: number;
  counted: number;
  recorded: number;
}

export type RecorderSample = RecorderPair | CallCosts;

/** What the recorder costs one mechanism. */
export interface RecorderCost {
  mechanism: string;
  /** Share of goodput lost, as a fraction; negative when it was faster with the recorder. */
  goodput: MedianEstimate;
  /** Share of forwarder CPU per GB gained. */
  cpu: MedianEstimate;
  /**
   * Counters and recorder together as a share of the forwarder's CPU, from their cost per call and
   * the calls per GB: what the pairs are too coarse to show. null without both.
   */
  byCalls: number | null;
}

/** The cost by mechanism, in the order of first appearance. */
export function recorderCosts(samples: readonly RecorderSample[]): RecorderCost[] {
  const pairs = samples.filter((sample) => sample.kind === 'recorder-pair');
  const perCall = bookkeepingNs(samples);
  return [...new Set(pairs.map(({ mechanism }) => mechanism))].map((mechanism) => {
    const own = pairs.filter((pair) => pair.mechanism === mechanism);
    const ofCpu = own.map(
      ({ on }) =>
        (on.recorded_calls_per_gb * (perCall ?? 0)) / 1e9 / on.forwarder_cpu_seconds_per_gb,
    );
    return {
      mechanism,
      goodput: estimateMedian(own.map(({ on, off }) => 1 - on.goodput_gbps / off.goodput_gbps)),
      cpu: estimateMedian(
        own.map(
          ({ on, off }) => on.forwarder_cpu_seconds_per_gb / off.forwarder_cpu_seconds_per_gb - 1,
        ),
      ),
      byCalls: perCall === null ? null : estimateMedian(ofCpu).median,
    };
  });
}

/** Nanoseconds that counters and recorder add to a call; null when it was not measured. */
export function bookkeepingNs(samples: readonly RecorderSample[]): number | null {
  const costs = samples.filter((sample) => sample.kind === 'call-costs');
  return estimateMedian(costs.map(({ none, recorded }) => recorded - none)).median;
}
