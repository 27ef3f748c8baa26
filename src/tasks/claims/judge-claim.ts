/** From stored trials to a claim's verdict. Pure. */
import { listed, plural } from '../../base/units/quantity.js';
import { variedOf } from '../../data/record/cell-key.js';
import type { TrialRecord, Unavailable } from '../../data/record/record.js';
import type { Cell } from '../../data/record/plan.js';
import { formatBitRate } from '../../base/units/sizes.js';
import { isUsable } from '../../experiment/verdict/summary.js';
import type { Claim, ClaimTest, Test } from './claim.js';
import type { ClaimVerdict, ClaimFinding } from './finding.js';
import { level, ratioOf } from './quantity-claim.js';
import { checkedTrials, corruption, incidence } from './wrong-contents.js';

/** A claim with what was found. */
export interface JudgedClaim {
  claim: Claim;
  verdict: ClaimVerdict;
  /**
   * For a claim about network cards, what an emulation of them says: never evidence for the claim,
   * and never its verdict. null where there is none.
   */
  emulated: ClaimFinding['verdict'] | null;
  measured: ClaimFinding['measured'];
  /** In words: what was measured, on what, or what is missing. */
  detail: string;
  /** Topologies of the trials looked at. */
  topologies: string[];
  trials: number;
}

/** What claims are judged from: the trials of a run, their conditions, and what it left out. */
export interface ClaimEvidence {
  trials: readonly TrialRecord[];
  /** Of all scenarios of the run. */
  cells: readonly Cell[];
  unavailable: readonly Unavailable[];
}

/** Topologies on which bytes cross a wire. */
const WIRE: readonly string[] = ['nic', 'hosts'];

/** Judges one claim. */
export function judgeClaim(claim: Claim, evidence: ClaimEvidence): JudgedClaim {
  const { judged } = claim;
  if (judged === null) {
    const detail = `it needs ${claim.needs ?? 'what this version cannot run'}`;
    return untested(claim, detail);
  }
  const stored = evidence.trials.filter(
    (trial) => trial.scenario === judged.scenario && isIn(trial, judged.cells ?? {}),
  );
  const trials = stored.filter(
    ({ topology }) => claim.place !== 'loopback' || topology === 'loopback',
  );
  const topologies = [...new Set(trials.map(({ topology }) => topology))];
  const missing =
    misplaced(stored, trials) ??
    missingForwarders(judged.test, judged.scenario, trials, evidence) ??
    uncompared(judged.test, trials) ??
    alike(judged.test, trials) ??
    coalesced(judged, trials, evidence.cells);
  if (missing !== null) return { ...untested(claim, missing), topologies, trials: trials.length };
  const found = test(judged.test, trials);
  const base = { claim, topologies, trials: trials.length, measured: found.measured };
  const onWire =
    topologies.every((name) => WIRE.includes(name)) &&
    trials.every(({ emulated }) => emulated !== true);
  if (claim.place === 'nic' && !onWire) {
    const detail = `it needs ${claim.needs ?? 'network cards'}; emulated on ${listed(topologies)}: ${found.detail}`;
    return { ...base, verdict: 'cannot be tested here', emulated: found.verdict, detail };
  }
  const slow = claim.place === 'nic' ? tooSlow(claim, trials) : null;
  if (slow !== null) {
    const detail = `it needs ${claim.needs ?? 'faster links'}; ${slow}: ${found.detail}`;
    return { ...base, verdict: 'cannot be tested here', emulated: null, detail };
  }
  return { ...base, verdict: found.verdict, emulated: null, detail: found.detail };
}

/**
 * Judges one claim from the first run that decides it, else from the first that has trials for it: blocks
 * pair only inside a run, so runs are never mixed.
 */
export function judgeFromRuns(claim: Claim, runs: readonly ClaimEvidence[]): JudgedClaim {
  const judged = runs.map((evidence) => judgeClaim(claim, evidence));
  return decisive(judged) ?? judgeClaim(claim, { trials: [], cells: [], unavailable: [] });
}

/** Of judgements by several runs the one that counts; undefined without any. */
export function decisive<J extends Pick<JudgedClaim, 'verdict' | 'trials'>>(
  judged: readonly J[],
): J | undefined {
  return (
    judged.find(({ verdict }) => verdict !== 'cannot be tested here') ??
    judged.find(({ trials }) => trials > 0) ??
    judged[0]
  );
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

/** True for a trial of a cell in which the matrix has these values. */
function isIn(trial: TrialRecord, values: Readonly<Record<string, string>>): boolean {
  const varied = new Map(variedOf(trial));
  return Object.entries(values).every(([name, value]) => varied.get(name) === value);
}

/** Why none of the stored trials is evidence, where that is for the place they were made in. */
function misplaced(stored: readonly TrialRecord[], trials: readonly TrialRecord[]): string | null {
  if (trials.length > 0 || stored.length === 0) return null;
  const places = [...new Set(stored.map(({ topology }) => topology))];
  return `it needs trials over loopback; those stored are over ${listed(places)}`;
}

/** The forwarders that a test compares. */
export function forwardersOf(test: Test): string[] {
  switch (test.kind) {
    case 'ratio':
      return [test.of, test.over];
    case 'level':
      return [test.of];
    case 'stall':
      return [test.of, test.against];
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

/** Nothing compared is not nothing found: why wrong contents could not have been seen, or null. */
function uncompared(test: Test, trials: readonly TrialRecord[]): string | null {
  if (test.kind !== 'corruption' && test.kind !== 'incidence') return null;
  const blind = forwardersOf(test).find((label) => checkedTrials([label], trials).length === 0);
  return blind === undefined ? null : `no trial of ${blind} has compared a byte`;
}

/** Why the two sides of a test were not what it compares, or null where they were or nothing counts it. */
function alike(test: Test, trials: readonly TrialRecord[]): string | null {
  if (test.kind !== 'incidence' || test.by === undefined) return null;
  const { of, against, by } = test;
  const counted = (trial: TrialRecord) => Number(trial.forwarder_detail[by] ?? 0);
  const without = checkedTrials(of, trials).filter((trial) => counted(trial) === 0);
  if (without.length > 0)
    return `${by} is 0 in ${plural(without.length, 'trial')} of ${listed(of)}`;
  const despite = checkedTrials(against, trials).filter((trial) => counted(trial) > 0);
  if (despite.length === 0) return null;
  return `${by} is above 0 in ${plural(despite.length, 'trial')} of ${listed(against)}`;
}

/** Why trials do not tell what happens without coalescing, where that is what is asked. */
function coalesced(
  { withoutCoalescing }: ClaimTest,
  trials: readonly TrialRecord[],
  cells: readonly Cell[],
): string | null {
  if (withoutCoalescing !== true) return null;
  const off = new Set(
    cells.flatMap(({ key, topology }) =>
      'gro' in topology && topology.gro === false ? [key] : [],
    ),
  );
  return trials.every(({ cell }) => off.has(cell))
    ? null
    : "receive coalescing is not known to have been off: set 'gro: off' in a topology 'nic' or 'veth'";
}

/** Why the links do not do for the claim, in words; null where they do. */
function tooSlow({ leastLink }: Claim, trials: readonly TrialRecord[]): string | null {
  if (leastLink === undefined) return null;
  const speeds = trials.map(({ link_gbps }) => link_gbps);
  const known = speeds.filter((speed) => speed !== null);
  if (known.length < speeds.length) return 'the speed of the link here is unknown';
  const slowest = Math.min(...known) * 1e9;
  return slowest < leastLink ? `the link here has ${formatBitRate(slowest)}` : null;
}

function test(test: Test, trials: readonly TrialRecord[]): ClaimFinding {
  switch (test.kind) {
    case 'ratio':
      return ratioOf(test, trials);
    case 'level':
      return level(test, trials);
    case 'corruption':
      return corruption(test.of, trials);
    case 'stall':
      return stall(test, trials);
    case 'incidence':
      return incidence(test, trials);
  }
}

/** A stall says something only where the other one came through under the same condition. */
function stall(
  { of, against }: Extract<Test, { kind: 'stall' }>,
  trials: readonly TrialRecord[],
): ClaimFinding {
  const trialsOf = (label: string) => trials.filter(({ forwarder }) => forwarder === label);
  const stalled = (label: string) =>
    trialsOf(label).filter(({ outcome }) => outcome === 'stalled').length;
  const counted = (label: string) =>
    `${stalled(label)} of ${plural(trialsOf(label).length, 'trial')} of ${label}`;
  const counts = `${counted(of)} and ${counted(against)} stalled`;
  const finding = (verdict: ClaimFinding['verdict'], reason = ''): ClaimFinding => ({
    verdict,
    measured: null,
    detail: `${counts}${reason}`,
  });
  if (stalled(of) === 0) return finding('not reproduced');
  if (stalled(against) > 0) {
    return finding('not reproduced', `: ${against} stalled as well, which shows nothing`);
  }
  return trialsOf(against).some(isUsable)
    ? finding('supported')
    : finding('not reproduced', `, but no trial of ${against} finished`);
}
