import { groupIncidents } from '../../../data/integrity/groups.js';
import { incidentSentence } from '../../../data/integrity/incident-text.js';
import { relationOf } from '../../../data/integrity/relation.js';
import { storedText } from '../../../data/integrity/stored-limits.js';
import type { StoredIncident } from '../../../data/record/record.js';
import { plural } from '../../../base/units/quantity.js';
import { type Block, paragraph, type Section, written } from '../document-blocks.js';
import { groupText } from '../incident-groups.js';
import type { RunReport } from '../report-types.js';

/** Incidents shown in files; the terminal shows the first, incidents.jsonl has all that are stored. */
const SHOWN_INCIDENTS = 10;
const SHOWN_GROUPS = 10;

/** What was wrong with the bytes: in groups, then incident by incident. */
export function incidentSections({ incidents, total }: RunReport): Section[] {
  if (incidents.length === 0) return [];
  const groups = groupIncidents(incidents);
  const further = groups.length - SHOWN_GROUPS;
  const firsts = groups.flatMap(({ numbers }) => incidents[(numbers[0] ?? 1) - 1] ?? []);
  const shown = [...new Set([...firsts, ...incidents])].slice(0, SHOWN_INCIDENTS);
  const more: Block[] =
    further > 0 ? [paragraph(`${plural(further, 'further group')}: splicebench explain.`)] : [];
  return [
    {
      kind: 'section',
      heading: 'Incidents',
      blocks: [
        paragraph(`In incidents.jsonl: ${storedText(incidents.length, total.incidents)}.`),
        paragraph('By class and by where they begin and end in the calls that carried them:'),
        { kind: 'list', numbered: true, items: groups.slice(0, SHOWN_GROUPS).map(groupText) },
        ...more,
        written(
          paragraph(
            'The first of each group comes first. Expected and received bytes stand side by side; those that differ are marked.',
            'aside',
          ),
        ),
        ...shown.map((incident, index) => {
          const section = incidentSection(incident);
          return index === 0 ? section : written(section);
        }),
      ],
    },
  ];
}

function incidentSection(incident: StoredIncident): Section {
  return {
    kind: 'section',
    heading: `${incident.forwarder}, trial ${incident.trial_id}`,
    blocks: [
      paragraph(incidentSentence(incident)),
      { kind: 'incident', incident },
      paragraph(relationOf(incident).sentences.join(' ')),
    ],
  };
}
