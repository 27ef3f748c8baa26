import { getSystemErrorName } from 'node:util';
import { count, figure, offset, percent, plural } from '../../base/units/quantity.js';
import type { Incident, RecordedCall } from '../record/record.js';
import { carries, sentOffset, sideOf, stretchOf } from './stretch.js';

/** How an incident is written out. */
export interface IncidentStyle {
  /** 16 gives lines of 115 columns, 8 of 65. */
  bytesPerRow: 8 | 16;
  /** Rows of hex at most; what is left out is said. */
  rows: number;
  /** Marks a differing byte by colour; null = by a `*` after it. */
  mark: ((hex: string) => string) | null;
}

/** One row of the two dumps, addressed as `od` does: a multiple of the row's length. */
export interface HexRow {
  /** Stream offset of the row's first byte. */
  address: number;
  /** Two hex digits per byte; null where the row lies outside of what is stored. */
  expected: (string | null)[];
  received: (string | null)[];
  /** True where both are known and differ, or only one is there. */
  differs: boolean[];
}

/**
 * An incident as the 2008 report showed it: what happened in a sentence, expected and received
 * bytes side by side, and the calls that carried them.
 */
export function incidentText(incident: Incident, style: IncidentStyle): string {
  const rows = hexRows(incident, style.bytesPerRow);
  const shown = rows.slice(0, style.rows);
  const address = rows.length > 0 ? addressWidth(rows) : 0;
  const column = style.bytesPerRow * 3;
  const head = `${' '.repeat(address)}  ${'expected'.padEnd(column)}  received`;
  const dump = shown.map((row) =>
    [
      row.address.toString(16).padStart(address, '0'),
      hexColumn(row.expected, row.differs, style, column),
      hexColumn(row.received, row.differs, style, 0),
    ].join('  '),
  );
  const left = (rows.length - shown.length) * style.bytesPerRow;
  return [
    incidentSentence(incident),
    ...(shown.length === 0 ? [] : [head, ...dump]),
    ...(left > 0 ? [`… about ${plural(left, 'byte')} more are stored`] : []),
    ...incidentCallLines(incident),
  ]
    .map((line) => line.trimEnd())
    .join('\n');
}

/** "At offset 14,164 (0x3754) of connection 0, down: 172 bytes (zeros). They are zero." */
export function incidentSentence(incident: Incident): string {
  const stream = `connection ${incident.connection}, ${incident.direction}`;
  const at = `At offset ${offset(incident.offset)} of ${stream}: ${plural(incident.length, 'byte')}`;
  return `${at} (${incident.class}). ${classSentence(incident)}`;
}

function classSentence(incident: Incident): string {
  const many = incident.length !== 1;
  const they = many ? 'They' : 'It';
  const are = many ? 'are' : 'is';
  switch (incident.class) {
    case 'bit-flip':
      return `${plural(flippedBits(incident), 'bit')} of them ${flippedBits(incident) === 1 ? 'differs' : 'differ'}.`;
    case 'zeros':
      return `${they} ${are} zero.`;
    case 'misplaced':
      return `${they} ${are} of this stream, from ${originText(incident)}.`;
    case 'foreign':
      return `${they} ${are} of another stream: ${originText(incident)}.`;
    case 'decoy':
      return `${they} ${are} a decoy's${decoyText(incident)}, so memory of another process leaked into the stream.`;
    case 'missing':
      return `${they} ${are} missing; the stream goes on shifted.`;
    case 'inserted':
      return `${they} ${are} too many${
        incident.origin_offset === undefined ? '' : `, a copy of ${originText(incident)}`
      }; the stream goes on shifted back.`;
    case 'allocator':
      return `${they} ${are} where other incidents of this trial are in their segments: the kernel's allocator wrote into memory that was still to be sent.`;
    case 'unknown':
      return `${they} ${are} of no known origin${characterText(incident)}.`;
  }
}

/** ", from a pipe of decoy process 2" */
function decoyText({ origin_decoy: number, origin_place: place }: Incident): string {
  if (number === undefined || place === undefined) return '';
  const of = place === 'memory' ? 'the memory' : `a ${place}`;
  return `, from ${of} of decoy process ${number}`;
}

function originText(incident: Incident): string {
  const parts: string[] = [];
  if (incident.origin_connection !== undefined && incident.class !== 'misplaced') {
    const direction = incident.origin_direction ?? incident.direction;
    parts.push(`connection ${incident.origin_connection}, ${direction}`);
  }
  if (incident.origin_offset !== undefined) {
    const distance = incident.origin_offset - sentOffset(incident);
    const otherTrial = incident.class === 'foreign' && incident.origin_connection === undefined;
    const far =
      otherTrial || distance === 0
        ? ''
        : `, ${plural(Math.abs(distance), 'byte')} ${distance > 0 ? 'later' : 'earlier'}`;
    parts.push(`offset ${offset(incident.origin_offset)}${far}`);
  }
  return parts.length === 0 ? 'a place that was not found' : parts.join(', ');
}

function characterText({ entropy, printable }: Incident): string {
  const parts: string[] = [];
  if (entropy !== undefined) parts.push(`entropy ${figure(entropy, 2)} bits per byte`);
  if (printable !== undefined) parts.push(`${percent(printable)} printable`);
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`;
}

function flippedBits({ expected_hex, received_hex }: Incident): number {
  const expected = Buffer.from(expected_hex, 'hex');
  const received = Buffer.from(received_hex, 'hex');
  let bits = 0;
  for (let i = 0; i < Math.min(expected.length, received.length); i++) {
    for (let x = (expected[i] ?? 0) ^ (received[i] ?? 0); x > 0; x &= x - 1) bits++;
  }
  return bits;
}

/** Both dumps in rows that start at multiples of `bytesPerRow`, so that offsets read as in od. */
export function hexRows(incident: Incident, bytesPerRow: number): HexRow[] {
  const expected = pairs(incident.expected_hex);
  const received = pairs(incident.received_hex);
  const length = Math.max(expected.length, received.length);
  const lead = incident.offset % bytesPerRow;
  const rows: HexRow[] = [];
  for (let start = -lead; start < length; start += bytesPerRow) {
    const row: HexRow = {
      address: incident.offset + start,
      expected: [],
      received: [],
      differs: [],
    };
    for (let i = start; i < start + bytesPerRow; i++) {
      const before = expected[i] ?? null;
      const after = received[i] ?? null;
      row.expected.push(before);
      row.received.push(after);
      row.differs.push(before !== after);
    }
    rows.push(row);
  }
  return rows;
}

function pairs(hex: string): string[] {
  return hex.match(/../g) ?? [];
}

function addressWidth(rows: readonly HexRow[]): number {
  return Math.max(6, (rows.at(-1)?.address ?? 0).toString(16).length);
}

function hexColumn(
  hex: readonly (string | null)[],
  differs: readonly boolean[],
  { mark }: IncidentStyle,
  width: number,
): string {
  const cells = hex.map((pair, i) => {
    if (pair === null) return '   ';
    if (differs[i] !== true) return `${pair} `;
    return mark === null ? `${pair}*` : `${mark(pair)} `;
  });
  return cells.join('') + ' '.repeat(Math.max(width - cells.length * 3, 0));
}

/**
 * The recorded calls in the manner of strace. Calls that moved bytes of the stretch are pointed at,
 * and one that moved exactly its bytes is named so: that was the clue of 2008.
 */
export function incidentCallLines(incident: Incident): string[] {
  const calls = incident.calls ?? [];
  if (calls.length === 0) {
    const { calls_absent: why } = incident;
    return why === undefined ? [] : [`calls of the forwarder: unavailable, since ${why}`];
  }
  const asked = Math.max(...calls.map(({ asked }) => count(asked).length));
  const got = Math.max(...calls.map((call) => returned(call).length));
  const wide = Math.max(3, ...calls.map(({ side }) => side?.length ?? 0));
  return [
    'calls of the forwarder around it (seconds, call, asked = got, stream offset):',
    ...calls.map((call) => {
      const name = `${call.name}(flow ${call.flow}, ${count(call.asked).padStart(asked)})`;
      const side = call.side === undefined ? '' : `${call.side.padEnd(wide)} `;
      const line = `${call.t.toFixed(6)} ${side}${name} = ${returned(call).padEnd(got)}  @ ${count(call.offset)}`;
      const carried = carriedText(incident, call);
      return carried === '' ? line : `${line}  <== ${carried}`;
    }),
  ];
}

function carriedText(incident: Incident, call: RecordedCall): string {
  const stretch = stretchOf(incident, sideOf(call));
  if (stretch === null || !carries(call, stretch)) return '';
  const { start, end } = stretch;
  if (call.offset === start && call.offset + call.got === end) return 'exactly these bytes';
  const common = Math.min(call.offset + call.got, end) - Math.max(call.offset, start);
  return common === end - start ? 'all of these bytes' : `${count(common)} of these bytes`;
}

function returned({ got }: RecordedCall): string {
  if (got >= 0) return count(got);
  return `-1 ${systemErrorName(got)}`;
}

function systemErrorName(errno: number): string {
  try {
    return getSystemErrorName(errno);
  } catch {
    return `errno ${-errno}`;
  }
}
