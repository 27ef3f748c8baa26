import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { displayWidth } from '../../src/base/text/layout.js';
import { tableLines, tableWidth } from '../../src/base/text/table.js';

const TABLE = {
  head: [
    ['forwarder', 'speed', 'limited'],
    ['', 'Gbps', 'by'],
  ],
  rows: [
    ['a rather long name', '12.3', 'sink'],
    ['copy', '8', 'forwarder'],
  ],
  right: [false, true, false],
};

describe('a table of text', () => {
  it('sets words left and figures right', () => {
    assert.equal(tableWidth(TABLE), 36);
    assert.deepEqual(tableLines(TABLE), [
      'forwarder           speed  limited',
      '                     Gbps  by',
      'a rather long name   12.3  sink',
      'copy                    8  forwarder',
    ]);
  });

  it('wraps the first column where the table is too wide', () => {
    assert.deepEqual(tableLines(TABLE, { columns: 30 }).slice(2), [
      'a rather long  12.3 sink',
      'name',
      'copy              8 forwarder',
    ]);
  });

  it('is split into parts where even that is not enough, each with the fixed columns', () => {
    const wide = {
      head: [['size', 'copy', 'splice', 'poc']],
      rows: [['1,000', '1', '2.00x 1.90–2.10', '0.50x 0.40–0.60']],
      right: [false, true, true, true],
      fixed: 2,
    };
    assert.deepEqual(tableLines(wide, { columns: 30 }), [
      'size   copy           splice',
      '1,000     1  2.00x 1.90–2.10',
      'size   copy              poc',
      '1,000     1  0.50x 0.40–0.60',
    ]);
  });

  it('paints texts without moving them', () => {
    const plain = tableLines(TABLE, { columns: 30 });
    const painted = tableLines(TABLE, {
      columns: 30,
      paintHead: (text) => `<${text}>`,
      paintCell: (text) => `<${text}>`,
    });
    assert.deepEqual(
      painted.map((line) => line.replaceAll(/[<>]/g, '')),
      plain,
    );
    assert.equal(painted.join('').match(/</g)?.length, 6 - 1 + 6 + 1);
  });

  it('stays within its width and keeps every word', () => {
    const word = fc.stringMatching(/^[a-z]{1,7}$/);
    const row = fc.array(word, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 4 }), (rows) => {
        const table = { head: [['a', 'b', 'c', 'd']], rows, right: [false, true, true, true] };
        const lines = tableLines(table, { columns: 20 });
        for (const line of lines) assert.ok(displayWidth(line) <= 20, line);
        const words = new Set(lines.join(' ').split(/ +/));
        for (const text of rows.flat()) assert.ok(words.has(text), text);
      }),
    );
  });
});
