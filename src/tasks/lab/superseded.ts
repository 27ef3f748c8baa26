/** Which published runs of the lab say nothing any more, since a later one made all of their trials. Pure. */
import type { MatrixRow } from './matrix-rows.js';

export interface DatedRows {
  name: string;
  /** As the manifest has it, ISO 8601. */
  started: string;
  rows: readonly MatrixRow[];
}

/**
 * Names of runs each of whose trials a later one made anew, to an end. A trial that tested nothing replaces none, and
 * what the report tried is apart from the matrix: whether they are compared is the caller's, who gives runs of one kind.
 */
export function superseded(runs: readonly DatedRows[]): string[] {
  return runs
    .filter(({ started, rows }) => {
      const anew = new Set(
        runs
          .filter((other) => other.started > started)
          .flatMap((other) => other.rows.filter(tested).map(trialOf)),
      );
      return rows.length > 0 && rows.every((row) => anew.has(trialOf(row)));
    })
    .map(({ name }) => name);
}

function tested({ verdict }: MatrixRow): boolean {
  return verdict !== 'tested nothing' && verdict !== 'not run';
}

function trialOf({ kernel, nic, bug, forwarder, direction }: MatrixRow): string {
  return JSON.stringify([kernel, nic, bug, forwarder, direction]);
}
