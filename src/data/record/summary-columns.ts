/**
 * The columns of summary.csv, one row per metric of one forwarder in one cell: those that users' scripts
 * rely on in their order, then further ones. Type, CSV and the table in docs/reading-results.md are made from this table.
 */
import { known, measured, type RowOf } from './column.js';
import type {
  Answer,
  Bottleneck,
  Check,
  Direction,
  Pages,
  Payload,
  WorkloadKind,
} from './words.js';

export const SUMMARY_TABLE = {
  scenario: known<string>('the condition'),
  topology: known<string>('the condition'),
  forwarder: known<string>('what is compared'),
  baseline: known<string>('with what'),
  check: known<Check>('the condition'),
  metric: known<string>('see the list below'),
  unit: known<string>('of `median` and its interval'),
  n: known<number>('trials that gave the figure'),
  median: measured<number>('', 'over trials'),
  ci_low: measured<number>('', 'its 95 % interval; none below 6 trials'),
  ci_high: measured<number>('', 'its 95 % interval; none below 6 trials'),
  ratio: measured<number>(
    '',
    'ratio to the baseline over blocks: of sets the mean of their logarithms, else the median',
  ),
  ratio_ci_low: measured<number>('', 'its 95 % interval, however often the run looked at it'),
  ratio_ci_high: measured<number>('', 'its 95 % interval, however often the run looked at it'),
  significant: measured<boolean>(
    '',
    "the ratio's interval excludes 1; empty where there is no ratio (the baseline itself, or nothing to pair) or no interval of it",
  ),
  direction: known<Direction>('the condition'),
  connections: known<number>('the condition'),
  message_bytes: known<number | null>('the condition', 'B'),
  lower_bound: known<boolean>(
    'the link, or a source or sink on another host, limited more than half of the trials of either side: the ratio is a lower bound',
  ),
  cell: known<string>('the condition, whole'),
  trials: known<number>(
    'of the forwarder in the cell, of any outcome; `n` of them gave this figure',
  ),
  excluded: known<number>(
    'those that failed, were reset, stalled or truncated: their speed would mean nothing',
  ),
  pairs: known<number>('blocks in which both the forwarder and the baseline gave the figure'),
  no_interval: measured<string>('', 'why there is none'),
  workload: known<WorkloadKind>('its kind'),
  unavailable: measured<string>('', 'why the forwarder was left out: a row without trials'),
  limited_by: measured<Bottleneck>(
    '',
    "of goodput: what limited more than half of the forwarder's trials; empty where nothing did so often. Where it is `link` or `pacing` on either side, CPU per GB is the comparison, and the verdict says so",
  ),
  co_limited: known<boolean>(
    "of goodput: source or sink limited more than half of the trials of either side, on the forwarder's own host, which decides what they pay: no bound; CPU per GB decides",
  ),
  answer: measured<Answer>(
    '',
    "what the ratio's interval says: `higher`, `lower`, `equivalent` (all of it within `equivalent_within`) or `undecided`; empty where there is no ratio",
  ),
  equivalent_within: known<number>(
    "the scenario's `blocks.equivalent`, as a fraction: 0.03 stands for a ratio of 1/1.03 to 1.03",
  ),
  ratio_confidence: measured<number>(
    '',
    "of this one interval, so that those of all the run's looks hold together with 95 %",
  ),
  compares: known<'forwarders' | 'conditions'>(
    "what the ratio compares: `forwarders` under one condition, or `conditions`, where the forwarder's own entry has another `check`, `payload` or `pages` than the baseline",
  ),
  pages: known<Pages | null>(
    'the condition, as `payload`; empty where no kind of pages was asked for',
  ),
  payload: known<Payload | null>(
    'the condition; figures of different ones are compared only where `compares` says so',
  ),
};

/** A row of summary.csv. */
export type SummaryRow = RowOf<typeof SUMMARY_TABLE>;

/** Names of the columns, in the order of summary.csv. */
export const SUMMARY_COLUMNS = Object.keys(SUMMARY_TABLE) as (keyof SummaryRow)[];
