/**
 * When a run looks at its intervals, and how sure each has to be, so that looking several times and stopping
 * at what one sees does not spoil them. Pure.
 *
 * The looks are planned before the run: the fewest samples, then half as many again each time, and the most. They
 * share the 5 % of error evenly: an interval at each of k looks has 1 - 5 %/k. That all of them hold the
 * truth together then has a probability of at least 95 %, whatever the stopping rule is and however the looks
 * hang together (repeated confidence intervals: C. Jennison and B. W. Turnbull, "Interim Analyses: The Repeated
 * Confidence Interval Approach", Journal of the Royal Statistical Society B 51, 1989; the even shares are
 * Bonferroni's, which need no theory of how estimates of growing samples depend on each other, and cost a few
 * per cent of width against Pocock's). test/unit/looks.test.ts simulates it.
 */
const ERROR = 0.05;
const GROWTH = 1.5;

/** How many samples a run takes, at least and at most. */
export interface SampleRange {
  min: number;
  max: number;
}

/** Numbers of samples after which a run looks, ascending; the last one is the most. */
export function plannedLooks({ min, max }: SampleRange): number[] {
  const looks: number[] = [];
  for (let next = min; next < max; next = Math.ceil(next * GROWTH)) looks.push(next);
  return [...looks, max];
}

/**
 * How sure an interval has to be after so many samples. A run that ends between two looks, because it was
 * interrupted or out of time, looks a last time and has what is left: why it ended was not what it saw.
 * @param range null = the run looks once, whenever that is
 * @returns a probability
 */
export function confidenceAfter(samples: number, range: SampleRange | null): number {
  if (range === null) return 1 - ERROR;
  const looks = plannedLooks(range);
  if (samples >= range.max || looks.includes(samples)) return 1 - ERROR / looks.length;
  const before = looks.filter((look) => look < samples).length;
  return 1 - (ERROR * (looks.length - before)) / looks.length;
}
