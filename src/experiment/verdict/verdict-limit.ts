/** What of a comparison was not the forwarders' doing, in words: endpoints, a full link, a pace. */
import { count, ratio } from '../../base/units/quantity.js';
import type { Bottleneck } from '../../data/record/words.js';
import {
  baselineName,
  type BaselineComparison,
  intervalText,
  marginText,
  subjectName,
} from './verdict-words.js';

/** Limits under which forwarders cannot differ in speed, whatever they cost. */
const COMMON = ['link', 'pacing'] as const satisfies readonly Bottleneck[];
type Common = (typeof COMMON)[number];

const SUBJECTS: Readonly<Record<Common, string>> = {
  link: 'The link',
  pacing: 'The pace of the data',
};

export interface ComparisonLimit {
  /** `both`: one of COMMON limited either side, and only the cost can be compared. */
  kind: 'none' | 'some' | 'both';
  /** What follows the figures, by the answer. */
  words: { faster: string; slower: string; same: string };
}

/** What limited a comparison beside the forwarders. */
export function limitOfComparison(comparison: BaselineComparison): ComparisonLimit {
  const common = limitOfBoth(comparison);
  if (common !== null) {
    const words = `. ${SUBJECTS[common]} limits both, so compare CPU per GB: ${costText(comparison)}`;
    return { kind: 'both', words: { faster: words, slower: words, same: words } };
  }
  const { main, base } = comparison;
  if (main.co_limited) {
    const words = `. Co-limited: source and sink share the host with the forwarder, so CPU per GB decides${systemText(comparison)}`;
    return { kind: 'some', words: { faster: words, slower: words, same: words } };
  }
  if (!main.lower_bound) return { kind: 'none', words: { faster: '', slower: '', same: '' } };
  if (main.limited_by === 'link' || base?.limited_by === 'link') {
    const own = main.limited_by === 'link';
    const limited = `. The link limited ${own ? subjectName(comparison) : baselineName(main.baseline)}`;
    return {
      kind: 'some',
      words: {
        faster: `${limited}, so the true ratio may be higher`,
        slower: `${limited}, so the two may differ ${own ? 'less' : 'more'}`,
        same: `${limited}, so the forwarders themselves may well differ`,
      },
    };
  }
  return {
    kind: 'some',
    words: {
      faster:
        '. Source and sink, on hosts of their own, limited it, so the true ratio may be higher',
      slower: '. Source and sink, on hosts of their own, limited it, so the two may differ less',
      same: '. Source and sink limited it, so the forwarders themselves may well differ',
    },
  };
}

/** True where a ratio above 1 is a lower bound: not where the link gave both all that there is. */
export function isLeast(comparison: BaselineComparison): boolean {
  return comparison.main.lower_bound && limitOfBoth(comparison) === null;
}

/** Of a matrix: in how many conditions only the cost can be compared; empty where in none. */
export function limitedSentences(comparisons: readonly BaselineComparison[]): string {
  return COMMON.map((limit) => {
    const found = comparisons.filter((one) => limitOfBoth(one) === limit).length;
    if (found === 0) return '';
    const where = found === comparisons.length ? 'each' : count(found);
    return ` ${SUBJECTS[limit]} limits both sides in ${where} of ${count(comparisons.length)}: compare CPU per GB there.`;
  }).join('');
}

function limitOfBoth({ main, base }: BaselineComparison): Common | null {
  return COMMON.find((limit) => main.limited_by === limit && base?.limited_by === limit) ?? null;
}

/** ": the whole system takes 0.83x (0.80 to 0.86) of copying's with splice"; empty where it is not known. */
function systemText(comparison: BaselineComparison): string {
  const { system, main } = comparison;
  if (system?.ratio == null) return '';
  const whose = `${baselineName(main.baseline)}'s`;
  const unsure = system.significant === false ? ', no difference shown' : '';
  return `: the whole system takes ${ratio(system.ratio)}${intervalText(system)} of ${whose} with ${subjectName(comparison)}${unsure}`;
}

/** "splice takes 0.31x (0.30 to 0.33) of copying's". */
function costText(comparison: BaselineComparison): string {
  const { cpu, main } = comparison;
  if (cpu?.ratio == null) return 'it is not known here';
  const whose = `${baselineName(main.baseline)}'s`;
  const unsure =
    cpu.answer === 'equivalent'
      ? `, equivalent within ${marginText(cpu)}`
      : cpu.answer === 'undecided'
        ? ', undecided'
        : '';
  return `${subjectName(comparison)} takes ${ratio(cpu.ratio)}${intervalText(cpu)} of ${whose}${unsure}`;
}
