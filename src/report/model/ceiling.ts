/** What no forwarder of a cell gets beyond: the link's own speed, and what its ends carry without one. */
import type { TrialRecord } from '../../data/record/record.js';
import { isUsable } from '../../experiment/verdict/summary.js';
import type { JsonObject } from './chart-runtime.js';
import { short } from '../../base/units/quantity.js';
import { figure } from '../../base/units/quantity.js';

/** Speeds in Gbps; null = not known, or nobody ran. */
export interface Ceilings {
  /** Of the slowest network card between the parts. */
  link: number | null;
  /** The median of `direct`. */
  direct: number | null;
}

/** How charts call the series of `direct` where it bounds the others. */
export const DIRECT_CEILING = 'direct (ceiling)';

/**
 * The ceilings of one cell. With `direct` only the ends' cards are known to be passed, so that its link
 * counts where nobody else has one.
 * @param isDirect of a forwarder's label
 */
export function ceilingsOf(
  trials: readonly TrialRecord[],
  median: (forwarder: string) => number | null,
  isDirect: (forwarder: string) => boolean,
): Ceilings {
  const speeds = (direct: boolean) =>
    trials
      .filter((trial) => isDirect(trial.forwarder) === direct)
      .flatMap(({ link_gbps: speed }) => speed ?? []);
  const links = speeds(false).length > 0 ? speeds(false) : speeds(true);
  const label = trials.find((trial) => isUsable(trial) && isDirect(trial.forwarder))?.forwarder;
  return {
    link: links.length === 0 ? null : Math.min(...links),
    direct: label === undefined ? null : median(label),
  };
}

/** "link 10.0 Gbps", "direct 9.41 Gbps"; those that are known. */
export function ceilingTexts({ link, direct }: Ceilings): string[] {
  return [
    ...(link === null ? [] : [`link ${figure(link)} Gbps`]),
    ...(direct === null ? [] : [`direct ${figure(direct)} Gbps`]),
  ];
}

/** The end of a value axis that has room for a line at the link's speed; null where the data needs more. */
export function axisEnd({ link }: Ceilings, most: number): number | null {
  return link === null || link <= most ? null : link;
}

/**
 * Ceilings as dashed lines across a chart, each with its name; null where none is known.
 * @param axis that the values are on
 * @param named whether there is room for names
 */
export function ceilingLines(
  ceilings: Ceilings,
  axis: 'xAxis' | 'yAxis',
  named = true,
): JsonObject | null {
  const { link, direct } = ceilings;
  const lines = [
    ...(link === null ? [] : [{ at: link, text: `link ${figure(link)} Gbps` }]),
    ...(direct === null ? [] : [{ at: direct, text: DIRECT_CEILING }]),
  ];
  if (lines.length === 0) return null;
  return {
    silent: true,
    symbol: 'none',
    lineStyle: { color: '$muted', type: 'dashed', width: 1.5 },
    data: lines.map(({ at, text }, index) => ({
      [axis]: short(at),
      label: {
        show: named,
        formatter: text,
        color: '$muted',
        fontSize: 12,
        // Rows run downwards, so that a line starts at the top: one name above the other.
        ...(axis === 'xAxis'
          ? { position: 'start', distance: 4 + index * LINE }
          : {
              position: text === DIRECT_CEILING ? 'insideStartBottom' : 'insideEndTop',
              distance: 4,
            }),
      },
    })),
  };
}

/** Pixels above the rows for the names of all ceilings. */
export function ceilingRoom(ceilings: Ceilings): number {
  return ceilingTexts(ceilings).length * LINE;
}

const LINE = 15;
