import { stringify } from 'csv-stringify/sync';
import { violatedConnections } from '../../data/integrity/connection-outcomes.js';
import { conditionRows, type IntegrityRow, runRows } from '../../data/integrity/integrity-rows.js';
import { integrityInput, rowName } from '../model/integrity-table.js';
import type { Exporter } from '../model/report-types.js';

/** Columns of integrity.csv. Empty = unavailable, and `unavailable` says why. */
const INTEGRITY_COLUMNS = [
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
    const rows = [...runRows(integrityInput(report)), ...conditionRows(integrityInput(report))];
    return stringify([[...INTEGRITY_COLUMNS], ...rows.map(csvRow)]);
  },
};

function csvRow(row: IntegrityRow): (string | number | null)[] {
  const { sum, cell, unavailable } = row;
  const checked = unavailable === null;
  const known = checked && sum.unknownConnections === 0;
  const trials = Object.values(sum.outcomes).reduce((total, times) => total + times, 0);
  const { corrupt, truncated, extra, stalled, reset } = sum.connectionOutcomes;
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
    rowName(row),
    trials,
    sum.checkedTrials,
    ...figures.map((figure) => (checked ? figure : null)),
    ...[corrupt, truncated, extra, stalled, reset].map((figure) => (known ? figure : null)),
    sum.perTb?.low ?? null,
    sum.perTb?.high ?? null,
    known ? violatedConnections(sum.connectionOutcomes) : null,
    sum.perConnection?.low ?? null,
    sum.perConnection?.high ?? null,
    unavailable ??
      (known ? null : 'stored by a version that did not record how each connection ended'),
  ];
}
