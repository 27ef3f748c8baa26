import type { Block, Paragraph, Section, Tone } from '../document-blocks.js';
import type { RunReport } from '../report-types.js';

/** The two answers, and what else must be known before they are believed. */
export function verdictSection({ verdict }: RunReport): Section {
  const { speed, safety, notes } = verdict;
  const list: Block[] = notes.length === 0 ? [] : [{ kind: 'list', items: notes }];
  return {
    kind: 'section',
    heading: 'Verdict',
    blocks: [
      answer(speed.sentence, speed.answer === 'faster' ? 'good' : undefined),
      answer(safety.sentence, SAFETY_TONES[safety.answer]),
      ...list,
    ],
  };
}

const SAFETY_TONES = { intact: 'good', violated: 'bad', 'not-checked': undefined } as const;

function answer(text: string, tone: Tone | undefined): Paragraph {
  return { kind: 'paragraph', role: 'answer', text, ...(tone === undefined ? {} : { tone }) };
}
