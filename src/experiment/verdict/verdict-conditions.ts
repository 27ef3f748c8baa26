/**
 * How a verdict speaks of forwarders whose entries have a check, a payload or pages of their own: beside the baseline
 * the condition is compared, which the scenario asked for, and never which forwarder is faster.
 */
import { plural, ratioNumber } from '../../base/units/quantity.js';
import type { SummaryRow } from '../../data/record/summary-columns.js';
import { checkText, endsOf } from './condition.js';
import { ENDS_WORDS } from './verdict-ends.js';
import { intervalText, marginText } from './verdict-words.js';

type UseOf = (scenario: string, label: string) => string;

/** True of a row whose ratio is to a baseline under another condition. */
export function comparesConditions({ compares }: Pick<SummaryRow, 'compares'>): boolean {
  return compares === 'conditions';
}

/** A sentence for each forwarder with a condition of its own, over all cells in which it has a ratio. */
export function conditionNotes(summary: readonly SummaryRow[], useOf: UseOf): string[] {
  const groups = new Map<string, SummaryRow[]>();
  for (const row of summary) {
    if (!comparesConditions(row) || row.metric !== 'goodput' || row.ratio === null) continue;
    const key = JSON.stringify([row.scenario, row.forwarder, row.baseline, checkText(row)]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].map((rows) => sentence(rows, summary, useOf));
}

function sentence(
  rows: readonly SummaryRow[],
  summary: readonly SummaryRow[],
  useOf: UseOf,
): string {
  const [row] = rows;
  if (row === undefined) return '';
  const { scenario, forwarder, baseline, cell } = row;
  const [use, other] = [useOf(scenario, forwarder), useOf(scenario, baseline)];
  const base = summary.find((one) => one.cell === cell && one.forwarder === baseline);
  const who = `${use} ${endsText(row)}${use === forwarder ? '' : ` (${forwarder})`}`;
  const whose = `${baseline}'s goodput${base === undefined ? '' : ` ${endsText(base)}`}`;
  const both = use === other ? '' : '; both the forwarder and its condition differ there';
  return `Conditions: ${who} ${figures(rows)} of ${whose}${openText(rows)}${both}.`;
}

/** "with the ends out of the way, from contiguous pages" */
function endsText(row: SummaryRow): string {
  const from = row.pages == null ? '' : `, from ${row.pages} pages`;
  return ENDS_WORDS[endsOf(row)] + from;
}

/** "keeps 0.87 (0.85 to 0.89)"; of several cells from the least to the most. */
function figures(rows: readonly SummaryRow[]): string {
  const sorted = rows.toSorted((a, b) => (a.ratio ?? 0) - (b.ratio ?? 0));
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (least === undefined || most === undefined) return '';
  const verb = (most.ratio ?? 0) < 1 ? 'keeps' : 'has';
  if (least === most) return `${verb} ${ratioNumber(least.ratio)}${intervalText(least)}`;
  const cells = plural(rows.length, 'condition');
  return `${verb} ${ratioNumber(least.ratio)} to ${ratioNumber(most.ratio)} (${cells})`;
}

/** What one interval leaves open. */
function openText([row, ...others]: readonly SummaryRow[]): string {
  if (row === undefined || others.length > 0) return '';
  if (row.ratio_ci_low === null)
    return `, in ${plural(row.pairs, 'block')}, too few for an interval`;
  if (row.answer === 'equivalent') return `, equivalent within ${marginText(row)}`;
  return row.answer === 'undecided' ? ', undecided' : '';
}

/** Rows of a table that are about a condition of their own: "copy-checked (check: full)". */
export function ownConditionName(
  row: Pick<SummaryRow, 'forwarder' | 'check' | 'payload' | 'pages'>,
): string {
  return `${row.forwarder} (${checkText(row)})`;
}
