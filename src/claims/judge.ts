/** From stored trials to a claim's verdict. Pure. */
import { boundSentence, poissonBounds } from '../integrity/bounds.js';
import { isViolation, tally } from '../integrity/tally.js';
import { figure, listed, plural, ratio, ratioNumber } from '../report/quantity.js';
import type { TrialRecord, Unavailable } from '../results/record.js';
import { estimateMedian } from '../statistics/interval.js';
import { METRICS } from '../statistics/metrics.js';
import { pairedRatio } from '../statistics/ratio.js';
import { samplesOf } from '../statistics/summary.js';
import type { Claim, Range, Test } from './claim.js';

/** What can be said of a claim. */
export type ClaimVerdict = 'supported' | 'refuted' | 'not reproduced' | 'cannot be tested here';

/** A claim with what was found. */
export interface JudgedClaim {
  claim: Claim;
  verdict: ClaimVerdict;
  /**
   * For a claim about network cards, what an emulation of them says: never evidence for the claim,
   * and never its verdict. null where there is none.
   */
  emulated: Exclude<ClaimVerdict, 'cannot be tested here'> | null;
  /** The quantity in question as measured here; null = not measured, or not a number. */
  measured: { value: number; low: number | null; high: number | null } | null;
  /** In words: what was measured, on what, or what is missing. */
  detail: string;
  /** Topologies of the trials looked at. */
  topologies: string[];
  trials: number;
}

/** What claims are judged from: the trials of one or more runs, and what these left out. */
export interface ClaimEvidence {
  trials: readonly TrialRecord[];
  unavailable: readonly Unavailable[];
}

/** Topologies on which bytes cross a wire. */
const WIRE: readonly string[] = ['nic', 'hosts'];

/** Judges one claim. */
export function judgeClaim(claim: Claim, evidence: ClaimEvidence): JudgedClaim {
  const { judged } = claim;
  if (judged === null) {
    const detail = `it takes ${claim.needs ?? 'what this version cannot run'}`;
    return untested(claim, detail);
  }
  const trials = evidence.trials.filter(
    ({ scenario, cell }) =>
      scenario === judged.scenario && (judged.cell === undefined || keyHas(cell, judged.cell)),
  );
  const missing = missingForwarders(judged.test, judged.scenario, trials, evidence);
  if (missing !== null) return untested(claim, missing);
  const topologies = [...new Set(trials.map(({ topology }) => topology))];
  const found = test(judged.test, trials);
  const base = { claim, topologies, trials: trials.length, measured: found.measured };
  const onWire =
    topologies.length > 0 &&
    topologies.every((name) => WIRE.includes(name)) &&
    trials.every(({ emulated }) => emulated !== true);
  if (claim.place === 'nic' && !onWire) {
    const detail = `it takes ${claim.needs ?? 'network cards'}; emulated on ${listed(topologies)}: ${found.detail}`;
    return { ...base, verdict: 'cannot be tested here', emulated: found.verdict, detail };
  }
  return { ...base, verdict: found.verdict, emulated: null, detail: found.detail };
}

/**
 * Whether a checked claim came out as it should: claims that expect no verdict, and those that cannot
 * be tested, are not held against anyone.
 */
export function isMet({ claim, verdict }: JudgedClaim): boolean {
  return (
    claim.expected === null || verdict === 'cannot be tested here' || verdict === claim.expected
  );
}

function untested(claim: Claim, detail: string): JudgedClaim {
  return {
    claim,
    verdict: 'cannot be tested here',
    emulated: null,
    measured: null,
    detail,
    topologies: [],
    trials: 0,
  };
}

/** "message=1KiB" is part of "s/message=1KiB,check=none", but not of "s/message=1KiBx". */
function keyHas(cell: string, part: string): boolean {
  return cell.split(/[/,]/).includes(part);
}

/** The forwarders that a test compares. */
export function forwardersOf(test: Test): string[] {
  switch (test.kind) {
    case 'ratio':
      return [test.of, test.over];
    case 'level':
    case 'stall':
      return [test.of];
    case 'corruption':
      return [...test.of];
    case 'incidence':
      return [...test.of, ...test.against];
  }
}

/** Why a test has no trials to look at, or null when each of its forwarders has some. */
function missingForwarders(
  test: Test,
  scenario: string,
  trials: readonly TrialRecord[],
  { unavailable }: ClaimEvidence,
): string | null {
  for (const label of forwardersOf(test)) {
    if (trials.some(({ forwarder }) => forwarder === label)) continue;
    const left = unavailable.find((one) => one.scenario === scenario && one.forwarder === label);
    return left === undefined
      ? `no trial of ${label} in scenario ${scenario} is stored`
      : `${label} is unavailable: ${left.reason}`;
  }
  return null;
}

interface Finding {
  verdict: Exclude<ClaimVerdict, 'cannot be tested here'>;
  measured: JudgedClaim['measured'];
  detail: string;
}

function test(test: Test, trials: readonly TrialRecord[]): Finding {
  switch (test.kind) {
    case 'ratio': {
      const metric = metricNamed(test.metric);
      const found = pairedRatio(
        samplesOf(trials, test.of, metric),
        samplesOf(trials, test.over, metric),
      );
      const name = `${test.of} over ${test.over}, ${test.metric}`;
      return within(found.median, found.interval, test.claimed, name, (value) => ratio(value));
    }
    case 'level': {
      const metric = metricNamed(test.metric);
      const values = samplesOf(trials, test.of, metric).map(({ value }) => value);
      const found = estimateMedian(values);
      const name = `${test.of}, ${test.metric}`;
      return within(
        found.median,
        found.interval,
        test.claimed,
        name,
        (value) => `${figure(value)} ${metric.unit}`,
      );
    }
    case 'corruption':
      return corruption(test.of, trials);
    case 'stall': {
      const own = trials.filter(({ forwarder }) => forwarder === test.of);
      const stalled = own.filter(({ outcome }) => outcome === 'stalled').length;
      return {
        verdict: stalled > 0 ? 'supported' : 'not reproduced',
        measured: null,
        detail: `${stalled} of ${plural(own.length, 'trial')} of ${test.of} stalled`,
      };
    }
    case 'incidence':
      return incidence(test, trials);
  }
}

function metricNamed(wanted: string) {
  const metric = METRICS.find(({ name }) => name === wanted);
  if (metric === undefined) throw new RangeError(`no metric ${wanted}`);
  return metric;
}

/** The interval decides; where it reaches over an end of the claimed range, nothing is shown. */
function within(
  median: number | null,
  interval: { low: number; high: number } | null,
  { from = -Infinity, to = Infinity }: Range,
  name: string,
  written: (value: number) => string,
): Finding {
  if (median === null) {
    return { verdict: 'not reproduced', measured: null, detail: `${name}: no trial gave a figure` };
  }
  if (interval === null) {
    const measured = { value: median, low: null, high: null };
    const detail = `${name}: ${written(median)}, too few blocks for an interval`;
    return { verdict: 'not reproduced', measured, detail };
  }
  const { low, high } = interval;
  const verdict =
    low >= from && high <= to
      ? 'supported'
      : high < from || low > to
        ? 'refuted'
        : 'not reproduced';
  const bounds = `${ratioNumber(low)} to ${ratioNumber(high)}`;
  return {
    verdict,
    measured: { value: median, low, high },
    detail: `${name}: ${written(median)} (95 %: ${bounds}), claimed ${rangeText({ from, to })}`,
  };
}

/** "3.33 or more", "at most 1.05", "2.5 to 3.5". */
export function rangeText({ from = -Infinity, to = Infinity }: Range): string {
  if (from > -Infinity && to < Infinity) return `${ratioNumber(from)} to ${ratioNumber(to)}`;
  return from > -Infinity ? `${ratioNumber(from)} or more` : `at most ${ratioNumber(to)}`;
}

function corruption(labels: readonly string[], trials: readonly TrialRecord[]): Finding {
  const own = trials.filter(({ forwarder }) => labels.includes(forwarder));
  const sum = tally(null, own);
  const detail = `corrupted stretches: ${boundSentence({
    incidents: sum.incidents,
    verifiedBytes: sum.verifiedBytes,
    trials: sum.checkedTrials,
    connections: sum.checkedConnections,
  })}`;
  return { verdict: sum.incidents > 0 ? 'supported' : 'not reproduced', measured: null, detail };
}

function incidence(
  { of, against, claimed }: Extract<Test, { kind: 'incidence' }>,
  trials: readonly TrialRecord[],
): Finding {
  const hits = (labels: readonly string[]) => {
    const own = trials.filter(({ forwarder }) => labels.includes(forwarder));
    return { hit: own.filter(isViolation).length, of: own.length };
  };
  const [left, right] = [hits(of), hits(against)];
  const detail =
    `wrong bytes in ${left.hit} of ${plural(left.of, 'trial')} of ${listed(of)}, ` +
    `in ${right.hit} of ${plural(right.of, 'trial')} of ${listed(against)}`;
  if (left.hit + right.hit === 0) return { verdict: 'not reproduced', measured: null, detail };
  const [a, b] = [rate(left), rate(right)];
  const apart = a.high < b.low ? 'fewer' : b.high < a.low ? 'more' : 'same';
  const holds = claimed === 'different' ? apart !== 'same' : apart === claimed;
  const verdict = holds ? 'supported' : apart === 'same' ? 'not reproduced' : 'refuted';
  return { verdict, measured: null, detail };
}

/** 95 % bounds on the share of trials with wrong bytes; exact for a Poisson number of them. */
function rate({ hit, of }: { hit: number; of: number }): { low: number; high: number } {
  const { low, high } = poissonBounds(hit);
  return { low: low / Math.max(1, of), high: high / Math.max(1, of) };
}
