/**
 * How a verdict speaks of real bytes beside the forwarder alone. Pages that no CPU touches show what a
 * forwarder can do, and not what its user gets: no verdict rests on them alone without saying so.
 */
import { coresFor } from '../../base/units/cores.js';
import { figure, ratio } from '../../base/units/quantity.js';
import type { SummaryRow } from '../../data/record/summary-columns.js';
import type { EndsKind } from './condition.js';
import { isLeast } from './verdict-limit.js';
import { type BaselineComparison, intervalText, subjectName } from './verdict-words.js';

export const ENDS_WORDS: Readonly<Record<EndsKind, string>> = {
  copied: 'with real bytes',
  prepared: 'with the ends out of the way',
  checked: 'with every byte checked',
};

/** "; the forwarder alone, with the ends out of the way, 1.77x (1.74 to 1.79), at 0.52x the forwarder's CPU per GB" */
export function besideText(kind: EndsKind, { comparison, cpu }: Beside): string {
  const { main } = comparison;
  const alone = kind === 'prepared' ? 'the forwarder alone, ' : '';
  const least = isLeast(comparison) ? 'at least ' : '';
  const open =
    main.answer === 'equivalent' || main.answer === 'undecided' ? `, ${main.answer}` : '';
  return `; ${alone}${ENDS_WORDS[kind]}, ${least}${ratio(main.ratio)}${intervalText(main)}${open}${cpu}`;
}

/** The same forwarders between ends of another kind. */
export interface Beside {
  comparison: BaselineComparison;
  /** Its CPU, in words. */
  cpu: string;
}

/** The rate at which verdicts count cores, Gbps. */
const PLANNED = 10;

/**
 * "; 10 Gbps with real bytes take 0.93 cores of the whole system instead of 1.31, and 0.12 of the forwarder
 * instead of 0.26"; empty where no cost is known.
 */
export function coresText(kind: EndsKind, comparison: BaselineComparison): string {
  const { cpu, system, baseCpu, baseSystem } = comparison;
  const parts = [
    ...coresPart(system, baseSystem, 'the whole system'),
    ...coresPart(cpu, baseCpu, 'the forwarder'),
  ];
  if (parts.length === 0) return '';
  return `; ${PLANNED} Gbps ${ENDS_WORDS[kind]} take ${parts.join(', and ')}`;
}

function coresPart(own: SummaryRow | null, base: SummaryRow | null, whose: string): string[] {
  if (own?.median == null || base?.median == null) return [];
  const cores = (median: number) => figure(coresFor(PLANNED, median), 2);
  return [`${cores(own.median)} cores of ${whose} instead of ${cores(base.median)}`];
}

/**
 * Why real bytes and the forwarder alone give different answers: what source, sink and kernel take beside the
 * forwarder, which it does not save. Empty where the two agree, or nothing is known of it.
 */
export function differenceText(
  [lead, other]: readonly [BaselineComparison, BaselineComparison],
  [leadKind, otherKind]: readonly [EndsKind, EndsKind],
): string {
  const first = restOf(lead);
  const second = restOf(other);
  if (agrees(lead.main, other.main) || first === null || second === null) return '';
  const rest = `${figure(first)} s/GB ${ENDS_WORDS[leadKind]} and ${figure(second)} s/GB ${ENDS_WORDS[otherKind]}`;
  return ` The two differ because no forwarder saves what source, sink and the rest of the host take beside it: ${rest} (${subjectName(lead)}).`;
}

/** CPU seconds per GB of everything but the forwarder. */
function restOf({ cpu, system }: BaselineComparison): number | null {
  if (cpu?.median == null || system?.median == null) return null;
  return Math.max(0, system.median - cpu.median);
}

/** Not where their answers differ, nor where their intervals do not meet. */
export function agrees(a: SummaryRow, b: SummaryRow): boolean {
  if (a.answer !== b.answer) return false;
  if (a.ratio_ci_low === null || a.ratio_ci_high === null) return true;
  if (b.ratio_ci_low === null || b.ratio_ci_high === null) return true;
  return a.ratio_ci_low <= b.ratio_ci_high && b.ratio_ci_low <= a.ratio_ci_high;
}

/** What a verdict on the forwarder alone lacks; empty for other kinds of ends. */
export function lackText(kind: EndsKind): string {
  return kind === 'prepared'
    ? ' This is the forwarder alone: real bytes were not measured (workload.payload: copied).'
    : '';
}
