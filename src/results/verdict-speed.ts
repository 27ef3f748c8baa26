import { conditionNames, placeOf } from '../report/condition.js';
import { count, plural, ratio } from '../report/quantity.js';
import { mainMetric } from '../statistics/metrics.js';
import type { SummaryRow, TrialRecord } from './record.js';
import { isLeast, limitedSentences, limitOf } from './verdict-limit.js';
import { compared, type Comparison, intervalText, subjectName, VERBS } from './verdict-words.js';

/** `undecided` = a ratio without an interval; `not-measured` = no ratio at all. */
export type SpeedAnswer =
  'faster' | 'slower' | 'no-difference' | 'undecided' | 'mixed' | 'not-measured';

export interface Speed {
  answer: SpeedAnswer;
  sentence: string;
}

type UseOf = (scenario: string, label: string) => string;

/**
 * Answers "is zero copy faster here?" from the cells of `check: none`, where the sink is out of the
 * way; from those of `check: full` when there are no others, which is then said. The two are never
 * put into one figure.
 *
 * @param useOf registry entry behind a label: decides which forwarder the sentence is about
 */
export function judgeSpeed(
  summary: readonly SummaryRow[],
  trials: readonly TrialRecord[],
  useOf: UseOf,
): Speed {
  const unchecked = trials.filter((trial) => trial.check === 'none');
  const check = unchecked.length > 0 ? 'none' : 'full';
  const relevant = summary.filter((row) => row.check === check);
  const cells = [...new Set(relevant.map((row) => row.cell))];
  const subjects = cells.flatMap((cell) => {
    const subject = subjectOf(relevant, cell, useOf);
    return subject === null ? [] : [subject];
  });
  const [only] = subjects;
  if (only === undefined) return notMeasured(relevant, trials);
  const speed = subjects.length === 1 ? one(only) : several(subjects, cells.length);
  const poc = subjects.length === 1 ? pocSentence(relevant, only, useOf) : '';
  const apart = check === 'full' ? ' This was measured while every byte was checked.' : '';
  return { answer: speed.answer, sentence: speed.sentence + poc + apart };
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
function subjectOf(summary: readonly SummaryRow[], cell: string, useOf: UseOf): Comparison | null {
  const compared = comparisons(summary, cell, useOf).filter(({ use }) => use !== 'direct');
  const splicing = compared.filter(({ use }) => use === 'splice');
  const candidates = splicing.length > 0 ? splicing : compared;
  return candidates.reduce<Comparison | null>(
    (best, next) => (best === null || advantage(next) > advantage(best) ? next : best),
    null,
  );
}

function comparisons(summary: readonly SummaryRow[], cell: string, useOf: UseOf): Comparison[] {
  const own = summary.filter((row) => row.cell === cell);
  return own
    .filter((row) => isMain(row) && row.forwarder !== row.baseline)
    .filter((row) => row.ratio !== null)
    .map((main) => ({
      main,
      base: own.find((row) => isMain(row) && row.forwarder === row.baseline) ?? null,
      cpu:
        own.find(
          (row) => row.metric === 'forwarder_cpu_per_gb' && row.forwarder === main.forwarder,
        ) ?? null,
      use: useOf(main.scenario, main.forwarder),
    }));
}

/** True for the row of the metric that the row's workload is for. */
function isMain(row: SummaryRow): boolean {
  return row.metric === mainMetric(row.workload).name;
}

/** How many times better than the baseline: above 1 is better, whatever the metric. */
function advantage({ main }: Comparison): number {
  const value = main.ratio ?? 0;
  if (mainMetric(main.workload).moreIsBetter) return value;
  return value > 0 ? 1 / value : 0;
}

function answerOf(comparison: Comparison): SpeedAnswer {
  const { main } = comparison;
  if (main.ratio_ci_low === null || main.ratio_ci_high === null) return 'undecided';
  if (main.significant !== true) return 'no-difference';
  return advantage(comparison) > 1 ? 'faster' : 'slower';
}

function one(comparison: Comparison): Speed {
  const { main } = comparison;
  const answer = answerOf(comparison);
  const who = subjectName(comparison);
  const limit = limitOf(comparison);
  // Where nothing but the cost can differ, a sentence of its own tells it.
  const cpu = limit.kind === 'both' ? '' : cpuText(comparison);
  const figures = `${ratio(main.ratio)}${intervalText(main)}`;
  const verb = VERBS[main.workload ?? 'stream'];
  const where = placeOf([main]);
  const does = (least = '') =>
    `${who} ${verb.present} ${least}${compared(main, figures)} ${where}${cpu}`;
  switch (answer) {
    case 'faster': {
      const least = isLeast(comparison) ? 'at least ' : '';
      return { answer, sentence: `Faster: ${does(least)}${limit.words.faster}.` };
    }
    case 'slower':
      return { answer, sentence: `Slower: ${does()}${limit.words.slower}.` };
    case 'undecided': {
      const blocks = plural(main.pairs, 'block');
      const sentence = `Not decided: ${who} ${verb.past} ${compared(main, ratio(main.ratio))} in ${blocks}, which are too few for an interval.`;
      return { answer, sentence };
    }
    default: {
      const sentence = `No difference could be shown: ${does()}${limit.words.same}.`;
      return { answer: 'no-difference', sentence };
    }
  }
}

/** One sentence over a matrix of conditions; each condition has its own beside its table. */
function several(subjects: readonly Comparison[], cells: number): Speed {
  const names = conditionNames(subjects.map(({ main }) => main));
  const by = (answer: SpeedAnswer) => subjects.filter((subject) => answerOf(subject) === answer);
  const counted = (
    [
      ['faster', 'faster'],
      ['slower', 'slower'],
      ['no-difference', 'without a difference that could be shown'],
      ['undecided', 'with too few blocks for an interval'],
    ] as const
  )
    .map(([answer, words]) => ({ answer, words, found: by(answer).length }))
    .filter(({ found }) => found > 0);
  const ordered = [...subjects].sort((a, b) => advantage(a) - advantage(b));
  const end = (subject: Comparison | undefined): string => {
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

const HEADINGS: Record<Exclude<SpeedAnswer, 'mixed' | 'not-measured'>, string> = {
  faster: 'Faster',
  slower: 'Slower',
  'no-difference': 'No difference could be shown',
  undecided: 'Not decided',
};

function pocSentence(summary: readonly SummaryRow[], subject: Comparison, useOf: UseOf): string {
  if (subject.use === 'poc') return '';
  const poc = comparisons(summary, subject.main.cell, useOf).find(({ use }) => use === 'poc');
  if (poc === undefined) return '';
  const { main } = poc;
  const figures = `${ratio(main.ratio)}${intervalText(main)}`;
  const least = isLeast(poc) && answerOf(poc) === 'faster' ? 'at least ' : '';
  const unsure = answerOf(poc) === 'no-difference' ? ', no difference shown' : '';
  return ` The program of 2008 (${main.forwarder}): ${least}${figures}${unsure}.`;
}

function notMeasured(rows: readonly SummaryRow[], trials: readonly TrialRecord[]): Speed {
  return { answer: 'not-measured', sentence: `Faster: not measured, ${whyNot(rows, trials)}.` };
}

function whyNot(rows: readonly SummaryRow[], trials: readonly TrialRecord[]): string {
  if (trials.length === 0) return 'no trial has finished';
  const main = rows.filter(isMain);
  const figures = main.filter((row) => row.median !== null);
  if (figures.length === 0) return 'no trial came to a figure';
  const baseline = main[0]?.baseline ?? '';
  const own = figures.some((row) => row.forwarder === baseline);
  if (!own) return `the baseline ${baseline} has no trial with a figure to compare with`;
  const others = figures.filter((row) => row.forwarder !== baseline);
  if (others.length === 0) return `no forwarder but the baseline ${baseline} has a figure`;
  return `no forwarder shares a block with the baseline ${baseline}`;
}

/** Requests and responses are of one size in a cell, so that per byte is per request. */
function cpuText({ cpu }: Comparison): string {
  if (cpu?.ratio == null) return '';
  const each = cpu.workload === 'exchange' ? 'request' : 'GB';
  if (cpu.significant === false) return `, at about the same CPU per ${each}`;
  return `, at ${ratio(cpu.ratio)} the CPU per ${each}`;
}
