/** The integrity table as reports show it; what it says is computed in src/integrity/table.ts. */
import { stringify } from 'csv-stringify/sync';
import { violatedConnections } from '../integrity/fates.js';
import { conditionRows, type IntegrityRow, runRows } from '../integrity/table.js';
import type { Tally } from '../integrity/tally.js';
import { boundText, classesText, perThousandText, rateNumber } from '../integrity/tally-text.js';
import { OUTCOMES } from '../results/record.js';
import type { PlainTable } from './facts.js';
import type { Exporter, RunReport } from './model.js';
import { bytes, count, shortCount, UNAVAILABLE } from './quantity.js';

/** What the checks found per forwarder and in all, for the written reports. */
export function integrityTable(report: RunReport): PlainTable {
  const rows = integrityRows(report);
  return {
    head: ['forwarder', 'outcomes of trials', ...WIDE_HEAD],
    numeric: 3,
    rows: rows.map((row) => [nameOf(row), outcomesText(row.sum), ...wideCells(row)]),
  };
}

/** The same for each checked condition; without rows where there is one only. */
export function stressorTable(report: RunReport): PlainTable {
  const rows = conditionRows(inputOf(report));
  return {
    head: ['condition', 'forwarder', ...WIDE_HEAD],
    numeric: 3,
    rows: rows.map((row) => [row.cell?.key ?? '', nameOf(row), ...wideCells(row)]),
  };
}

/** Rows of the whole run, for whoever draws its own table. */
export function integrityRows(report: RunReport): IntegrityRow[] {
  return runRows(inputOf(report));
}

function inputOf({ trials, forwarders, manifest }: RunReport) {
  return { trials, forwarders, unavailable: manifest.unavailable ?? [] };
}

function nameOf({ forwarder }: IntegrityRow): string {
  return forwarder ?? 'all';
}

/** What the table counts, for those who read it. */
export const TRANSFERS =
  'A transfer is one connection of one trial; it is wrong when its bytes are not those that were sent ' +
  '(corrupt, truncated or too long). Rates are exact Poisson bounds on what was verified, not on what ' +
  'was sent: one-sided where nothing was found, else the two-sided interval.';

const WIDE_HEAD = [
  'classes',
  'verified',
  'transfers (trials)',
  'incidents',
  'truncated',
  'stalled',
  'reset',
  'bytes corrupted / missing / extra',
  'incidents per TB at 95 %',
  'wrong transfers per 1,000 at 95 %',
];

function wideCells({ sum, unavailable }: IntegrityRow): string[] {
  if (unavailable !== null) {
    return ['–', `not checked: ${unavailable}`, ...WIDE_HEAD.slice(2).map(() => UNAVAILABLE)];
  }
  return [
    classesText(sum),
    bytes(sum.verifiedBytes),
    `${count(sum.checkedConnections)} (${count(sum.checkedTrials)})`,
    count(sum.incidents),
    ...[sum.fates.truncated, sum.fates.stalled, sum.fates.reset].map((n) => told(sum, count(n))),
    [sum.corruptedBytes, sum.missingBytes, sum.extraBytes].map(bytes).join(' / '),
    sum.perTb === null ? UNAVAILABLE : boundText(sum.perTb),
    sum.perConnection === null ? UNAVAILABLE : perThousandText(sum.perConnection),
  ];
}

/** Records of an earlier version may not tell what became of their connections. */
function told(sum: Tally, text: string): string {
  return sum.untoldConnections > 0 ? UNAVAILABLE : text;
}

function outcomesText(sum: Tally): string {
  const texts = OUTCOMES.flatMap((outcome) => {
    const trials = sum.outcomes[outcome] ?? 0;
    return trials === 0 ? [] : [`${count(trials)} ${outcome}`];
  });
  return texts.length === 0 ? '–' : texts.join(', ');
}

/** Two lines of head per column, so that the table fits a terminal. */
export const NARROW_HEAD: readonly [string, string][] = [
  ['forwarder', ''],
  ['verified', ''],
  ['trans-', 'fers'],
  ['inci-', 'dents'],
  ['trun-', 'cated'],
  ['stal-', 'led'],
  ['re-', 'set'],
  ['below', 'per TB'],
  ['below', 'per 1,000'],
];

/** The figures in few characters; the bounds are the upper ones. */
export function narrowRow(row: IntegrityRow): string[] {
  const { sum } = row;
  if (row.unavailable !== null) {
    return [nameOf(row), 'none', ...NARROW_HEAD.slice(2).map(() => UNAVAILABLE)];
  }
  const upper = (rate: { high: number } | null, factor: number) =>
    rate === null ? UNAVAILABLE : rateBrief(rate.high * factor);
  return [
    nameOf(row),
    bytes(sum.verifiedBytes),
    brief(sum.checkedConnections),
    brief(sum.incidents),
    ...[sum.fates.truncated, sum.fates.stalled, sum.fates.reset].map((n) => told(sum, brief(n))),
    upper(sum.perTb, 1),
    upper(sum.perConnection, 1000),
  ];
}

/** A rate in few characters, also where nearly every byte is wrong. */
function rateBrief(rate: number): string {
  return rate < 1e6 ? rateNumber(rate) : rate.toExponential(1).replace('+', '');
}

/** A count in few characters, exact where it is small. */
function brief(value: number): string {
  return value < 10_000 ? count(value) : shortCount(value);
}

/** Columns of integrity.csv. Empty = unavailable, and `unavailable` says why. */
export const INTEGRITY_COLUMNS = [
  'scope',
  'scenario',
  'cell',
  'forwarder',
  'trials',
  'checked_trials',
  'transfers',
  'verified_bytes',
  'incidents',
  'corrupted_bytes',
  'missing_bytes',
  'extra_bytes',
  'transfers_corrupt',
  'transfers_truncated',
  'transfers_extra',
  'transfers_stalled',
  'transfers_reset',
  'incidents_per_tb_low',
  'incidents_per_tb_high',
  'violated_transfers',
  'violated_per_transfer_low',
  'violated_per_transfer_high',
  'unavailable',
] as const;

/** integrity.csv: the whole run (`scope` run), then each checked condition where there are several. */
export const integrityCsv: Exporter = {
  file: 'integrity.csv',
  write: (report) => {
    const rows = [...integrityRows(report), ...conditionRows(inputOf(report))];
    return stringify([[...INTEGRITY_COLUMNS], ...rows.map(csvRow)]);
  },
};

function csvRow(row: IntegrityRow): (string | number | null)[] {
  const { sum, cell, unavailable } = row;
  const checked = unavailable === null;
  const known = checked && sum.untoldConnections === 0;
  const trials = Object.values(sum.outcomes).reduce((total, times) => total + times, 0);
  const { corrupt, truncated, extra, stalled, reset } = sum.fates;
  const figures = [
    sum.checkedConnections,
    sum.verifiedBytes,
    sum.incidents,
    sum.corruptedBytes,
    sum.missingBytes,
    sum.extraBytes,
  ];
  return [
    cell === null ? 'run' : 'condition',
    cell?.scenario ?? null,
    cell?.key ?? null,
    nameOf(row),
    trials,
    sum.checkedTrials,
    ...figures.map((figure) => (checked ? figure : null)),
    ...[corrupt, truncated, extra, stalled, reset].map((figure) => (known ? figure : null)),
    sum.perTb?.low ?? null,
    sum.perTb?.high ?? null,
    known ? violatedConnections(sum.fates) : null,
    sum.perConnection?.low ?? null,
    sum.perConnection?.high ?? null,
    unavailable ??
      (known ? null : 'stored by a version that did not tell what became of each connection'),
  ];
}
