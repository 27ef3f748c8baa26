/** What is said of the detectors, in words. */
import type { ProvenDetectors } from '../../data/record/record.js';
import type { DetectorResult } from './judge-control.js';

/** The sentence of every report: what its "nothing found" is worth. */
export function detectorSentence(detectors: ProvenDetectors | undefined): string {
  if (detectors === undefined) return 'Detectors: unproven, no selftest is stored with this run.';
  if (detectors.state === 'untested') {
    return `Detectors: unproven, ${detectors.reason}; run splicebench selftest.`;
  }
  const { when, proven, unproven, unavailable } = detectors;
  const all = proven.length + unproven.length + unavailable.length;
  const rest = [
    ...(unproven.length === 0 ? [] : [`; NOT proven: ${unproven.join(', ')}`]),
    ...(unavailable.length === 0 ? [] : [`; unavailable: ${unavailable.join(', ')}`]),
  ].join('');
  return `Detectors proven on this host ${when.slice(0, 10)}: ${proven.length} of ${all}${rest}.`;
}

/** The table of a selftest: a line per detector, and one per control with what was seen. */
export function selftestTable(detectors: readonly DetectorResult[]): string {
  return detectors
    .map(({ detector, verdict, controls }) => {
      const width = Math.max(0, ...controls.map(({ name }) => name.length));
      const lines = controls.map(
        ({ name, verdict: own, evidence }) =>
          `    ${own === verdict ? '' : `${own.toUpperCase()} `}${name.padEnd(width)}  ${evidence}`,
      );
      return [`${verdict.padEnd(11)}  ${detector}`, ...lines].join('\n');
    })
    .join('\n');
}
