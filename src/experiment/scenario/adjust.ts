/**
 * What the command line changes about a scenario: `--quick`, `--blocks N`, `--only A,B`,
 * `--until BOUND`, `--hours H`, `--strace` and `--record-calls`.
 */
import { UsageError } from '../../base/errors/errors.js';
import { EXPECTED_BOUND, looksLikeBound } from '../verdict/bound.js';
import type { Scenario } from './expand.js';
import { suggestion } from '../../base/text/nearest.js';
import { cellOf, type Workload } from '../../data/record/plan.js';
import { roomOf } from '../workload/rooms.js';
import { duration } from '../../base/units/quantity.js';
import { type BoundThreshold, isBound, parseThreshold } from '../verdict/thresholds.js';

/** Seconds of a quick trial's measured window and warm-up; with start and drain about half a second. */
const QUICK_SECONDS = 0.3;
const QUICK_WARMUP = 0.1;
const QUICK_BLOCKS = 2;

/** A changed scenario, with sentences about what the change costs. */
export interface Adjusted {
  scenario: Scenario;
  notes: string[];
}

/** `--quick`: two short blocks, enough to see that everything works, too few for any interval. */
export function quick(scenario: Scenario): Adjusted {
  const cells = scenario.cells.map((cell) => ({
    ...cell,
    workload: quickWorkload(cell.workload),
  }));
  const blocks = { ...scenario.blocks, min: QUICK_BLOCKS, max: QUICK_BLOCKS, budget: null };
  const note =
    `--quick: ${QUICK_BLOCKS} blocks of ${QUICK_SECONDS * 1e3} ms windows show that it works; ` +
    `they give no 95 % interval, so take no figure from them`;
  return { scenario: { ...scenario, cells, blocks }, notes: [note] };
}

function quickWorkload(workload: Workload): Workload {
  const seconds = Math.min(workload.seconds, QUICK_SECONDS);
  const warmup = Math.min(workload.warmup, QUICK_WARMUP);
  const short = { ...workload, seconds, warmup };
  return roomOf(short.kind).quick?.(short) ?? short;
}

/**
 * `--blocks N`: exactly N blocks, whatever the intervals and the budget say.
 * @throws UsageError unless N is a whole number from 1
 */
export function withBlocks(scenario: Scenario, count: number): Adjusted {
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new UsageError(`--blocks: expected a whole number from 1, got ${count}`);
  }
  const notes =
    count < 6 ? [`--blocks ${count}: fewer than 6 blocks give no 95 % interval of a median`] : [];
  const blocks = { ...scenario.blocks, min: count, max: count, budget: null };
  return { scenario: { ...scenario, blocks }, notes };
}

/** Blocks that a run until a bound or a time makes at most; `--blocks` sets another limit. */
const MOST_BLOCKS = 10_000;

/**
 * `--until BOUND`: blocks until each bound is reached, at most `most` of them. Conditions that check no
 * bytes are left out, since they bring no bound nearer.
 * @throws UsageError for what is no bound on corruption, or when no condition checks the bytes
 */
export function until(scenario: Scenario, texts: readonly string[], most = MOST_BLOCKS): Adjusted {
  const labels = scenario.forwarders.map(({ label }) => label);
  const bounds = texts.map((text): BoundThreshold => {
    const parsed = looksLikeBound(text)
      ? parseThreshold(text, labels, scenario.baseline)
      : `threshold '${text}': ${EXPECTED_BOUND}`;
    if (typeof parsed === 'string') throw new UsageError(parsed.replace('threshold', '--until'));
    if (!isBound(parsed)) throw new UsageError(`--until '${text}': ${EXPECTED_BOUND}`);
    return { ...parsed, quantity: { ...parsed.quantity, looks: 'repeated' } };
  });
  const cells = scenario.cells.filter((cell) =>
    scenario.forwarders.some((entry) => cellOf(cell, entry).workload.check === 'full'),
  );
  if (cells.length === 0) {
    throw new UsageError(
      `--until: no condition of scenario '${scenario.name}' checks the bytes (workload.check: full)`,
    );
  }
  const left = scenario.cells.length - cells.length;
  const notes =
    left === 0
      ? []
      : [`--until: ${left} of ${scenario.cells.length} conditions are left out: check: none`];
  const blocks = { ...scenario.blocks, min: 1, max: most, budget: null, until: bounds };
  return { scenario: { ...scenario, cells, blocks }, notes };
}

/**
 * `--hours H`: blocks until the time is over, at most `most` of them.
 * @param seconds for this scenario
 */
export function soak(scenario: Scenario, seconds: number, most = MOST_BLOCKS): Adjusted {
  const blocks = { ...scenario.blocks, min: 1, max: most, budget: seconds, soak: true as const };
  const notes = [`--hours: ${scenario.name} is repeated for ${duration(seconds)}`];
  return { scenario: { ...scenario, blocks }, notes };
}

/**
 * `--strace`: every forwarder under strace, for the calls around incidents. As many blocks as the least,
 * since there are no ratios whose intervals could get narrower.
 */
export function strace(scenario: Scenario): Adjusted {
  const forwarders = scenario.forwarders.map((entry) =>
    entry.use === 'direct' ? entry : { ...entry, strace: true as const },
  );
  const blocks = { ...scenario.blocks, max: scenario.blocks.min };
  const notes = ['--strace: calls are traced; no figure of speed is taken from such trials'];
  return { scenario: { ...scenario, forwarders, blocks }, notes };
}

/**
 * `--record-calls`: every program with the call recorder preloaded, for the calls around incidents.
 * @param isProgram true of a forwarder that is one; the others record their calls by themselves
 */
export function recordCalls(scenario: Scenario, isProgram: (use: string) => boolean): Adjusted {
  const forwarders = scenario.forwarders.map((entry) =>
    isProgram(entry.use) && entry.strace !== true
      ? { ...entry, calls: 'recorder' as const }
      : entry,
  );
  const notes = ['--record-calls: programs write down their calls, which costs them a little'];
  return { scenario: { ...scenario, forwarders }, notes };
}

/** Splits the argument of `--only` at commas, except inside parentheses. */
export function parseOnly(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/**
 * `--only A,B` for all scenarios asked for: those that have none of the forwarders are left out.
 * @throws UsageError when a name is in none of them, naming the nearest
 */
export function onlyIn(
  scenarios: readonly Scenario[],
  names: readonly string[],
): { scenarios: Scenario[]; notes: string[] } {
  const kept: Scenario[] = [];
  const notes: string[] = [];
  for (const scenario of scenarios) {
    const known = scenario.forwarders.flatMap(({ label, use }) => [label, use]);
    const own = names.filter((name) => known.includes(name));
    const elsewhere = names.filter((name) =>
      scenarios.some(({ forwarders }) =>
        forwarders.some(({ label, use }) => label === name || use === name),
      ),
    );
    if (own.length === 0 && elsewhere.length === names.length && names.length > 0) {
      notes.push(`--only: scenario '${scenario.name}' has none of them and is left out`);
      continue;
    }
    const wanted = elsewhere.length === names.length ? own : names;
    const adjusted = only(scenario, wanted);
    kept.push(adjusted.scenario);
    notes.push(...adjusted.notes);
  }
  return { scenarios: kept, notes };
}

/**
 * `--only A,B`: the forwarders with these labels or these mechanisms, and the baseline, without
 * which there are no ratios. Thresholds of forwarders left out are left out with them.
 * @throws UsageError when a name is none of the scenario's, naming the nearest
 */
export function only(scenario: Scenario, names: readonly string[]): Adjusted {
  const { forwarders, baseline } = scenario;
  const known = [...new Set(forwarders.flatMap(({ label, use }) => [label, use]))];
  if (names.length === 0) throw new UsageError('--only: expected names of forwarders, got none');
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const lines = unknown.map(
      (name) =>
        `--only: no forwarder '${name}' in scenario '${scenario.name}'${suggestion(name, known)}`,
    );
    throw new UsageError(lines.join('\n'));
  }
  const kept = forwarders.filter(
    ({ label, use }) => label === baseline || names.includes(label) || names.includes(use),
  );
  const labels = kept.map(({ label }) => label);
  const notes: string[] = [];
  if (
    !names.some((name) =>
      forwarders.some((f) => f.label === baseline && [f.label, f.use].includes(name)),
    )
  ) {
    notes.push(`--only: the baseline '${baseline}' runs too, since ratios need it`);
  }
  const thresholds = scenario.thresholds.filter(
    ({ quantity }) => quantity.forwarder === null || labels.includes(quantity.forwarder),
  );
  for (const { text } of scenario.thresholds.filter((each) => !thresholds.includes(each))) {
    notes.push(`--only: threshold '${text}' is left out with its forwarder`);
  }
  return { scenario: { ...scenario, forwarders: kept, thresholds }, notes };
}
