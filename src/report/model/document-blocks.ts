/**
 * A report as a tree of sections that knows no medium: what is said, in which order, once. The
 * terminal, Markdown and the page render the same tree.
 */
import type { SeriesPoint, StoredIncident } from '../../data/record/record.js';

export type Medium = 'terminal' | 'markdown' | 'page';

/** The two mediums that are files. */
export const WRITTEN: readonly Medium[] = ['markdown', 'page'];

interface Shown {
  /** Where it appears; absent = everywhere. */
  in?: readonly Medium[];
}

/** `good` and `bad` may be coloured; the words alone must say the same. */
export type Tone = 'good' | 'bad';

export interface Section extends Shown {
  kind: 'section';
  heading: string;
  blocks: Block[];
  /** On the page it can be closed; absent = it cannot. */
  fold?: 'open' | 'closed';
}

export interface Paragraph extends Shown {
  kind: 'paragraph';
  text: string;
  /** `answer` stands out, `aside` stands back. */
  role: 'text' | 'answer' | 'aside';
  tone?: Tone;
}

export interface List extends Shown {
  kind: 'list';
  items: string[];
  numbered?: boolean;
}

export interface Table extends Shown {
  kind: 'table';
  /** Says what the table shows, for those who cannot see what is around it. */
  caption: string;
  columns: TableColumn[];
  rows: Row[];
  /** Below the table, after the footnotes of its cells. */
  notes: Note[];
}

export interface TableColumn extends Shown {
  title: string;
  /** Where width is scarce: two lines. Absent = the title, in one. */
  brief?: readonly [string, string];
  /** `label` names the row and may be wrapped, `word` stands left, `figure` right. */
  kind: 'label' | 'word' | 'figure';
  /** Shown again in every part of a table that had to be split. */
  repeat?: boolean;
}

export interface Row {
  cells: TableCell[];
  /** The whole row: a finding, or the sum of the others. */
  mark?: Tone | 'total' | undefined;
}

export interface TableCell {
  text: string;
  /** Where width is scarce. */
  brief?: string;
  /** Becomes a footnote, such as why there is no figure. */
  note?: string;
  tone?: Tone;
}

export interface Note extends Shown {
  text: string;
}

/** Names and values. */
export interface Facts extends Shown {
  kind: 'facts';
  facts: Fact[];
}

/** A name and its value. */
export type Fact = [name: string, value: string];

/** The charts of a condition, a map or an axis; `chartsOf` has them under this key. */
export interface Charts extends Shown {
  kind: 'charts';
  of: string;
}

/** Goodput over time, drawn with characters. */
export interface TimeLines extends Shown {
  kind: 'time-lines';
  title: string;
  lines: { forwarder: string; series: SeriesPoint[] }[];
}

/** The bytes of an incident, expected and received, and the calls around it. */
export interface IncidentBytes extends Shown {
  kind: 'incident';
  incident: StoredIncident;
}

export interface Links extends Shown {
  kind: 'links';
  /** Files in the run's folder. */
  links: { file: string; text: string }[];
}

export type Block =
  Section | Paragraph | List | Table | Facts | Charts | TimeLines | IncidentBytes | Links;

export interface ReportDocument {
  title: string;
  subtitle: string;
  /** Files begin with it, the terminal ends with it: each where it is seen first. */
  verdict: Section;
  sections: Section[];
}

/** What of a list appears in a medium. */
export function shownIn<T extends Shown>(medium: Medium, parts: readonly T[]): T[] {
  return parts.filter((part) => part.in === undefined || part.in.includes(medium));
}

/** Plain text said once, everywhere. */
export function paragraph(text: string, role: Paragraph['role'] = 'text'): Paragraph {
  return { kind: 'paragraph', text, role };
}

/** The same block, in files only. */
export function written<T extends Block>(block: T): T {
  return { ...block, in: WRITTEN };
}
