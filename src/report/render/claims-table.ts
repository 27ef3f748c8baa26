/** Judged claims for people and programs: terminal, Markdown, CSV. Pure. */
import { verdictText } from '../model/claim-verdict.js';
import { stringify } from 'csv-stringify/sync';
import type { JudgedClaim } from '../../tasks/claims/judge-claim.js';
import { rangeText } from '../../tasks/claims/quantity-claim.js';
import type { ClaimTest } from '../../tasks/claims/claim.js';
import type { RunManifest } from '../../data/record/record.js';
import type { Chart } from '../charts/chart.js';
import { runText } from '../model/facts.js';
import { printable, wrapped } from '../../base/text/layout.js';
import { figure, plural } from '../../base/units/quantity.js';

/** What may be concluded from a table, said below it. */
const NOTE =
  'Supported and refuted rest on a 95 % interval wholly inside or outside of what is claimed; not ' +
  'reproduced means that nothing was shown, with the bound that was reached. Where source, sink or link limited goodput, the ' +
  'figure is a bound and decides on one side only. A claim about network cards is never decided by ' +
  'loopback or veth: what these show is marked as emulated.';

/** A paragraph per claim, and a count of the verdicts. */
export function claimsText(judged: readonly JudgedClaim[], columns: number): string {
  const paragraphs = judged.map((one) =>
    [
      `${one.claim.id}: ${verdictText(one)}`,
      ...wrapped(printable(`${one.claim.statement} (${one.claim.source})`), columns - 2),
      ...wrapped(printable(one.detail), columns - 2),
    ].join('\n  '),
  );
  const note = wrapped(NOTE, columns).join('\n');
  return `${[...paragraphs, claimCounts(judged), note].join('\n\n')}\n`;
}

/** "21 claims: 3 supported, 1 refuted, …". */
export function claimCounts(judged: readonly JudgedClaim[]): string {
  const counts = (['supported', 'refuted', 'not reproduced', 'cannot be tested here'] as const).map(
    (verdict) => `${judged.filter((one) => one.verdict === verdict).length} ${verdict}`,
  );
  return `${plural(judged.length, 'claim')}: ${counts.join(', ')}.`;
}

/**
 * claims.md
 * @param runs that were judged
 * @param charts drawn beside it, each `NAME.svg`
 */
export function claimsMarkdown(
  judged: readonly JudgedClaim[],
  runs: readonly RunManifest[],
  charts: readonly Chart[],
): string {
  const cell = (text: string) => printable(text).replaceAll('|', '\\|');
  const rows = judged.map((one) =>
    [one.claim.statement, one.claim.source, verdictText(one), one.detail].map(cell).join(' | '),
  );
  return [
    '# Published claims',
    '',
    claimCounts(judged),
    '',
    '| Claim | Source | Verdict | Found |',
    '| --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row} |`),
    '',
    NOTE,
    '',
    ...(runs.length === 0 ? [] : [`Measured in ${runs.map(runText).join('; ')}.`, '']),
    ...charts.flatMap(({ name, alt }) => [`![${cell(alt)}](${name}.svg)`, '']),
  ].join('\n');
}

/** claims.csv */
export function claimsCsv(judged: readonly JudgedClaim[]): string {
  const rows = judged.map((one) => ({
    id: one.claim.id,
    source: one.claim.source,
    statement: one.claim.statement,
    place: one.claim.place,
    scenario: one.claim.judged?.scenario ?? '',
    metric: metricOf(one.claim.judged),
    claimed: claimedOf(one.claim.judged),
    verdict: one.verdict,
    emulated: one.emulated ?? '',
    measured: number(one.measured?.value),
    ci_low: number(one.measured?.low),
    ci_high: number(one.measured?.high),
    trials: one.trials,
    topologies: one.topologies.join(' '),
    detail: one.detail,
  }));
  return stringify(rows, { header: true });
}

function metricOf(judged: ClaimTest | null): string {
  return judged !== null && 'metric' in judged.test ? judged.test.metric : '';
}

function claimedOf(judged: ClaimTest | null): string {
  const claimed = judged !== null && 'claimed' in judged.test ? judged.test.claimed : null;
  return claimed === null ? '' : typeof claimed === 'string' ? claimed : rangeText(claimed);
}

function number(value: number | null | undefined): string {
  return value === null || value === undefined ? '' : figure(value, 6).replaceAll(',', '');
}
