import { checkText } from '../../../experiment/verdict/condition.js';
import { coresCells, coresKey, coresTable } from '../cores.js';
import { type Block, paragraph, type Section, WRITTEN } from '../document-blocks.js';
import type { RunReport } from '../report-types.js';

/** What 3 to 100 Gbps take, copied and spliced: the claim of 2008 in today's terms. In files only. */
export function coresSections(report: RunReport): Section[] {
  const cells = coresCells(report);
  if (cells.length === 0) return [];
  return [
    {
      kind: 'section',
      in: WRITTEN,
      heading: 'Cores for a rate',
      blocks: [
        paragraph(MEANING, 'aside'),
        ...cells.map((cell): Block => ({
          kind: 'section',
          heading: `${cell.title}, ${checkText(cell)}`,
          blocks: [coresTable(cell), { kind: 'charts', of: coresKey(cell) }],
        })),
      ],
    },
  ];
}

const MEANING =
  'CPU seconds per GB as measured here, times the rate, with the 95 % interval of the median: cores of this host that are busy all the time. The cost per byte is taken to stay what it was at the speed measured; beyond what one core carries, several forwarders share the work. The whole system includes source and sink, which a proxy between other hosts does not have.';
