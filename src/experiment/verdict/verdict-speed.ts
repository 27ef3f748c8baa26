import { conditionNames, ENDS_KINDS, type EndsKind, endsOf, whereText } from './condition.js';
import { count, plural, ratio } from '../../base/units/quantity.js';
import { roomOf } from '../workload/rooms.js';
import { mainMetric } from '../workload/main-metric.js';
import type { SummaryRow } from '../../data/record/summary-columns.js';
import type { TrialRecord } from '../../data/record/record.js';
import { comparesConditions } from './verdict-conditions.js';
import {
  agrees,
  type Beside,
  besideText,
  coresText,
  differenceText,
  ENDS_WORDS,
  lackText,
} from './verdict-ends.js';
import { isLeast, limitedSentences, limitOfComparison } from './verdict-limit.js';
import {
  compared,
  type BaselineComparison,
  intervalText,
  marginText,
  subjectName,
} from './verdict-words.js';

/**
 * `undecided` = an interval that shows neither a difference nor equivalence; `too-few` = a ratio without an
 * interval; `not-measured` = no ratio at all.
 */
export type SpeedAnswer =
  'faster' | 'slower' | 'equivalent' | 'undecided' | 'too-few' | 'mixed' | 'not-measured';

/** Of one comparison. */
type OneAnswer = Exclude<SpeedAnswer, 'mixed' | 'not-measured'>;

export interface Speed {
  answer: SpeedAnswer;
  sentence: string;
}

type UseOf = (scenario: string, label: string) => string;

/**
 * Answers "is zero copy faster here?": with real bytes, and beside that of the forwarder alone; with
 * every byte checked where nothing else was measured, which is then said. Different ends are never put
 * into one figure.
 *
 * @param useOf registry entry behind a label: decides which forwarder the sentence is about
 */
export function judgeSpeed(
  summary: readonly SummaryRow[],
  trials: readonly TrialRecord[],
  useOf: UseOf,
): Speed {
  const apart = new Set(summary.filter(comparesConditions).map(armKey));
  const kinds = ENDS_KINDS.filter((kind) =>
    trials.some((trial) => endsOf(trial) === kind && !apart.has(armKey(trial))),
  );
  const [lead, ...others] = kinds.map((kind) => subjectsOf(summary, kind, useOf));
  const [only] = lead?.subjects ?? [];
  if (lead === undefined || only === undefined) {
    return notMeasured(lead?.rows ?? [], trials, apart.size > 0);
  }
  const isStream = only.main.workload === 'stream';
  const second = isStream ? (others.find(({ subjects }) => subjects.length > 0) ?? null) : null;
  if (lead.subjects.length > 1) return severalKinds(lead, second);
  const poc = pocSentence(lead.rows, only, useOf);
  const { answer, sentence } = oneOfKind(lead.kind, only, second);
  return { answer, sentence: sentence + poc + apartText(lead.kind, second, only) };
}

/** A forwarder in a cell. */
function armKey({ cell, forwarder }: Pick<SummaryRow, 'cell' | 'forwarder'>): string {
  return JSON.stringify([cell, forwarder]);
}

/** What is compared between ends of one kind. */
interface OfKind {
  kind: EndsKind;
  rows: SummaryRow[];
  cells: number;
  /** One per cell in which something can be compared. */
  subjects: BaselineComparison[];
}

function subjectsOf(summary: readonly SummaryRow[], kind: EndsKind, useOf: UseOf): OfKind {
  const rows = summary.filter((row) => endsOf(row) === kind && !comparesConditions(row));
  const cells = [...new Set(rows.map((row) => row.cell))];
  const subjects = cells.flatMap((cell) => subjectOf(rows, cell, useOf) ?? []);
  return { kind, rows, cells: cells.length, subjects };
}

/** The answer for one cell, and that of the same forwarder between other ends beside it. */
function oneOfKind(kind: EndsKind, only: BaselineComparison, second: OfKind | null): Speed {
  if (only.main.workload !== 'stream') return one(only);
  const beside = second === null ? null : besideOf(only, second);
  const ends = ` ${ENDS_WORDS[kind]}`;
  const cores = coresText(kind, only);
  if (beside === null || second === null) return one(only, { ends, beside: cores, first: '' });
  const { comparison } = beside;
  const { answer, sentence } = one(only, {
    ends,
    beside: besideText(second.kind, beside) + cores,
    first: firstText(only, comparison, [kind, second.kind]),
  });
  const why = differenceText([only, comparison], [kind, second.kind]);
  return { answer, sentence: sentence + why };
}

/** ", less than with the ends out of the way": said first where the two disagree. */
function firstText(
  lead: BaselineComparison,
  other: BaselineComparison,
  [kind, otherKind]: readonly [EndsKind, EndsKind],
): string {
  const [answer, second] = [answerOf(lead), answerOf(other)];
  if (answer !== second) {
    const heading = HEADINGS[second];
    const lower = heading.charAt(0).toLowerCase() + heading.slice(1);
    return ` ${ENDS_WORDS[kind]}, ${lower} ${ENDS_WORDS[otherKind]}`;
  }
  if (agrees(lead.main, other.main) || (answer !== 'faster' && answer !== 'slower')) return '';
  const more = advantage(lead) > advantage(other) === (answer === 'faster');
  return `, ${more ? 'more' : 'less'} than ${ENDS_WORDS[otherKind]}`;
}

/** The one comparison of other ends that is of the same forwarders; null where there is none, or several. */
function besideOf({ main }: BaselineComparison, { subjects }: OfKind): Beside | null {
  const same = subjects.filter(
    (one) => one.main.forwarder === main.forwarder && one.main.baseline === main.baseline,
  );
  const [comparison] = same;
  if (comparison === undefined || same.length > 1) return null;
  return { comparison, cpu: cpuText(comparison) };
}

/** A sentence for every kind of ends, since the answers may differ. */
function severalKinds(lead: OfKind, second: OfKind | null): Speed {
  const { answer, sentence } = several(lead.subjects, lead.cells);
  const [only] = lead.subjects;
  if (second === null) return { answer, sentence: sentence + apartText(lead.kind, null, only) };
  const beside = several(second.subjects, second.cells).sentence.replace(/^[^:]*: /, '');
  const words = ENDS_WORDS[second.kind];
  return {
    answer,
    sentence: `${sentence} ${words.charAt(0).toUpperCase()}${words.slice(1)}: ${beside}`,
  };
}

/** What the kind of ends leaves open, or what it adds. */
function apartText(
  kind: EndsKind,
  second: OfKind | null,
  only: BaselineComparison | undefined,
): string {
  if (second !== null) return '';
  if (kind === 'checked') return ' This was measured while every byte was checked.';
  return only?.main.workload === 'stream' ? lackText(kind) : '';
}

/** The answer for one cell, or null when nothing in it can be compared. */
export function judgeCellSpeed(
  summary: readonly SummaryRow[],
  cell: string,
  useOf: UseOf,
): Speed | null {
  const subject = subjectOf(summary, cell, useOf);
  return subject === null ? null : one(subject);
}

/** Splicing is what the question is about; without it, whatever did best against the baseline. */
function subjectOf(
  summary: readonly SummaryRow[],
  cell: string,
  useOf: UseOf,
): BaselineComparison | null {
  const compared = comparisons(summary, cell, useOf).filter(({ use }) => use !== 'direct');
  const splicing = compared.filter(({ use }) => use === 'splice');
  const candidates = splicing.length > 0 ? splicing : compared;
  return candidates.reduce<BaselineComparison | null>(
    (best, next) => (best === null || advantage(next) > advantage(best) ? next : best),
    null,
  );
}

function comparisons(
  summary: readonly SummaryRow[],
  cell: string,
  useOf: UseOf,
): BaselineComparison[] {
  const own = summary.filter((row) => row.cell === cell);
  return own
    .filter((row) => isMain(row) && row.forwarder !== row.baseline)
    .filter((row) => row.ratio !== null && !comparesConditions(row))
    .map((main) => ({
      main,
      base: own.find((row) => isMain(row) && row.forwarder === row.baseline) ?? null,
      cpu: costOf(own, 'forwarder_cpu_per_gb', main.forwarder),
      system: costOf(own, 'system_cpu_per_gb', main.forwarder),
      baseCpu: costOf(own, 'forwarder_cpu_per_gb', main.baseline),
      baseSystem: costOf(own, 'system_cpu_per_gb', main.baseline),
      use: useOf(main.scenario, main.forwarder),
    }));
}

function costOf(rows: readonly SummaryRow[], metric: string, forwarder: string): SummaryRow | null {
  return rows.find((row) => row.metric === metric && row.forwarder === forwarder) ?? null;
}

/** True for the row of the metric that the row's workload is for. */
function isMain(row: SummaryRow): boolean {
  return row.metric === mainMetric(row.workload).name;
}

/** How many times better than the baseline: above 1 is better, whatever the metric. */
function advantage({ main }: BaselineComparison): number {
  const value = main.ratio ?? 0;
  if (mainMetric(main.workload).moreIsBetter) return value;
  return value > 0 ? 1 / value : 0;
}

function answerOf(comparison: BaselineComparison): OneAnswer {
  const { main } = comparison;
  if (main.ratio_ci_low === null || main.ratio_ci_high === null) return 'too-few';
  if (main.answer !== 'higher' && main.answer !== 'lower') return main.answer ?? 'undecided';
  const better = mainMetric(main.workload).moreIsBetter ? 'higher' : 'lower';
  return main.answer === better ? 'faster' : 'slower';
}

/** What a sentence says of other ends. */
interface Said {
  /** What the ends did with the bytes. */
  ends: string;
  /** Further clauses. */
  beside: string;
  /** Behind the first word. */
  first: string;
}

function one(comparison: BaselineComparison, { ends, beside, first }: Said = NOTHING): Speed {
  const { main } = comparison;
  const answer = answerOf(comparison);
  const who = subjectName(comparison);
  const limit = limitOfComparison(comparison);
  // Where nothing but the cost can differ, a sentence of its own tells it.
  const cpu = limit.kind === 'both' ? '' : cpuText(comparison);
  const figures = `${ratio(main.ratio)}${intervalText(main)}`;
  const verb = roomOf(main.workload).verbs;
  const where = whereText([main]);
  const does = (least = '') =>
    `${who} ${verb.present} ${least}${compared(main, figures)} ${where}${ends}${cpu}${beside}`;
  switch (answer) {
    case 'faster': {
      const least = isLeast(comparison) ? 'at least ' : '';
      return { answer, sentence: `Faster${first}: ${does(least)}${limit.words.faster}.` };
    }
    case 'slower':
      return { answer, sentence: `Slower${first}: ${does()}${limit.words.slower}.` };
    case 'equivalent': {
      const sentence = `Equivalent within ${marginText(main)}${first}: ${does()}${limit.words.same}.`;
      return { answer, sentence };
    }
    case 'too-few': {
      const blocks = plural(main.pairs, 'block');
      const sentence = `Not decided${first}: ${who} ${verb.past} ${compared(main, ratio(main.ratio))} in ${blocks}${ends}, which are too few for an interval${beside}.`;
      return { answer, sentence };
    }
    default: {
      const open = `; neither a difference nor equivalence within ${marginText(main)} is shown`;
      return { answer, sentence: `Undecided${first}: ${does()}${open}${limit.words.same}.` };
    }
  }
}

/** One sentence over a matrix of conditions; each condition has its own beside its table. */
function several(subjects: readonly BaselineComparison[], cells: number): Speed {
  const names = conditionNames(subjects.map(({ main }) => main));
  const by = (answer: SpeedAnswer) => subjects.filter((subject) => answerOf(subject) === answer);
  const counted = (
    [
      ['faster', 'faster'],
      ['slower', 'slower'],
      ['equivalent', 'equivalent'],
      ['undecided', 'undecided'],
      ['too-few', 'with too few blocks for an interval'],
    ] as const
  )
    .map(([answer, words]) => ({ answer, words, found: by(answer).length }))
    .filter(({ found }) => found > 0);
  const ordered = [...subjects].sort((a, b) => advantage(a) - advantage(b));
  const end = (subject: BaselineComparison | undefined): string => {
    if (subject === undefined) return '';
    const { main } = subject;
    const least = isLeast(subject) ? 'at least ' : '';
    const where = names.get(main.cell) ?? main.cell;
    return `${least}${compared(main, ratio(main.ratio))} (${where})`;
  };
  const who = [...new Set(subjects.map(subjectName))];
  const [single] = counted;
  const answer = single !== undefined && counted.length === 1 ? single.answer : 'mixed';
  const subject = who.length === 1 ? (who[0] ?? '') : 'the best forwarder';
  const lead = answer === 'mixed' ? 'It depends' : HEADINGS[answer];
  const tally = counted
    .map(
      ({ words, found }) =>
        `${words} in ${found === cells ? 'each of' : `${count(found)} of`} ${count(cells)}`,
    )
    .join(', ');
  const sentence = `${lead}: ${subject} is ${tally} conditions, from ${end(ordered[0])} to ${end(ordered.at(-1))}.`;
  return { answer, sentence: sentence + limitedSentences(subjects) };
}

const NOTHING: Said = { ends: '', beside: '', first: '' };

const HEADINGS: Record<OneAnswer, string> = {
  faster: 'Faster',
  slower: 'Slower',
  equivalent: 'Equivalent',
  undecided: 'Undecided',
  'too-few': 'Not decided',
};

function pocSentence(
  summary: readonly SummaryRow[],
  subject: BaselineComparison,
  useOf: UseOf,
): string {
  if (subject.use === 'poc') return '';
  const poc = comparisons(summary, subject.main.cell, useOf).find(({ use }) => use === 'poc');
  if (poc === undefined) return '';
  const { main } = poc;
  const figures = `${ratio(main.ratio)}${intervalText(main)}`;
  const least = isLeast(poc) && answerOf(poc) === 'faster' ? 'at least ' : '';
  const answer = answerOf(poc);
  const unsure =
    answer === 'undecided'
      ? ', undecided'
      : answer === 'equivalent'
        ? `, equivalent within ${marginText(main)}`
        : '';
  return ` The program of 2008 (${main.forwarder}): ${least}${figures}${unsure}.`;
}

/** @param apart there are forwarders under conditions of their own */
function notMeasured(
  rows: readonly SummaryRow[],
  trials: readonly TrialRecord[],
  apart: boolean,
): Speed {
  const why = whyNot(rows, trials, apart ? ' under its condition' : '');
  return { answer: 'not-measured', sentence: `Not measured: ${why}.` };
}

function whyNot(
  rows: readonly SummaryRow[],
  trials: readonly TrialRecord[],
  where: string,
): string {
  if (trials.length === 0) return 'no trial has finished';
  const main = rows.filter(isMain);
  const figures = main.filter((row) => row.median !== null);
  if (figures.length === 0) return 'no trial gave a figure';
  const baseline = main[0]?.baseline ?? '';
  const own = figures.some((row) => row.forwarder === baseline);
  if (!own) return `the baseline ${baseline} has no trial with a figure to compare with`;
  const others = figures.filter((row) => row.forwarder !== baseline);
  if (others.length === 0) return `no forwarder but the baseline ${baseline} has a figure${where}`;
  return `no forwarder shares a block with the baseline ${baseline}`;
}

/** Requests and responses are of one size in a cell, so that per byte is per request. */
function cpuText({ cpu }: BaselineComparison): string {
  if (cpu?.ratio == null) return '';
  const each = cpu.workload === 'exchange' ? 'request' : 'GB';
  if (cpu.significant === false || cpu.answer === 'equivalent')
    return `, at about the same forwarder CPU per ${each}`;
  return `, at ${ratio(cpu.ratio)} the forwarder's CPU per ${each}`;
}
