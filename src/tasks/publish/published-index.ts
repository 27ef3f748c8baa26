/** What the published runs say together, each figure with the run that it is from. Pure. */
import { tally, type Tally, tallyByForwarder } from '../../data/integrity/tally.js';
import type { RunManifest, TrialRecord } from '../../data/record/record.js';
import { storedScenarios } from '../../experiment/trial/resume.js';
import { judgingByCell } from '../../experiment/verdict/answer.js';
import { summarise } from '../../experiment/verdict/summary.js';
import { judge, type UseOf, type RunVerdict } from '../../experiment/verdict/verdict.js';
import { decisive, judgeClaim, type JudgedClaim } from '../claims/judge-claim.js';
import type { Claim } from '../claims/claim.js';
import type { PublishedBar, PublishedBars, PublishedRun } from './published-runs.js';

/** Everything in results/README.md. */
export interface PublishedIndex {
  claims: readonly IndexedClaim[];
  bars: readonly IndexedBar[];
  /** Of all runs together, by registry entry; sums over different machines and days. */
  integrity: readonly IndexedTally[];
  total: IndexedTally;
  runs: readonly IndexedRun[];
}

/** A claim, and the run that its verdict is from. */
export interface IndexedClaim {
  judged: JudgedClaim;
  /** null = no published run has trials for it. */
  run: RunLink | null;
}

export interface IndexedBar extends PublishedBar {
  run: RunLink;
}

/** What was verified of one registry entry; `use` is null for the sum. */
export interface IndexedTally {
  use: string | null;
  sum: Tally;
  /** Those that compared bytes of it. */
  runs: readonly RunLink[];
}

export interface IndexedRun {
  run: RunLink;
  manifest: RunManifest;
  trials: number;
  sum: Tally;
  verdict: Pick<RunVerdict, 'speed' | 'safety'>;
  digest: string;
}

/** A run by its id, and where it lies relative to the folder of results. */
export interface RunLink {
  id: string;
  folder: string;
}

/** The entry that damages streams on purpose: what it did is no statement about forwarding. */
const DAMAGING = 'faulty';

/**
 * @param runs the latest first: the latest that decides a claim is believed
 * @param sessions bars that are of no run's trials
 */
export function publishedIndex(
  claims: readonly Claim[],
  runs: readonly PublishedRun[],
  sessions: readonly PublishedBars[] = [],
): PublishedIndex {
  const honest = runs.map((run) => ({ run: linkOf(run), trials: forwardedTrials(run) }));
  const uses = new Set(honest.flatMap(({ trials }) => trials.map(({ use }) => use)));
  return {
    claims: claims.map((claim) => indexedClaim(claim, runs)),
    bars: [
      ...runs.flatMap((run) => run.bars.map((bar) => ({ ...bar, run: linkOf(run) }))),
      ...sessions.flatMap(({ id, folder, bars }) =>
        bars.map((bar) => ({ ...bar, run: { id, folder } })),
      ),
    ],
    integrity: [...uses]
      .sort((a, b) => a.localeCompare(b, 'en'))
      .map((use) => indexedTally(use, honest)),
    total: indexedTally(null, honest),
    runs: runs.map(indexedRun),
  };
}

function linkOf({ manifest, folder }: PublishedRun): RunLink {
  return { id: manifest.run_id, folder };
}

function indexedClaim(claim: Claim, runs: readonly PublishedRun[]): IndexedClaim {
  const judged = runs.map((run) => {
    const cells = storedScenarios(run.manifest).flatMap((scenario) => scenario.cells);
    const unavailable = run.manifest.unavailable ?? [];
    return { ...judgeClaim(claim, { trials: run.trials, cells, unavailable }), run: linkOf(run) };
  });
  const best = decisive(judged);
  return best === undefined || best.trials === 0
    ? { judged: judgeClaim(claim, { trials: [], cells: [], unavailable: [] }), run: null }
    : { judged: best, run: best.run };
}

interface UsedTrial {
  use: string;
  trial: TrialRecord;
}

function forwardedTrials(run: PublishedRun): UsedTrial[] {
  const useOf = usesOf(run.manifest);
  return run.trials
    .map((trial) => ({ use: useOf(trial.scenario, trial.forwarder), trial }))
    .filter(({ use }) => use !== DAMAGING);
}

/** A label that no scenario lists, as iperf3 among the bars, counts as an entry of its own. */
function usesOf(manifest: RunManifest): UseOf {
  const scenarios = storedScenarios(manifest);
  return (name, label) =>
    scenarios
      .find((scenario) => scenario.name === name)
      ?.forwarders.find((entry) => entry.label === label)?.use ?? label;
}

function indexedTally(
  use: string | null,
  all: readonly { run: RunLink; trials: readonly UsedTrial[] }[],
): IndexedTally {
  const own = all.map(({ run, trials }) => ({
    run,
    trials: trials.filter((one) => use === null || one.use === use).map(({ trial }) => trial),
  }));
  return {
    use,
    sum: tally(
      use,
      own.flatMap(({ trials }) => trials),
    ),
    runs: own.filter(({ trials }) => tally(use, trials).checkedTrials > 0).map(({ run }) => run),
  };
}

function indexedRun(run: PublishedRun): IndexedRun {
  const { manifest, trials, incidents, digest } = run;
  const scenarios = storedScenarios(manifest);
  const cells = scenarios.flatMap((scenario) => scenario.cells);
  const labels = [...new Set(trials.map(({ forwarder }) => forwarder))];
  const sum = tally(null, trials);
  const verdict = judge({
    trials,
    summary: summarise(trials, cells, [], manifest.unavailable, judgingByCell(scenarios)),
    incidents,
    tallies: tallyByForwarder(labels, trials),
    total: sum,
    thresholds: [],
    interrupted: false,
    unavailable: [],
    changes: [],
    warnings: [],
    useOf: usesOf(manifest),
  });
  return { run: linkOf(run), manifest, trials: trials.length, sum, verdict, digest };
}
