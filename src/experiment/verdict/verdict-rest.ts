/** What forwarders did wrong while nothing moved: a word in the verdict. Pure. */
import { count, listed, plural, ratioNumber } from '../../base/units/quantity.js';
import { leftHeld, RESTLESS, type RestRecord } from '../../data/record/rest-record.js';
import type { TrialRecord } from '../../data/record/record.js';

/** "socat used 0.98 of a CPU while nothing moved (6 of 6 trials)." per forwarder and fault. */
export function restNotes(trials: readonly TrialRecord[]): string[] {
  const labels = [...new Set(trials.map(({ forwarder }) => forwarder))];
  return labels.flatMap((label) => {
    const own = trials.filter((trial) => trial.forwarder === label && trial.rest !== undefined);
    const found = new Map<string, string[]>();
    for (const { rest, connections } of own) {
      for (const { kind, words } of rest === undefined ? [] : restFaults(rest, connections)) {
        found.set(kind, [...(found.get(kind) ?? []), words]);
      }
    }
    return [...found.values()].map(
      (words) =>
        `${label} ${words[0] ?? ''} (${count(words.length)} of ${plural(own.length, 'trial')}).`,
    );
  });
}

/** What is wrong in one trial; `words` go on from the forwarder's name. */
export function restFaults(
  { idle_cpu_share: idle, drained_cpu_share: drained, held }: RestRecord,
  connections: number,
): { kind: 'idle' | 'drained' | 'sockets' | 'descriptors'; words: string }[] {
  const faults: ReturnType<typeof restFaults> = [];
  if (idle !== null && idle > RESTLESS) {
    const words = `used ${ratioNumber(idle)} of a CPU while its connections stood still`;
    faults.push({ kind: 'idle', words });
  }
  if (drained !== null && drained > RESTLESS) {
    const words = `used ${ratioNumber(drained)} of a CPU after all connections had ended`;
    faults.push({ kind: 'drained', words });
  }
  if (held === null) return faults;
  const { sockets, descriptors } = leftHeld(held, connections);
  if (sockets > 0) {
    const states = Object.entries(held.states);
    const by = listed(states.map(([state, many]) => `${count(many)} in ${state}`));
    const words = `still held ${plural(sockets, 'socket')} two seconds after all connections had ended: ${by}`;
    faults.push({ kind: 'sockets', words });
  }
  if (descriptors > 0) {
    const words = `still held ${plural(descriptors, 'descriptor')} more than before the first connection`;
    faults.push({ kind: 'descriptors', words });
  }
  return faults;
}
