import { axisSentences, axisTable, axisTitle } from '../axis.js';
import type { Block, Section } from '../document-blocks.js';
import type { AxisReport, RunReport } from '../report-types.js';

/** A section for every number along which conditions or forwarders were varied. */
export function axisSections({ axes }: RunReport): Section[] {
  return axes.map((axis) => ({
    kind: 'section',
    heading: axisTitle(axis),
    blocks: [...answers(axis), axisTable(axis), { kind: 'charts', of: axis.slug }],
  }));
}

function answers(axis: AxisReport): Block[] {
  const items = axisSentences(axis);
  return items.length === 0 ? [] : [{ kind: 'list', items }];
}
