import { connectionSentence } from '../../../data/integrity/bounds.js';
import { violatedConnections } from '../../../data/integrity/connection-outcomes.js';
import { integrityLine } from '../../../data/integrity/tally-text.js';
import { detectorSentence } from '../../../tasks/selftest/proof-text.js';
import { type Block, paragraph, type Section, written } from '../document-blocks.js';
import { conditionTable, integrityInput, integrityTable } from '../integrity-table.js';
import type { RunReport } from '../report-types.js';

/** What the byte checks found, and how much that says. */
export function integritySections(report: RunReport): Section[] {
  const { total, trials } = report;
  const found = paragraph(`Corrupted stretches in the bytes compared: ${integrityLine(total)}.`);
  const checked = trials.some((trial) => trial.check === 'full');
  const table = integrityTable(integrityInput(report));
  const detectors = paragraph(detectorSentence(report.manifest.detectors), 'aside');
  return [
    {
      kind: 'section',
      heading: 'Integrity',
      blocks: checked
        ? [found, ...perConnection(report), table, detectors, ...byCondition(report)]
        : [found, written(table), written(detectors)],
    },
  ];
}

function perConnection({ total }: RunReport): Block[] {
  if (total.perConnection === null) return [];
  const wrong = violatedConnections(total.connectionOutcomes);
  return [
    written(
      paragraph(
        `Corruption comes in bursts, so per connection too: ${connectionSentence(wrong, total.checkedConnections)}.`,
      ),
    ),
  ];
}

function byCondition(report: RunReport): Block[] {
  const table = conditionTable(integrityInput(report));
  if (table.rows.length === 0) return [];
  return [written({ kind: 'section', heading: 'By condition', fold: 'closed', blocks: [table] })];
}
