/** The integrity table as reports show it; what it says is computed in data/integrity/integrity-rows.ts. */
import {
  conditionRows,
  type IntegrityInput,
  type IntegrityRow,
  runRows,
} from '../../data/integrity/integrity-rows.js';
import type { Tally } from '../../data/integrity/tally.js';
import {
  boundText,
  classesText,
  perThousandText,
  rateDigits,
  remarksOf,
} from '../../data/integrity/tally-text.js';
import { OUTCOMES } from '../../data/record/words.js';
import { bytes, count, shortCount, UNAVAILABLE } from '../../base/units/quantity.js';
import {
  type TableCell,
  type TableColumn,
  type Note,
  type Row,
  type Table,
  WRITTEN,
} from './document-blocks.js';
import type { RunReport } from './report-types.js';

/** What the checks found per forwarder and in all. */
export function integrityTable(input: IntegrityInput): Table {
  const rows = runRows(input);
  return {
    kind: 'table',
    caption: 'What the byte checks found, per forwarder',
    columns: [NAME, { kind: 'word', title: 'outcomes of trials', in: WRITTEN }, ...COLUMNS],
    rows: rows.map((row) => ({
      cells: [{ text: rowName(row) }, { text: outcomesText(row.sum) }, ...figureCells(row)],
      mark: markOf(row),
    })),
    notes: [...rows.flatMap(remark), { text: TRANSFERS, in: WRITTEN }],
  };
}

/** The same for each checked condition; without rows where there is one only. */
export function conditionTable(input: IntegrityInput): Table {
  return {
    kind: 'table',
    caption: 'What the byte checks found, per condition and forwarder',
    columns: [{ kind: 'label', title: 'condition' }, NAME, ...COLUMNS],
    rows: conditionRows(input).map((row) => ({
      cells: [{ text: row.cell?.key ?? '' }, { text: rowName(row) }, ...figureCells(row)],
      mark: markOf(row),
    })),
    notes: [],
  };
}

/** What the integrity table of a run is computed from. */
export function integrityInput({ trials, forwarders, manifest }: RunReport): IntegrityInput {
  return { trials, forwarders, unavailable: manifest.unavailable ?? [] };
}

/** The forwarder's label, or "all". */
export function rowName({ forwarder }: IntegrityRow): string {
  return forwarder ?? 'all';
}

function markOf({ forwarder, sum }: IntegrityRow): Row['mark'] {
  if (forwarder === null) return 'total';
  return sum.violatedTrials > 0 ? 'bad' : undefined;
}

/** What the terminal has no columns for. */
function remark(row: IntegrityRow): Note[] {
  const remarks = row.unavailable === null ? remarksOf(row.sum) : '';
  if (row.forwarder === null || remarks === '') return [];
  return [{ text: `${row.forwarder}: ${remarks}`, in: ['terminal'] }];
}

/** What the table counts, for those who read it. */
const TRANSFERS =
  'A transfer is one connection of one trial; it is wrong when its bytes are not those that were sent ' +
  '(corrupt, truncated or too long). Rates are exact Poisson bounds on what was verified, not on what ' +
  'was sent: one-sided where nothing was found, else the two-sided interval.';

const NAME: TableColumn = { kind: 'label', title: 'forwarder', brief: ['forwarder', ''] };

const COLUMNS: readonly TableColumn[] = [
  { kind: 'word', title: 'classes', in: WRITTEN },
  { kind: 'figure', title: 'verified', brief: ['verified', ''] },
  { kind: 'figure', title: 'transfers (trials)', brief: ['trans-', 'fers'] },
  { kind: 'figure', title: 'incidents', brief: ['inci-', 'dents'] },
  { kind: 'figure', title: 'truncated', brief: ['trun-', 'cated'] },
  { kind: 'figure', title: 'stalled', brief: ['stal-', 'led'] },
  { kind: 'figure', title: 'reset', brief: ['re-', 'set'] },
  { kind: 'figure', title: 'bytes corrupted / missing / extra', in: WRITTEN },
  { kind: 'figure', title: 'incidents per TB at 95 %', brief: ['below', 'per TB'] },
  { kind: 'figure', title: 'wrong transfers per 1,000 at 95 %', brief: ['below', 'per 1,000'] },
];

/** The cells of COLUMNS. Where width is scarce counts are rounded, and of bounds the upper one is given. */
function figureCells({ sum, unavailable }: IntegrityRow): TableCell[] {
  if (unavailable !== null) {
    const rest = COLUMNS.slice(2).map(() => ({ text: UNAVAILABLE }));
    return [{ text: '–' }, { text: 'none', note: `not checked: ${unavailable}` }, ...rest];
  }
  const told = (value: number) =>
    sum.unknownConnections > 0 ? { text: UNAVAILABLE } : countCell(value);
  return [
    { text: classesText(sum) },
    { text: bytes(sum.verifiedBytes) },
    {
      text: `${count(sum.checkedConnections)} (${count(sum.checkedTrials)})`,
      brief: brief(sum.checkedConnections),
    },
    countCell(sum.incidents),
    told(sum.connectionOutcomes.truncated),
    told(sum.connectionOutcomes.stalled),
    told(sum.connectionOutcomes.reset),
    { text: [sum.corruptedBytes, sum.missingBytes, sum.extraBytes].map(bytes).join(' / ') },
    sum.perTb === null
      ? { text: UNAVAILABLE }
      : { text: boundText(sum.perTb), brief: rateBrief(sum.perTb.high) },
    sum.perConnection === null
      ? { text: UNAVAILABLE }
      : {
          text: perThousandText(sum.perConnection),
          brief: rateBrief(sum.perConnection.high * 1000),
        },
  ];
}

function countCell(value: number): TableCell {
  return { text: count(value), brief: brief(value) };
}

function outcomesText(sum: Tally): string {
  const texts = OUTCOMES.flatMap((outcome) => {
    const trials = sum.outcomes[outcome] ?? 0;
    return trials === 0 ? [] : [`${count(trials)} ${outcome}`];
  });
  return texts.length === 0 ? '–' : texts.join(', ');
}

/** A rate in few characters, also where nearly every byte is wrong. */
function rateBrief(rate: number): string {
  return rate < 1e6 ? rateDigits(rate) : rate.toExponential(1).replace('+', '');
}

/** A count in few characters, exact where it is small. */
function brief(value: number): string {
  return value < 10_000 ? count(value) : shortCount(value);
}
