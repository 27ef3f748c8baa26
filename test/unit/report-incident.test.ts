import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  incidentCallLines,
  hexRows,
  incidentSentence,
  incidentText,
} from '../../src/data/integrity/incident-text.js';
import { withoutCalls } from '../../src/data/integrity/churn.js';
import { INCIDENT_CLASSES } from '../../src/data/record/words.js';
import { type Incident } from '../../src/data/record/record.js';
import { INCIDENT_2008 } from './report-fixture.js';

const BASE: Incident = {
  connection: 2,
  direction: 'down',
  offset: 32,
  length: 2,
  class: 'zeros',
  expected_hex: 'aabb',
  received_hex: '0000',
};

describe('the calls of an incident', () => {
  it('are none of a short connection, and the reason is told with the incident', () => {
    const [churned] = withoutCalls([BASE]);
    assert.ok(churned);
    const style = { bytesPerRow: 16, rows: 4, mark: null } as const;
    assert.match(
      incidentText(churned, style),
      /calls of the forwarder: unavailable, since .*ports/,
    );
    assert.doesNotMatch(incidentText(BASE, style), /calls of the forwarder/);
    assert.doesNotMatch(
      incidentText({ ...churned, calls: INCIDENT_2008.calls ?? [] }, style),
      /none/,
    );
  });
});

describe('an incident in words', () => {
  const cases: [Partial<Incident>, RegExp][] = [
    [{}, /^At offset 32 \(0x20\) of connection 2, down: 2 bytes \(zeros\)\. They are zero\.$/],
    [{ length: 1 }, /1 byte \(zeros\)\. It is zero\.$/],
    [{ class: 'bit-flip', expected_hex: '00', received_hex: '05' }, /2 bits of them differ\.$/],
    [{ class: 'bit-flip', expected_hex: '00', received_hex: '80' }, /1 bit of them differs\.$/],
    [
      { class: 'misplaced', origin_offset: 4128 },
      /of this stream, from offset 4,128 \(0x1020\), 4,096 bytes later\.$/,
    ],
    [{ class: 'misplaced', origin_offset: 0 }, /offset 0, 32 bytes earlier\.$/],
    [{ class: 'misplaced' }, /a place that was not found\.$/],
    [
      { class: 'foreign', origin_connection: 7, origin_direction: 'up', origin_offset: 5 },
      /another stream: connection 7, up, offset 5, 27 bytes earlier\.$/,
    ],
    [{ class: 'decoy' }, /are a decoy's, so memory of another process leaked/],
    [
      { class: 'decoy', origin_decoy: 2, origin_place: 'pipe' },
      /are a decoy's, from a pipe of decoy process 2, so memory of another process leaked/,
    ],
    [{ class: 'missing' }, /are missing; the stream goes on shifted\.$/],
    [
      { class: 'misplaced', source_offset: 132, origin_offset: 32 },
      /from offset 32 \(0x20\), 100 bytes earlier\.$/,
    ],
    [{ class: 'foreign', origin_offset: 5 }, /another stream: offset 5\.$/],
    [
      { class: 'inserted', origin_offset: 16 },
      /too many, a copy of offset 16 \(0x10\), 16 bytes earlier; the stream/,
    ],
    [{ class: 'inserted' }, /are too many; the stream goes on shifted back\.$/],
    [{ class: 'unknown' }, /of no known origin\.$/],
    [
      { class: 'unknown', entropy: 7.91, printable: 0.374 },
      /entropy 7\.9 bits per byte, 37 % printable\.$/,
    ],
  ];
  for (const [change, expected] of cases) {
    it(expected.source, () => {
      assert.match(incidentSentence({ ...BASE, ...change }), expected);
    });
  }

  it('has a sentence for every class', () => {
    for (const name of INCIDENT_CLASSES) {
      assert.doesNotMatch(incidentSentence({ ...BASE, class: name }), /undefined|NaN/);
    }
  });
});

describe('an incident in hex', () => {
  it('has rows at multiples of their length, as od has', () => {
    const rows = hexRows(INCIDENT_2008, 16);
    assert.equal(rows[0]?.address, 0x3750);
    assert.deepEqual(rows[0].expected.slice(0, 5), [null, null, null, null, 'fd']);
    assert.equal(rows.at(-1)?.address, 0x37f0);
  });

  it('marks only what differs', () => {
    const text = incidentText(
      { ...BASE, expected_hex: 'aabbcc', received_hex: 'aa00cc' },
      { bytesPerRow: 8, rows: 9, mark: null },
    );
    assert.match(text, /^000020 {2}aa bb\*cc .* aa 00\*cc$/m);
  });

  it('marks by colour when asked', () => {
    const text = incidentText(BASE, { bytesPerRow: 8, rows: 9, mark: (hex) => `[${hex}]` });
    assert.match(text, /\[aa\] \[bb\]/);
    assert.doesNotMatch(text, /\*/);
  });

  it('leaves out rows beyond the limit and says so', () => {
    const text = incidentText(INCIDENT_2008, { bytesPerRow: 16, rows: 2, mark: null });
    assert.match(text, /^003760/m);
    assert.doesNotMatch(text, /^003770/m);
    assert.match(text, /… about 144 bytes more are stored/);
  });

  it('copes with bytes on one side only', () => {
    const text = incidentText(
      { ...BASE, class: 'missing', received_hex: '' },
      { bytesPerRow: 8, rows: 9, mark: null },
    );
    assert.match(text, /^000020 {2}aa\*bb\*$/m);
  });

  it('needs neither bytes nor calls', () => {
    const text = incidentText(
      { ...BASE, expected_hex: '', received_hex: '' },
      { bytesPerRow: 16, rows: 9, mark: null },
    );
    assert.equal(text, incidentSentence(BASE));
  });
});

describe('the calls around an incident', () => {
  it('point at those that carried it, as the report of 2008 did by hand', () => {
    const lines = incidentCallLines(INCIDENT_2008);
    assert.match(
      lines[3] ?? '',
      /splice\(flow 0, 65,536\) = 172 .*@ 14,164 {2}<== exactly these bytes$/,
    );
    assert.match(lines[5] ?? '', /= 1,632 .*<== all of these bytes$/);
    assert.match(lines[6] ?? '', /= -1 EAGAIN {2}@ 15,796$/);
    assert.doesNotMatch(lines[1] ?? '', /<==/);
  });

  it('say how much of it a call carried in part', () => {
    const call = { t: 1, name: 'recv', flow: 0, asked: 100, got: 33, offset: 0 };
    const [, line] = incidentCallLines({ ...BASE, calls: [call] });
    assert.match(line ?? '', /<== 1 of these bytes$/);
  });

  it('do not point at a call to the output for bytes that are missing', () => {
    const missing: Incident = { ...BASE, class: 'missing' };
    const lines = incidentCallLines({
      ...missing,
      calls: (['in', 'out'] as const).map((side) => ({
        t: 1,
        name: 'splice',
        flow: 0,
        asked: 100,
        got: 100,
        offset: 0,
        side,
      })),
    });
    assert.match(lines[1] ?? '', /in .*<== all of these bytes$/);
    assert.doesNotMatch(lines[2] ?? '', /<==/);
  });

  it('stand in line, and bytes that are missing went as far as the forwarder moved them', () => {
    const call = { t: 1, name: 'tee', flow: 0, asked: 100, got: 100, offset: 0 };
    const sides = (['in', 'within', 'out'] as const).map((side) => ({ ...call, side }));
    const lines = incidentCallLines({ ...BASE, class: 'missing', calls: sides });
    assert.match(lines[1] ?? '', /in {5}tee.*<== all of these bytes$/);
    assert.match(lines[2] ?? '', /within tee.*<== all of these bytes$/);
    assert.match(lines[3] ?? '', /out {4}tee\S*.*@ 0$/);
  });

  it('name an errno that the system does not know by its number', () => {
    const call = { t: 1, name: 'recv', flow: 0, asked: 100, got: -9999, offset: 0 };
    const [, line] = incidentCallLines({ ...BASE, calls: [call] });
    assert.match(line ?? '', /-1 .*9999/);
  });
});
