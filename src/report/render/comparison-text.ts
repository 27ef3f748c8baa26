/** A comparison of two stored results as a person reads it. */
import type { ComparedFigure, SidesComparison } from '../../experiment/verdict/comparison.js';
import { printable } from '../../base/text/layout.js';
import { tableLines } from '../../base/text/table.js';
import { figure, plural, ratio, ratioNumber, UNAVAILABLE } from '../../base/units/quantity.js';

/** Comparing at 5 % calls one in twenty a difference that is none. */
const CHANCE = 0.05;

/** Tables by condition, what the two sides differ in, and a sentence that sums up. */
export function comparisonText(comparison: SidesComparison): string {
  const { a, b, figures, notes } = comparison;
  const cells = [...new Set(figures.map(({ cell }) => cell))];
  const paired = figures.some(({ method }) => method === 'paired');
  const sections = [
    `a: ${printable(a)}\nb: ${printable(b)}`,
    ...cells.map((cell) => section(cell, figures)),
    ...(notes.length === 0 ? [] : [notes.map((note) => printable(note)).join('\n')]),
    summary(figures),
    ...(figures.length === 0
      ? []
      : [
          paired
            ? '~ no difference shown: the interval of the ratios by block holds 1'
            : '~ no difference shown: Mann-Whitney p is 5 % or more; the machine may have drifted between the runs',
        ]),
  ];
  return `${sections.join('\n\n')}\n`;
}

function section(cell: string, figures: readonly ComparedFigure[]): string {
  const rows = figures
    .filter((one) => one.cell === cell)
    .map((one) => [
      printable(one.forwarder),
      `${one.metric}, ${one.unit}`,
      figure(one.median_a),
      figure(one.median_b),
      ratioText(one),
      `${one.n_a} / ${one.n_b}`,
      one.p === null ? '' : one.p < 0.001 ? '<0.001' : one.p.toFixed(3),
    ]);
  const head = ['forwarder', 'metric', 'a', 'b', 'b over a, 95 %', 'n', 'p'];
  const right = head.map((name) => FIGURES.includes(name));
  return [printable(cell), ...tableLines({ head: [head], rows, right })].join('\n');
}

/** Columns set right. */
const FIGURES: readonly string[] = ['a', 'b', 'n', 'p'];

function ratioText(one: ComparedFigure): string {
  if (one.ratio === null) return `${UNAVAILABLE} (${one.reason ?? 'not measured'})`;
  const sign = one.significant === true ? '' : '~';
  if (one.ratio_ci_low === null || one.ratio_ci_high === null) {
    return `${sign}${ratio(one.ratio)} (${one.reason ?? 'no interval'})`;
  }
  return `${sign}${ratio(one.ratio)} ${ratioNumber(one.ratio_ci_low)}–${ratioNumber(one.ratio_ci_high)}`;
}

function summary(figures: readonly ComparedFigure[]): string {
  if (figures.length === 0)
    return 'Nothing to compare: the two have no condition and forwarder in common.';
  const differing = figures.filter(({ significant }) => significant === true);
  const better = differing.filter((one) => (one.ratio ?? 1) > 1 === one.moreIsBetter);
  const undecided = figures.filter(({ significant }) => significant === null).length;
  const expected = figures.length * CHANCE;
  return (
    `${plural(differing.length, 'figure')} of ${figures.length} differ: ` +
    `b is better in ${better.length} and worse in ${differing.length - better.length}` +
    (undecided > 0 ? `; ${undecided} could not be judged` : '') +
    `. By chance alone about ${figure(expected, 2)} of ${figures.length} would.`
  );
}
