/** Incidents that look as if they shared a cause. Pure. */
import type { IncidentClass } from '../record/words.js';
import type { StoredIncident } from '../record/record.js';
import { type CallFit, relationOf } from './relation.js';
import { sentOffset } from './stretch.js';

/** Incidents of one class that lie alike. */
export interface IncidentGroup {
  class: IncidentClass;
  in: CallFit;
  out: CallFit;
  /** Where the bytes came from, in words; null where the class has no origin. */
  origin: string | null;
  /** Numbers of the incidents, from 1, in the order in which they are stored. */
  numbers: number[];
  forwarders: string[];
  trials: string[];
}

/**
 * Groups incidents by class, by where they begin and end in the calls that carried them, and by the kind of their
 * origin; the largest group first.
 * @param incidents in the order of incidents.jsonl
 */
export function groupIncidents(incidents: readonly StoredIncident[]): IncidentGroup[] {
  const groups = new Map<string, IncidentGroup>();
  for (const [index, incident] of incidents.entries()) {
    const relation = relationOf(incident);
    const origin = originKind(incident);
    const key = JSON.stringify([incident.class, relation.in, relation.out, origin]);
    let group = groups.get(key);
    if (group === undefined) {
      group = {
        class: incident.class,
        in: relation.in,
        out: relation.out,
        origin,
        numbers: [],
        forwarders: [],
        trials: [],
      };
      groups.set(key, group);
    }
    group.numbers.push(index + 1);
    if (!group.forwarders.includes(incident.forwarder)) group.forwarders.push(incident.forwarder);
    if (!group.trials.includes(incident.trial_id)) group.trials.push(incident.trial_id);
  }
  return [...groups.values()].sort((a, b) => b.numbers.length - a.numbers.length);
}

function originKind(incident: StoredIncident): string | null {
  const { class: kind, origin_offset: from } = incident;
  if (kind === 'foreign') {
    if (incident.origin_connection === undefined) return 'another run or trial';
    const other = incident.origin_connection !== incident.connection;
    return other ? 'another connection' : 'the other direction';
  }
  if (kind === 'decoy') {
    const { origin_place: place } = incident;
    return place === undefined ? null : `a decoy's ${place}`;
  }
  if (kind !== 'misplaced' || from === undefined) return null;
  return from < sentOffset(incident) ? 'earlier in its stream' : 'later in its stream';
}
