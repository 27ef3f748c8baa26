import { listed, percent, UNAVAILABLE } from '../../../base/units/quantity.js';
import { median } from '../../../base/statistics/interval.js';
import { CALL_KINDS, type MovedBy } from '../../../data/record/moved-by.js';
import type { RestRecord } from '../../../data/record/rest-record.js';
import type { TrialRecord } from '../../../data/record/record.js';
import type { TableCell, Row, Section } from '../document-blocks.js';
import type { RunReport } from '../report-types.js';

/** Which calls moved each forwarder's bytes, and what it did while nothing moved; nothing where no trial tells. */
export function movedSections({ trials, forwarders }: RunReport): Section[] {
  const rows = forwarders.flatMap((label): Row[] => {
    const own = trials.filter(({ forwarder }) => forwarder === label);
    const moved = own.flatMap(({ moved_by }) => moved_by ?? []);
    const rest = own.flatMap((trial) => trial.rest ?? []);
    if (moved.length === 0 && rest.length === 0) return [];
    return [
      {
        cells: [
          { text: label },
          movedCell(moved),
          shareCell(rest, 'idle_cpu_share'),
          shareCell(rest, 'drained_cpu_share'),
          leftCell(own, rest),
        ],
      },
    ];
  });
  if (rows.length === 0) return [];
  return [
    {
      kind: 'section',
      heading: 'Calls that moved the bytes; CPU and sockets while idle',
      blocks: [
        {
          kind: 'table',
          caption:
            'Shares of bytes by kind of call; CPU and sockets of the forwarder while it is idle',
          columns: [
            { title: 'forwarder', kind: 'label' },
            { title: 'bytes moved by', kind: 'word' },
            { title: 'CPU while idle', brief: ['CPU', 'idle'], kind: 'figure' },
            { title: 'CPU after the end', brief: ['CPU', 'after'], kind: 'figure' },
            { title: 'sockets left', brief: ['sockets', 'left'], kind: 'figure' },
          ],
          rows,
          notes: [],
        },
      ],
    },
  ];
}

/** "splice 98 %, recv and send 2 %": medians over the trials that tell. */
function movedCell(moved: readonly MovedBy[]): TableCell {
  const known = moved.flatMap(({ shares }) => shares ?? []);
  if (known.length === 0) return unknown(moved[0]?.reason ?? 'nothing counted its calls');
  const parts = CALL_KINDS.flatMap((kind) => {
    const share = median(known.map((shares) => shares[kind] ?? 0)) ?? 0;
    return share < 0.001 ? [] : [`${kind} ${percent(share)}`];
  });
  const said = moved.flatMap(({ program }) => program ?? []);
  const all = said.reduce((sum, { bytes }) => sum + bytes, 0);
  const spliced = said.reduce((sum, one) => sum + one.spliced, 0);
  const text = listed(parts);
  if (all === 0) return { text };
  return {
    text,
    note: `by its own account ${percent(spliced / all)} of the bytes it sent were spliced`,
  };
}

/** The most of all trials, as a share of one CPU. */
function shareCell(
  rest: readonly RestRecord[],
  name: 'idle_cpu_share' | 'drained_cpu_share',
): TableCell {
  const known = rest.flatMap((one) => one[name] ?? []);
  const [first] = rest;
  return known.length === 0
    ? unknown(first?.unavailable[name] ?? 'only streams are looked at while nothing moves')
    : { text: percent(Math.max(...known)) };
}

function leftCell(trials: readonly TrialRecord[], rest: readonly RestRecord[]): TableCell {
  const known = rest.flatMap(({ held }) => held ?? []);
  if (known.length === 0) {
    const streams = trials.some((trial) => trial.rest !== undefined);
    const other = streams ? 'not every stream came to its end' : 'only streams are looked at';
    return unknown(rest[0]?.unavailable.held ?? other);
  }
  const most = known.map(({ states }) =>
    Object.values(states).reduce((sum: number, many) => sum + many, 0),
  );
  return { text: String(Math.max(...most)) };
}

function unknown(note: string): TableCell {
  return { text: UNAVAILABLE, note };
}
