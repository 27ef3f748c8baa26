import { count, figure, plural } from '../../base/units/quantity.js';
import { boundSentence, type RateBounds } from './bounds.js';
import { classesFound, type Tally } from './tally.js';

/** "below 73 per TB" when nothing was found, else "15 to 214 per TB". */
export function boundText({ low, high }: RateBounds): string {
  const upper = rateDigits(high);
  return low > 0 ? `${rateDigits(low)} to ${upper} per TB` : `below ${upper} per TB`;
}

/** "below 12 per 1,000", or "2.5 to 31 per 1,000", of a rate per connection. */
export function perThousandText({ low, high }: RateBounds): string {
  const upper = rateDigits(high * 1000);
  return low > 0 ? `${rateDigits(low * 1000)} to ${upper} per 1,000` : `below ${upper} per 1,000`;
}

/** Two significant digits, as in `boundSentence`, so that a report never says 7 and 7.0. */
export function rateDigits(rate: number): string {
  return figure(Number(rate.toPrecision(2)), 2).replace(/\.0$/, '');
}

/** "none in 41 GB, 48 trials: below 73 per TB", or what was found, or why nothing is known. */
export function integrityLine(sum: Tally): string {
  return [...checkedParts(sum), ...countParts(sum)].join('; ');
}

/** "10 misplaced, 2 zeros", the most frequent first; "–" when nothing was found. */
export function classesText(sum: Tally): string {
  const classes = classesFound(sum);
  return classes.length === 0
    ? '–'
    : classes.map(([name, events]) => `${count(events)} ${name}`).join(', ');
}

/** What a table of figures leaves out: the classes, and outcomes that are wrong; empty if nothing. */
export function remarksOf(sum: Tally): string {
  return [...(sum.incidents === 0 ? [] : [classesText(sum)]), ...countParts(sum)].join('; ');
}

function checkedParts(sum: Tally): string[] {
  if (sum.checkedTrials === 0) return ['not checked: no trial compared a byte'];
  const sentence = boundSentence({
    incidents: sum.incidents,
    comparedBytes: sum.comparedBytes,
    trials: sum.checkedTrials,
  });
  return sum.incidents === 0 ? [sentence] : [sentence, classesText(sum)];
}

/** Outcomes that are wrong although perhaps no byte is: a stream that ended early or went on. */
function countParts(sum: Tally): string[] {
  return (['truncated', 'extra', 'stalled', 'reset', 'failed'] as const).flatMap((outcome) => {
    const trials = sum.outcomes[outcome] ?? 0;
    return trials === 0 ? [] : [`${plural(trials, 'trial')} ${outcome}`];
  });
}
