/** An axis of offered rates: all forwarders are given the same work, and what it costs them is compared. */
import type { AxisReport, Figure, Subject } from './report-types.js';
import { figure, isShown, ratio } from '../../base/units/quantity.js';

/** What decides when the rate is given: speed is then the same for all that keep it. */
export const EQUAL_WORK: Subject = {
  metric: 'forwarder_cpu_per_gb',
  name: 'CPU',
  unit: 's/GB',
  title: 'forwarder CPU, s/GB',
  format: figure,
  heading: 'Forwarder CPU per GB',
  moreIsBetter: false,
};

/** This much of the offered rate is the rate, as in bottleneck.ts. */
const KEPT = 0.97;

/** Says that CPU is the comparison, what each forwarder costs at each rate, and who did not keep up. */
export function equalWorkSentences(axis: AxisReport, shown: (rate: number) => string): string[] {
  if (axis.passed === null) return [];
  const costs = axis.series.flatMap(({ forwarder, use, isBaseline, figures }) => {
    if (isBaseline || use === 'direct') return [];
    const at = axis.values.flatMap((rate, index) => {
      const one = figures[index];
      return one === undefined || one === null || !isShown(one.ratio)
        ? []
        : [`${costOf(one)} at ${shown(rate)}`];
    });
    if (at.length === 0) return [`What ${forwarder} costs at equal work is not known.`];
    return [
      `${forwarder} needs, relative to the CPU per GB of ${axis.baseline}: ${at.join(', ')}.`,
    ];
  });
  const late = axis.passed.flatMap(({ forwarder, gbps }) =>
    axis.values.flatMap((rate, index) => {
      const arrived = gbps[index] ?? null;
      if (arrived === null || arrived >= (rate / 1e9) * KEPT) return [];
      return [
        `${forwarder} did not keep the offered ${shown(rate)}: ${figure(arrived)} Gbps arrived.`,
      ];
    }),
  );
  const head =
    'At an offered rate all forwarders do equal work, and CPU per GB is the comparison, not speed.';
  return [head, ...costs, ...late];
}

function costOf({ ratio: median, ratioLow, ratioHigh }: Figure): string {
  const interval =
    isShown(ratioLow) && isShown(ratioHigh) ? ` (${ratio(ratioLow)} to ${ratio(ratioHigh)})` : '';
  return `${ratio(median)}${interval}`;
}
