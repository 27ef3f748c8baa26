/**
 * Going on with a stored run: it must be the same run, or the trials would not compare.
 */
import { z } from 'zod';
import { UsageError } from '../../base/errors/errors.js';
import type { Scenario } from '../scenario/expand.js';
import { shown } from '../../base/units/sizes.js';
import type { RunManifest } from '../../data/record/record.js';

const scenarioSchema = z.looseObject({
  name: z.string(),
  cells: z.array(z.looseObject({ key: z.string(), workload: z.looseObject({}) })).min(1),
  forwarders: z.array(z.looseObject({ label: z.string(), use: z.string() })).min(1),
  baseline: z.string(),
  blocks: z.looseObject({ min: z.int(), max: z.int(), target: z.number() }),
  thresholds: z.array(z.looseObject({ text: z.string() })),
});

/**
 * The scenarios of a stored run, as they were expanded when it started.
 * @throws UsageError when they are not what this version stores
 */
export function storedScenarios(manifest: RunManifest): Scenario[] {
  return manifest.scenarios.map((scenario, index) => {
    const result = scenarioSchema.safeParse(scenario);
    // The manifest's version, checked on reading, stands for what the schema leaves open.
    if (result.success) return result.data as unknown as Scenario;
    const issue = result.error.issues[0];
    throw new UsageError(
      `run.json: scenarios[${index}] is damaged: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    );
  });
}

/**
 * Makes sure that a run may be gone on with.
 * @param scenarios what is asked for now; null = whatever the run was started with
 * @param seed the seed asked for now; null = that of the run
 * @throws UsageError with a line for everything that differs
 */
export function assertSameRun(
  manifest: RunManifest,
  scenarios: readonly Scenario[] | null,
  seed: string | null,
): void {
  const lines = planDifferences(manifest, scenarios, seed);
  if (lines.length === 0) return;
  throw new UsageError(
    [
      `run ${manifest.run_id} cannot be resumed, since it would not be the same run:`,
      ...lines,
    ].join('\n  '),
  );
}

/** Everything that differs between a stored run and what is asked for now, a line each. */
export function planDifferences(
  manifest: RunManifest,
  scenarios: readonly Scenario[] | null,
  seed: string | null,
): string[] {
  const lines: string[] = [];
  if (seed !== null && seed !== manifest.seed) {
    lines.push(`seed: was ${manifest.seed}, is now ${seed}`);
  }
  if (scenarios === null) return lines;
  const before = new Map(storedScenarios(manifest).map((scenario) => [scenario.name, scenario]));
  for (const scenario of scenarios) {
    const stored = before.get(scenario.name);
    if (stored === undefined) lines.push(`scenario '${scenario.name}': was not part of the run`);
    else lines.push(...changes(`scenario '${scenario.name}'`, byName(stored), byName(scenario)));
    before.delete(scenario.name);
  }
  for (const name of before.keys()) lines.push(`scenario '${name}': is no longer part of the run`);
  return lines;
}

/** Lists become records by name, so that one entry more does not shift all others. */
function byName(scenario: Scenario): unknown {
  const { cells, forwarders, baseline, blocks, thresholds } = scenario;
  return JSON.parse(
    JSON.stringify({
      baseline,
      blocks,
      thresholds,
      cells: Object.fromEntries(cells.map((cell) => [cell.key, cell])),
      forwarders: Object.fromEntries(forwarders.map((entry) => [entry.label, entry])),
    }),
  );
}

function changes(at: string, before: unknown, after: unknown): string[] {
  if (isRecord(before) && isRecord(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) => changes(`${at} ${key}`, before[key], after[key]));
  }
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  return [`${at}: was ${shown(before)}, is now ${shown(after)}`];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
