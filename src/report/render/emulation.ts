/** The emulation of 2008 in words and a table. */
import { type BudgetFigures, CLAIMED, type FoundBudget } from '../../tasks/claims/budget-2008.js';
import type { Interval } from '../../base/statistics/interval.js';
import { figure } from '../../base/units/quantity.js';

export interface Emulation {
  budget: FoundBudget;
  figures: BudgetFigures[];
  blocks: number;
}

const LABEL =
  'Emulated: a share of this CPU stands for the CPU of 2008, veth pairs limited to 10 Gbps for its ' +
  'network cards. It decides nothing about network cards.';

/** As Markdown, which is also what the terminal shows. */
export function emulationMarkdown({ budget, figures, blocks }: Emulation): string {
  const head = ['# The 2008 claim under a CPU budget', '', LABEL, ''];
  const steps = budget.steps.map(({ cpus, gbps }) => `${share(cpus)}: ${figure(gbps)} Gbps`);
  const searched = `Search, copying: ${steps.join(', ')}.`;
  if (budget.cpus === null) {
    return [
      ...head,
      searched,
      '',
      `Unavailable: ${budget.reason ?? 'no budget was found'}.`,
      '',
    ].join('\n');
  }
  const rows = figures.map(({ cpus, copy, splice, ratio, holds }) =>
    [
      ...['', share(cpus), withInterval(copy), withInterval(splice), withInterval(ratio)],
      ...[holds === null ? 'unknown' : holds ? 'yes' : 'no', ''],
    ]
      .join(' | ')
      .trim(),
  );
  return [
    ...head,
    searched,
    '',
    ...sentences(budget.cpus, figures, blocks),
    '',
    '| CPU budget | copy, Gbps | splice, Gbps | splice over copy | claim holds |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function sentences(cpus: number, figures: readonly BudgetFigures[], blocks: number): string[] {
  const same = figures.find((each) => each.cpus === cpus);
  const reached =
    same === undefined || same.splice.median === null
      ? `What splicing reaches with ${share(cpus)} is not known.`
      : `With ${share(cpus)}, where copying forwards ${withInterval(same.copy)} Gbps, splicing forwards ` +
        `${withInterval(same.splice)} Gbps: ${withInterval(same.ratio)} times as much. The report: ` +
        `${CLAIMED.splice} over ${CLAIMED.copy}, ${(CLAIMED.splice / CLAIMED.copy).toFixed(2)} times.`;
  const holding = figures.filter(({ holds }) => holds === true).map((each) => share(each.cpus));
  const where =
    holding.length > 0
      ? `The claim holds with ${holding.join(', ')}: copying stops at ${CLAIMED.copy} Gbps and splicing fills the link.`
      : `With none of these budgets does the claim hold as it stands: copying at most at ${CLAIMED.copy} Gbps while splicing fills a link of ${CLAIMED.splice}.`;
  const fills = figures.find((each) => each.fills === true);
  const full =
    fills === undefined
      ? []
      : [
          `Splicing fills the link from ${share(fills.cpus)} on, where copying forwards ` +
            `${withInterval(fills.copy)} Gbps.`,
        ];
  const few = figures.some(({ ratio }) => ratio.interval === null)
    ? [`${blocks} blocks are too few for intervals of 95 %.`]
    : [];
  return [reached, '', [where, ...full, ...few].join(' ')];
}

function share(cpus: number): string {
  return `${(cpus * 100).toFixed(1)} % of a CPU`;
}

function withInterval(one: { median: number | null; interval: Interval | null }): string {
  if (one.median === null) return 'unavailable';
  const { interval } = one;
  const bounds = interval === null ? '' : ` (${figure(interval.low)} to ${figure(interval.high)})`;
  return `${figure(one.median)}${bounds}`;
}
