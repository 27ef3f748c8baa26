/** Columns of a stored table: one place says what each holds, in which unit, and what it means. */

/** A metric of summary.csv that is the median of a column. */
export interface ColumnMetric {
  /** As summary.csv and thresholds name it. */
  name: string;
  unit: string;
  /** True when a larger figure is better. */
  moreIsBetter: boolean;
  /**
   * True for what a trial did to the host and to its bytes: it is taken of every trial that has it,
   * also of those that failed or stalled, which have no speed.
   */
  anyOutcome: boolean;
}

export interface Column<Value, Known extends boolean = boolean> {
  /** Empty where the value is a name or a count. */
  readonly unit: string;
  /** In Markdown; docs/reading-results.md shows it. */
  readonly meaning: string;
  /** True where the plan of the trial tells; false where it is measured, and null until it is. */
  readonly known: Known;
  readonly metric?: ColumnMetric;
  /** Only for the compiler: the type of the column's values. */
  readonly holds?: () => Value;
}

/** What a row of a table of columns holds. */
export type RowOf<Table> = {
  -readonly [Name in keyof Table]: Table[Name] extends Column<infer Value> ? Value : never;
};

/** Names of the columns that are measured. */
export type MeasuredIn<Table> = {
  [Name in keyof Table]: Table[Name] extends { readonly known: false } ? Name : never;
}[keyof Table];

/** A column that is known before the trial. */
export function known<Value>(meaning: string, unit = ''): Column<Value, true> {
  return { unit, meaning, known: true };
}

/** A column that a trial measures; null = unavailable. */
export function measured<Value>(
  unit: string,
  meaning: string,
  metric?: ColumnMetric,
): Column<Value | null, false> {
  return { unit, meaning, known: false, ...(metric === undefined ? {} : { metric }) };
}

/** A metric of trials that came to a good end. */
export function metric(name: string, unit: string, moreIsBetter: boolean): ColumnMetric {
  return { name, unit, moreIsBetter, anyOutcome: false };
}

/** A metric of all trials that have it, whatever their outcome. Less is better. */
export function metricOfAll(name: string, unit: string): ColumnMetric {
  return { name, unit, moreIsBetter: false, anyOutcome: true };
}
