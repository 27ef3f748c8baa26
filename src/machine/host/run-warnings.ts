/** What a run finds to have changed on its hosts, as warnings: a closed list, each with its remedy. */
import { listed } from '../../base/units/quantity.js';
import type { EnvironmentChange } from '../../data/record/environment-record.js';
import type { Warning } from './warnings.js';

type Kind = EnvironmentChange['kind'];

const TRIALS_DIFFER = 'trials before and after it ran under different conditions';

/** By the kind of change; these are all that a run ever warns of. */
export const RUN_WARNING_KINDS: Readonly<Record<Kind, Omit<Warning, 'found'>>> = {
  sysctl: {
    id: 'changed-sysctl',
    matters: TRIALS_DIFFER,
    remedy: 'see that nothing tunes the host meanwhile (tuned, sysctl.d, a container that starts)',
  },
  clock: {
    id: 'changed-clock',
    matters: `the CPUs ran at another speed: ${TRIALS_DIFFER}`,
    remedy:
      'fix governor, turbo and SMT, and stop what manages power (tuned, thermald), then repeat',
  },
  interface: {
    id: 'changed-interface',
    matters: `packets were made or served in another way: ${TRIALS_DIFFER}`,
    remedy: 'stop irqbalance, turn adaptive coalescing off, look at the link, then repeat',
  },
  system: {
    id: 'changed-system',
    matters: `the host is not the same any more: ${TRIALS_DIFFER}`,
    remedy: 'do not resume a run after an update or a restart of its hosts: run it anew',
  },
  unseen: {
    id: 'not-seen-after',
    matters: 'whether its settings stayed as they were is not known',
    remedy: 'see why it was lost (the error of the last trials), then repeat',
  },
};

/** Changes of one kind on one host that are told one by one. */
const TOLD = 4;

/** One warning per host and kind of change. */
export function runWarnings(changes: readonly EnvironmentChange[]): Warning[] {
  const groups = new Map<string, EnvironmentChange[]>();
  for (const change of changes) {
    const key = JSON.stringify([change.host, change.kind]);
    groups.set(key, [...(groups.get(key) ?? []), change]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    return [{ ...RUN_WARNING_KINDS[first.kind], found: foundText(first.host, group) }];
  });
}

function foundText(host: string, changes: readonly EnvironmentChange[]): string {
  if (changes[0]?.kind === 'unseen') return `host ${host} could not be looked at after the run`;
  const told = changes.slice(0, TOLD).map(changeText);
  const more = changes.length - told.length;
  return `on ${host} ${listed(more > 0 ? [...told, `${more} more (run.json)`] : told)}`;
}

/** "sysctl net.ipv4.tcp_rmem changed during the run: was 1, is 2". */
function changeText({ what, before, after }: EnvironmentChange): string {
  const [was, is] = [before ?? 'unavailable', after ?? 'unavailable'];
  return `${what} changed during the run: was ${was}, is ${is}`;
}

/** A warning as a sentence with its remedy. */
export function warningText({ id, found, matters, remedy }: Warning): string {
  return `${found} (${id}): ${matters}; ${remedy}.`;
}
