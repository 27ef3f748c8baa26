import { type Section, WRITTEN } from '../document-blocks.js';
import type { RunReport } from '../report-types.js';

/** What else lies in the run's folder, for whoever wants the figures themselves. */
export function fileSections({ incidents }: RunReport): Section[] {
  const links = [
    { file: 'summary.csv', text: 'medians and ratios with their intervals' },
    { file: 'trials.csv', text: 'every trial with all its figures' },
    { file: 'integrity.csv', text: 'what the byte checks found' },
    ...(incidents.length === 0
      ? []
      : [{ file: 'incidents.jsonl', text: 'every stored incident with its bytes and calls' }]),
    { file: 'run.json', text: 'the plan, the seed and the hosts' },
  ];
  return [{ kind: 'section', in: WRITTEN, heading: 'Files', blocks: [{ kind: 'links', links }] }];
}
