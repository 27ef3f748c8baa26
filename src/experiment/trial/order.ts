/**
 * Which trials a run consists of and in which order. Everything is a pure function of the seed, so
 * that a resumed run does exactly what the interrupted one would have done.
 */
import {
  type Cell,
  cellOf,
  type ForwarderEntry,
  type PlannedTrial,
} from '../../data/record/plan.js';
import { derivedSeed, Random } from '../../base/statistics/random.js';

/** What the trials of a scenario are made from. */
export interface TrialPlan {
  run_id: string;
  /** The run's seed: 64 bits as decimal digits. */
  seed: string;
  cells: readonly Cell[];
  forwarders: readonly ForwarderEntry[];
}

/**
 * The trials of one block: every forwarder once in every cell. Cells are in random order, and so are
 * the forwarders inside each cell; the trials of a cell follow each other, because only they are
 * compared, and the closer in time the less drift is between them (restricted randomisation: R. A.
 * Fisher, "The Design of Experiments", 1935).
 * @param block from 1
 */
export function planBlock(plan: TrialPlan, block: number): PlannedTrial[] {
  const random = new Random(plan.seed, 'order', plan.cells[0]?.scenario ?? '', block);
  const ids = trialSlugs(plan);
  const order = random
    .shuffled(plan.cells)
    .flatMap((cell) => random.shuffled(plan.forwarders).map((forwarder) => ({ cell, forwarder })));
  return order.map(({ cell, forwarder }, index) => {
    const slug = ids.get(pairKey(cell, forwarder)) ?? '';
    const trial_id = `b${String(block).padStart(2, '0')}-${slug}`;
    return {
      run_id: plan.run_id,
      trial_id,
      block,
      position: index + 1,
      cell: cellOf(cell, forwarder),
      forwarder,
      seed: derivedSeed(plan.seed, 'trial', trial_id),
    };
  });
}

/** What identifies a trial inside a run whatever its id looks like. */
export function trialKey(block: number, cell: string, forwarder: string): string {
  return JSON.stringify([block, cell, forwarder]);
}

/** File-name-safe names of every cell and forwarder; numbered where two would be alike. */
function trialSlugs(plan: TrialPlan): Map<string, string> {
  const slugs = new Map<string, string>();
  const taken = new Set<string>();
  for (const cell of plan.cells) {
    for (const forwarder of plan.forwarders) {
      const base = slug(`${cell.key}-${forwarder.label}`);
      let unique = base;
      for (let copy = 2; taken.has(unique); copy++) unique = `${base}-${copy}`;
      taken.add(unique);
      slugs.set(pairKey(cell, forwarder), unique);
    }
  }
  return slugs;
}

function pairKey(cell: Cell, forwarder: ForwarderEntry): string {
  return JSON.stringify([cell.key, forwarder.label]);
}

function slug(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9._]+/g, '-').replaceAll(/^-+|-+$/g, '');
}
