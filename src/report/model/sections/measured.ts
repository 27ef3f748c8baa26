import { noiseSentence } from '../../../tasks/noise/noise-text.js';
import { type Block, paragraph, type Section, WRITTEN } from '../document-blocks.js';
import { forwarderFacts, hostFacts, limitations, missing, runFacts, whose } from '../facts.js';
import type { RunReport } from '../report-types.js';

/** How the run was made, what it cannot say, and what was missing: in files only. */
export function measuredSections(report: RunReport): Section[] {
  const unavailable = missing(report).map(
    (item) => `${item.what} of ${whose(item, report)}: ${item.reason}`,
  );
  return [
    { kind: 'section', in: WRITTEN, heading: 'How it was measured', blocks: howBlocks(report) },
    ...listSection('What this cannot say', limitations(report)),
    ...listSection('Unavailable', unavailable),
  ];
}

function howBlocks(report: RunReport): Block[] {
  const forwarders = forwarderFacts(report);
  return [
    { kind: 'facts', facts: runFacts(report) },
    ...(report.manifest.noise === undefined ? [paragraph(noiseSentence(undefined))] : []),
    ...report.manifest.environment.map((host): Section => ({
      kind: 'section',
      heading: `Host ${host.host}`,
      blocks: [{ kind: 'facts', facts: hostFacts(report, host) }],
    })),
    ...(forwarders.length === 0
      ? []
      : [
          {
            kind: 'section' as const,
            heading: 'Forwarders',
            blocks: [{ kind: 'facts' as const, facts: forwarders }],
          },
        ]),
  ];
}

function listSection(heading: string, items: string[]): Section[] {
  if (items.length === 0) return [];
  return [{ kind: 'section', in: WRITTEN, heading, blocks: [{ kind: 'list', items }] }];
}
