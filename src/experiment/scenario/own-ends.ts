/** Entries that state a check, a payload or pages of their own: whether the workload has room for it. */
import {
  type Cell,
  cellOf,
  type ForwarderEntry,
  type OwnEnds,
  payloadOf,
} from '../../data/record/plan.js';
import { roomOf } from '../workload/rooms.js';
import type { Problem } from './problems.js';

/**
 * What is wrong with them, each problem once for all cells.
 * @param forwarders as many as there are entries in the file, in its order
 * @param baseline whose bytes are those that the workload and the cells' keys tell of
 */
export function ownEndsProblems(
  forwarders: readonly ForwarderEntry[],
  cells: readonly Cell[],
  baseline: string,
): Problem[] {
  const found = forwarders.flatMap((entry, index) => {
    const key = ownKey(entry);
    if (key === null) return [];
    const path = ['forwarders', index, key];
    const said =
      entry.label === baseline
        ? [
            `'${baseline}' is the baseline, whose bytes are those of the workload: ` +
              `set workload.${key}, or choose another baseline`,
          ]
        : cells.flatMap((cell) => faultsIn(cell, entry));
    return [...new Set(said)].map((text): Problem => {
      return { path, message: `forwarders[${index}].${key}: ${text}` };
    });
  });
  return found;
}

/** The key that a complaint is about; null = the entry has none of its own. */
function ownKey({ check, payload, pages }: OwnEnds): keyof OwnEnds | null {
  if (pages !== undefined) return 'pages';
  if (payload !== undefined) return 'payload';
  return check === undefined ? null : 'check';
}

function faultsIn(cell: Cell, entry: ForwarderEntry): string[] {
  const { workload } = cell;
  if (workload.kind !== 'stream') {
    return [`only forwarders of streams have their own, kind: ${workload.kind} checks all alike`];
  }
  const { payload, check = workload.check } = entry;
  if (payload !== undefined && check === 'full') {
    return [
      `'${payload}' is for bytes that nobody compares, expected check: none beside it` +
        (entry.check === undefined ? ' (the workload has check: full)' : ''),
    ];
  }
  const own = cellOf(cell, entry).workload;
  if (entry.pages !== undefined && payloadOf(own) !== 'prepared') {
    return [
      `'${entry.pages}' is for pages sent by reference, expected check: none and payload: prepared beside it`,
    ];
  }
  return roomOf('stream')
    .conflicts(own, own.direction)
    .map(({ message }) => message);
}
