/** What `make bars-precision` runs: kinds of runs, their order, and the scenario of each. Pure. */
import type { SampleRange } from '../../src/base/statistics/looks.js';
import type { Scenario } from '../../src/experiment/scenario/expand.js';
import { pairScenario, type PairOptions } from '../../src/tasks/noise/noise.js';

/**
 * `aa`: a forwarder against itself, and `aa-short` the same in many short runs; `burner`: against a twin that uses 5 %
 * less CPU; `splice`, `splice-busy`, `splice-again`: splice against copy at the begin, with both CPUs kept
 * half busy, and at the end.
 */
export type Kind = 'aa' | 'aa-short' | 'burner' | 'splice' | 'splice-busy' | 'splice-again';

/** How much is run; stored, since a session that goes on must be the same. */
export interface Amount {
  aaRuns: number;
  burnerRuns: number;
  /** Of wall time, of all runs but the short ones. */
  seconds: number;
  /** Of each of the short runs. */
  shortSeconds: number;
  /** Measured seconds of each arm in a set; null = as `splicebench noise` has it. */
  setSeconds: number | null;
}

export interface PlannedRun {
  kind: Kind;
  /** Of its kind, from 1. */
  index: number;
}

/** Both arms of a kind of run: what the ratio is to, and what is compared with it. */
interface Pair {
  under: string;
  over: string;
  arms: PairOptions['arms'];
}

/** Per cent of CPU. */
const BURN = 5;
const TWIN = { use: 'faulty', fault: 'none' };

const AGAINST_ITSELF: Pair = {
  under: 'copy',
  over: 'copy again',
  arms: [
    { use: 'copy', name: 'copy' },
    { use: 'copy', name: 'copy again' },
  ],
};
const BURNER: Pair = {
  under: 'twin',
  over: 'burner',
  arms: [
    { ...TWIN, name: 'twin' },
    { ...TWIN, name: 'burner', burn: BURN },
  ],
};
const SPLICE: Pair = {
  under: 'copy',
  over: 'splice',
  arms: [
    { use: 'copy', name: 'copy' },
    { use: 'splice', name: 'splice' },
  ],
};

/** The arms that a kind of run compares. */
export function pairOf(kind: Kind): Pair {
  if (kind === 'burner') return BURNER;
  return kind === 'aa' || kind === 'aa-short' ? AGAINST_ITSELF : SPLICE;
}

/**
 * When a run of a kind looks whether it may end, in sets; null = it uses its time. Few looks, since they share the
 * error; the most are more than fit into a minute, whose end is then the last look.
 */
export function looksOf(kind: Kind): SampleRange | null {
  return kind === 'burner' ? { min: 16, max: 81 } : null;
}

/** Short runs and burners by turns, so that what the host does meanwhile falls on both. */
export function plannedRuns({ aaRuns, burnerRuns }: Amount): PlannedRun[] {
  const spread = (kind: Kind, runs: number) =>
    Array.from({ length: runs }, (_, index) => ({
      run: { kind, index: index + 1 },
      at: (index + 0.5) / runs,
    }));
  const many = [...spread('aa-short', aaRuns), ...spread('burner', burnerRuns)];
  return [
    { kind: 'splice', index: 1 },
    { kind: 'aa', index: 1 },
    ...many.sort((a, b) => a.at - b.at).map(({ run }) => run),
    { kind: 'splice-busy', index: 1 },
    { kind: 'splice-again', index: 1 },
  ];
}

/** One connection, prepared pages, for the run's time. */
export function scenarioOf({ kind }: PlannedRun, amount: Amount): Scenario {
  const seconds = kind === 'aa-short' ? amount.shortSeconds : amount.seconds;
  const { setSeconds } = amount;
  const scenario = pairScenario({
    ...{ name: `precision-${kind}`, arms: pairOf(kind).arms, seconds },
    ...(setSeconds === null ? {} : { setSeconds }),
  });
  const max = looksOf(kind)?.max;
  return max === undefined ? scenario : { ...scenario, blocks: { ...scenario.blocks, max } };
}
