import { placeRoles } from '../machine/host/placement.js';
import type { Unavailable } from '../data/record/record.js';
import type { Scenario } from '../experiment/scenario/expand.js';
import { formatDuration } from '../base/units/sizes.js';
import { topologyText } from '../machine/topology/common/topology-text.js';
import { isUnavailable } from '../experiment/trial/availability.js';
import { planBlock } from '../experiment/trial/order.js';

/** What a trial takes besides its warm-up and window: processes, connect, drain. Seconds. */
export const TRIAL_OVERHEAD = 0.6;

/** What a run would do, in words: conditions, forwarders, who is left out, order of the first block, time. */
export function describePlan(
  scenarios: readonly Scenario[],
  seed: string | null,
  unavailable: readonly Unavailable[] = [],
): string {
  return scenarios.map((scenario) => describe(scenario, seed, unavailable)).join('\n');
}

function describe(
  scenario: Scenario,
  seed: string | null,
  unavailable: readonly Unavailable[],
): string {
  const { name, cells, forwarders, blocks, baseline } = scenario;
  const plan = { run_id: 'dry-run', seed: seed ?? '0', cells, forwarders };
  const trials = planBlock(plan, 1).filter(
    ({ cell, forwarder }) => !isUnavailable(unavailable, cell, forwarder.label),
  );
  const seconds = trials.reduce(
    (sum, { cell }) => sum + cell.workload.warmup + cell.workload.seconds + TRIAL_OVERHEAD,
    0,
  );
  const limit = blocks.budget === null ? '' : `, at most ${formatDuration(blocks.budget)}`;
  const lines = [
    `${scenario.name}${scenario.description === null ? '' : `: ${scenario.description}`}`,
    `  topology     ${[...new Set(cells.map(({ topology }) => topologyText(topology)))].join('; ')}`,
    `  conditions   ${cells.map(({ key }) => key).join(', ')}`,
    `  forwarders   ${forwarders.map(({ label }) => label).join(', ')} (baseline ${baseline})`,
    ...unavailable
      .filter((one) => one.scenario === name)
      .map(({ forwarder, cell, reason }) => {
        const where = cell === null ? '' : ` in ${cell}`;
        return `  unavailable  ${forwarder}${where}: ${reason}`;
      }),
    `  placement    ${placement(scenario)}`,
    `  blocks       ${blocks.min} to ${blocks.max} of ${trials.length} trials${limit}`,
    ...(blocks.until ?? []).map(({ text }) => `  until        ${text}`),
    `  time         about ${formatDuration(Math.round(seconds))} per block`,
  ];
  if (seed !== null) {
    const order = trials.map(({ cell, forwarder }) => `${cell.key} ${forwarder.label}`);
    lines.push(`  block 1      ${order.join(' · ')}`);
  }
  return `${lines.join('\n')}\n`;
}

function placement({ cells }: Scenario): string {
  const { topology, pin = null } = cells[0] ?? {};
  // Nothing is connected to for a dry run.
  if (topology?.kind === 'hosts' && pin === null) return 'as the hosts have CPUs';
  const { source, forwarder, sink } = placeRoles(cells[0]?.pin ?? null);
  return `source on CPU ${source.join(',')}, forwarder on ${forwarder.join(',')}, sink on ${sink.join(',')}`;
}
