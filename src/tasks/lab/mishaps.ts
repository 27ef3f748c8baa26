/** What goes wrong with a card on purpose while a trial moves bytes over it; what is asked for, and what came of it. */
import { UsageError } from '../../base/errors/errors.js';
import type { Scenario } from '../../experiment/scenario/expand.js';

/** `pull` = the cable is pulled and put back; `unbind` = the driver is taken from the card. */
export type MishapKind = 'pull' | 'unbind';

/** In the first trial of a scenario, to the last of its ports. */
export interface Mishap {
  kind: MishapKind;
  scenario: string;
  /** The port. */
  card: string;
}

/** A line of the file that the guest leaves. */
export interface MishapRecord extends Mishap {
  trial_id: string;
  driver: string;
  /** Of the card in the guest, such as 0000:00:05.0. */
  device: string;
  /** What had crossed the port, both ways, when it happened. */
  bytes_before: number | null;
  /** Pulled: what crossed it within 1.5 seconds while the cable was out. */
  bytes_while_out: number | null;
  /** The kernel said that the carrier was gone, or that the port was. */
  seen: boolean;
  /** The carrier came back; the driver took its card back, and the port was there again. */
  restored: boolean;
  outcome: string | null;
  incidents: number | null;
  /** What the run said of it, and what did not work of the mishap itself. */
  said: string[];
}

export const MISHAPS_FILE = 'mishaps.jsonl';

/**
 * The mishaps that a lab is asked for.
 * @param asked names of scenarios; null = none
 * @throws UsageError where one is not run, or has no ports to pull a cable from
 */
export function mishapsFor(
  scenarios: readonly Scenario[],
  asked: Readonly<Record<MishapKind, string | null>>,
): Mishap[] {
  return (['pull', 'unbind'] as const).flatMap((kind) => {
    const name = asked[kind];
    if (name === null) return [];
    const option = kind === 'pull' ? '--pull-cable' : '--unbind-driver';
    const scenario = scenarios.find((one) => one.name === name);
    if (scenario === undefined) {
      throw new UsageError(`${option}: no scenario '${name}' is run here; name one that is`);
    }
    const topology = scenario.cells[0]?.topology;
    const card = topology?.kind === 'nic' ? topology.seats.at(-1)?.port : undefined;
    if (card === undefined) {
      throw new UsageError(`${option}: '${name}' has no ports; it takes the topology nic`);
    }
    if (kind === 'unbind' && scenario !== scenarios.at(-1)) {
      throw new UsageError(
        `${option}: '${name}' must be the last scenario: its port is gone afterwards`,
      );
    }
    return [{ kind, scenario: name, card }];
  });
}

/** A sentence for whoever reads the run. Pure. */
export function mishapText(record: MishapRecord): string {
  const { kind, card, driver, seen, restored, outcome, incidents, said } = record;
  const what = kind === 'pull' ? `the cable of ${card} was pulled` : `${driver} was unbound`;
  const noticed = seen ? '' : ', which its driver did not notice';
  const back = kind === 'pull' ? 'the carrier' : card;
  const there = kind === 'pull' ? `${back} is there again` : `${back} came back`;
  const after = restored ? there : `${back} did not come back`;
  const found = incidents === null ? '' : `, incidents ${incidents}`;
  const words = said.length === 0 ? '' : ` (${said.join('; ')})`;
  return `${what} in mid-trial${noticed}; ${after}; the trial was ${outcome ?? 'not over'}${found}${words}`;
}
