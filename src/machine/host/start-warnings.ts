/** Which of the doctor's warnings a run shows when it begins: those that concern where its trials run. */
import type { HostEnvironment, StartWarning } from '../../data/record/environment-record.js';
import type { Topology } from '../../data/record/plan.js';
import type { HostFacts } from './host-facts.js';
import { linkWarnings } from './link-warnings.js';
import { warningsFor } from './warnings.js';

type Kind = Topology['kind'];

/**
 * What may be other at the next run, or spoils one forwarder more than another. Left to `doctor` is what a
 * host always is (a virtual machine, few CPUs, mitigations): run.json has it, and trials of one run
 * share it. What a run lacks it says elsewhere: forwarders left out, columns unavailable, limits.
 */
const ANYWHERE = [
  ...['busy', 'stolen-time', 'burstable', 'memory', 'governor', 'small-pipes', 'few-pipe-pages'],
];
const CONCERN: Readonly<Record<Kind, readonly string[]>> = {
  loopback: ANYWHERE,
  veth: ANYWHERE,
  nic: [...ANYWHERE, 'turbo'],
  // Nothing is set there by the run.
  hosts: [...ANYWHERE, 'turbo', 'pacing', 'offloads'],
};

/** A host as the doctor saw it, before trials of these kinds of topology. */
export interface SeenHost {
  host: string;
  kinds: readonly Kind[];
  facts: HostFacts;
}

/**
 * Pure.
 * @param environments with the topology that each was captured for
 * @param connections most of any condition
 */
export function startWarnings(
  seen: readonly SeenHost[],
  environments: readonly HostEnvironment[],
  connections: number,
): StartWarning[] {
  const found = seen.flatMap(({ host, kinds, facts }) => {
    const own = environments.find((one) => one.host === host);
    const concern = new Set(kinds.flatMap((kind) => CONCERN[kind]));
    const carrying = own?.interfaces?.map(({ name }) => name) ?? [];
    const lacking = facts.interfacesWithoutOffloads.filter((name) => carrying.includes(name));
    const all = warningsFor({ ...facts, interfacesWithoutOffloads: lacking });
    return all.filter(({ id }) => concern.has(id)).map((warning) => ({ host, ...warning }));
  });
  const topologies = [...new Set(environments.map(({ topology }) => topology))];
  const links = topologies.flatMap((topology) =>
    linkWarnings({ hosts: environments.filter((one) => one.topology === topology), connections }),
  );
  // Conditions of one run have the same cards.
  const all = new Map([...found, ...links].map((one) => [`${one.host} ${one.found}`, one]));
  return [...all.values()];
}

/** A sentence with the remedy; why it matters is in run.json, and `doctor` says it. */
export function startWarningText({ host, id, found, remedy }: StartWarning): string {
  return `At the start${host === null ? '' : `, on ${host}`}: ${found} (${id}); remedy: ${remedy}.`;
}
