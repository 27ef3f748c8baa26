import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { equalWorkSentences } from '../../src/report/model/equal-work.js';
import { type AxisReport } from '../../src/report/model/report-types.js';
import { axisValue } from '../../src/report/model/axis.js';
import type { Figure } from '../../src/report/model/report-types.js';

const shown = (rate: number) => axisValue(rate, 'bits');

function figureOf(ratio: number | null): Figure {
  const bounds =
    ratio === null
      ? { ratioLow: null, ratioHigh: null }
      : { ratioLow: ratio - 0.02, ratioHigh: ratio + 0.02 };
  return { median: 0.5, low: 0.4, high: 0.6, ratio, ...bounds } as Figure;
}

/** copy and splice at 1 and 10 Gbps. */
function axis(copyAtTen: number | null, ratios: readonly (number | null)[]): AxisReport {
  return {
    baseline: 'copy',
    values: [1e9, 10e9],
    series: [
      { forwarder: 'copy', isBaseline: true, figures: [figureOf(1), figureOf(1)], crossover: null },
      { forwarder: 'splice', isBaseline: false, figures: ratios.map(figureOf), crossover: null },
    ],
    passed: [
      { forwarder: 'copy', gbps: [1, copyAtTen] },
      { forwarder: 'splice', gbps: [0.99, 9.8] },
    ],
  } as unknown as AxisReport;
}

describe('equal work', () => {
  it('compares CPU per GB, and names who did not keep the rate', () => {
    const said = equalWorkSentences(axis(6.4, [0.9, 0.5]), shown);
    assert.match(said[0] ?? '', /CPU per GB is the comparison/);
    assert.match(
      said[1] ?? '',
      /^splice needs.*of copy: 0\.90.* at 1\.00 Gbps, 0\.50.* at 10\.0 Gbps/,
    );
    assert.equal(said[2], 'copy did not keep the offered 10.0 Gbps: 6.40 Gbps arrived.');
    assert.equal(said.length, 3);
  });

  it('says nothing of a rate where nothing was measured, and that a cost is not known', () => {
    const said = equalWorkSentences(axis(null, [null, null]), shown);
    assert.deepEqual(said.slice(1), ['What splice costs at equal work is not known.']);
  });

  it('says nothing on other axes', () => {
    assert.deepEqual(equalWorkSentences({ ...axis(1, [1, 1]), passed: null }, shown), []);
  });
});
