/** A run's report as a tree: every heading and sentence of it, for the terminal, Markdown and the page. */
import { plural } from '../../base/units/quantity.js';
import type { ReportDocument, Section } from './document-blocks.js';
import type { RunReport } from './report-types.js';
import { axisSections } from './sections/axes.js';
import { coresSections } from './sections/cores.js';
import { fileSections } from './sections/files.js';
import { incidentSections } from './sections/incidents.js';
import { integritySections } from './sections/integrity.js';
import { measuredSections } from './sections/measured.js';
import { movedSections } from './sections/moved.js';
import { speedSections } from './sections/speed.js';
import { verdictSection } from './sections/verdict.js';

/** In the order in which they appear. A section that has nothing to say is not there. */
const SECTIONS: readonly ((report: RunReport) => Section[])[] = [
  axisSections,
  speedSections,
  coresSections,
  integritySections,
  incidentSections,
  movedSections,
  measuredSections,
  fileSections,
];

export function documentOf(report: RunReport): ReportDocument {
  return {
    title: `splicebench: run ${report.manifest.run_id}`,
    subtitle: subtitle(report),
    verdict: verdictSection(report),
    sections: SECTIONS.flatMap((sections) => sections(report)),
  };
}

function subtitle({ manifest, trials }: RunReport): string {
  const [host] = manifest.environment;
  const where = host === undefined ? '' : `, ${host.kernel}, ${host.cpu_model ?? 'unknown CPU'}`;
  return `${manifest.started}, ${plural(trials.length, 'trial')}${where}`;
}
