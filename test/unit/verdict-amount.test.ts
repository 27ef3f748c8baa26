/** A fixed amount and a fixed time that do not agree are told of. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cellKey } from '../../src/data/record/cell-key.js';
import type { SummaryRow } from '../../src/data/record/summary-columns.js';
import { amountNotes } from '../../src/experiment/verdict/verdict-amount.js';
import { fakeReport } from './report-fixture.js';

/** Rows of a summary, each put into a cell and given a ratio. */
function row(
  bytes: string,
  ratio: number,
  half: number,
  others: [string, string][] = [],
): SummaryRow {
  const like = fakeReport().summary.find(({ forwarder }) => forwarder === 'splice');
  assert.ok(like);
  const { scenario } = like;
  const cell = cellKey(scenario, [['bytes', bytes], ...others]);
  const interval = { ratio_ci_low: ratio - half, ratio_ci_high: ratio + half };
  return { ...like, cell, forwarder: 'splice', metric: 'goodput', ratio, ...interval };
}

describe('a fixed amount beside a fixed time', () => {
  it('is told of where the intervals do not meet', () => {
    const [note = '', ...more] = amountNotes([row('null', 1.8, 0.1), row('64MiB', 1.2, 0.1)]);
    assert.equal(more.length, 0);
    assert.match(
      note,
      /do not agree: splice is 1\.20x \(1\.10 to 1\.30\) as fast as copy over 64MiB and 1\.80x \(1\.70 to 1\.90\)/,
    );
  });

  it('is no matter where they meet, or where there is no interval', () => {
    assert.deepEqual(amountNotes([row('null', 1.8, 0.4), row('64MiB', 1.2, 0.3)]), []);
    const alone = { ...row('64MiB', 1.2, 0.1), ratio_ci_low: null, ratio_ci_high: null };
    assert.deepEqual(amountNotes([row('null', 1.8, 0.1), alone]), []);
  });

  it('is compared within one condition only, and not with another amount', () => {
    const small = row('null', 1.8, 0.1, [['message', '100']]);
    assert.deepEqual(amountNotes([small, row('64MiB', 1.2, 0.1, [['message', '64KiB']])]), []);
    assert.deepEqual(amountNotes([row('1GiB', 1.8, 0.1), row('64MiB', 1.2, 0.1)]), []);
    const longer = row('null', 1.8, 0.1, [['seconds', '5s']]);
    assert.equal(amountNotes([longer, row('64MiB', 1.2, 0.1)]).length, 1);
  });
});
