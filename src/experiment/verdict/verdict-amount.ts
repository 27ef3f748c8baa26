/**
 * Whether a fixed amount and a fixed time say the same of the same forwarders. Where they do not, one of them
 * measures something else, such as the start of a stream: a benchmark by amount and one by time have called the
 * same proxy a quarter slower and three times faster. Pure.
 */
import { ratio } from '../../base/units/quantity.js';
import { variedOf } from '../../data/record/cell-key.js';
import type { SummaryRow } from '../../data/record/summary-columns.js';
import { intervalText } from './verdict-words.js';

/** Keys of a matrix that say how much is sent, and how long. */
const AMOUNT = ['bytes', 'workload.bytes'];
const TIME = ['seconds', 'workload.seconds', 'warmup', 'workload.warmup'];
/** What a matrix has where a condition has no fixed amount. */
const NONE = 'null';

interface Measured {
  row: SummaryRow;
  /** null = for a fixed time. */
  amount: string | null;
}

/** A sentence per forwarder and pair of conditions whose intervals of the ratio to the baseline do not meet. */
export function amountNotes(summary: readonly SummaryRow[]): string[] {
  const groups = new Map<string, Measured[]>();
  for (const row of summary) {
    const varied = variedOf(row);
    const amount = varied.find(([name]) => AMOUNT.includes(name))?.[1];
    if (row.metric !== 'goodput' || row.ratio === null || amount === undefined) continue;
    const rest = varied.filter(([name]) => !AMOUNT.includes(name) && !TIME.includes(name));
    const key = JSON.stringify([row.scenario, row.forwarder, row.baseline, row.check, rest]);
    const group = groups.get(key) ?? [];
    groups.set(key, [...group, { row, amount: amount === NONE ? null : amount }]);
  }
  return [...groups.values()].flatMap((group) => {
    const byTime = group.filter(({ amount }) => amount === null);
    const byAmount = group.filter(({ amount }) => amount !== null);
    return byTime.flatMap((time) =>
      byAmount.filter((one) => areApart(one.row, time.row)).map((one) => sentence(one, time.row)),
    );
  });
}

/** Without an interval on either side nothing is shown. */
function areApart(a: SummaryRow, b: SummaryRow): boolean {
  const { ratio_ci_low: aLow, ratio_ci_high: aHigh } = a;
  const { ratio_ci_low: bLow, ratio_ci_high: bHigh } = b;
  if (aLow === null || aHigh === null || bLow === null || bHigh === null) return false;
  return aHigh < bLow || bHigh < aLow;
}

function sentence({ row, amount }: Measured, time: SummaryRow): string {
  const { forwarder, baseline } = row;
  return (
    `A fixed amount and a fixed time do not agree: ${forwarder} is ${figure(row)} as fast as ${baseline} over ` +
    `${amount ?? ''} and ${figure(time)} for a time. What streams do at their start and end counts in the first ` +
    `only: say which of the two a figure is of.`
  );
}

function figure(row: SummaryRow): string {
  return `${ratio(row.ratio)}${intervalText(row)}`;
}
