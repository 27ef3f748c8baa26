/** A table of the tree as one medium shows it: its columns, its texts, its footnotes. */
import {
  type TableCell,
  type TableColumn,
  type Medium,
  type Row,
  shownIn,
  type Table,
} from './document-blocks.js';

export interface FlatTable {
  columns: TableColumn[];
  rows: FlatRow[];
  /** Footnotes with their marks, then the table's notes. */
  notes: string[];
}

export interface FlatRow {
  /** With marks of footnotes. */
  texts: string[];
  /** The same where width is scarce. */
  briefs: string[];
  tones: TableCell['tone'][];
  mark: Row['mark'];
}

export function flatTable(table: Table, medium: Medium): FlatTable {
  const footnotes: string[] = [];
  const mark = (note: string | undefined): string => {
    if (note === undefined) return '';
    const known = footnotes.indexOf(note);
    return superscript(known >= 0 ? known + 1 : footnotes.push(note));
  };
  const columns = shownIn(medium, table.columns);
  const rows = table.rows.map((row): FlatRow => {
    const cells = columns.map(
      (column): TableCell => row.cells[table.columns.indexOf(column)] ?? NONE,
    );
    const marks = cells.map(({ note }) => mark(note));
    return {
      texts: cells.map(({ text }, index) => text + (marks[index] ?? '')),
      briefs: cells.map(({ text, brief }, index) => (brief ?? text) + (marks[index] ?? '')),
      tones: cells.map(({ tone }) => tone),
      mark: row.mark,
    };
  });
  const notes = [
    ...footnotes.map((note, index) => `${superscript(index + 1)} ${note}`),
    ...shownIn(medium, table.notes).map(({ text }) => text),
  ];
  return { columns, rows, notes };
}

const NONE: TableCell = { text: '' };

function superscript(number: number): string {
  return String(number).replaceAll(/\d/g, (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'.charAt(Number(digit)));
}
