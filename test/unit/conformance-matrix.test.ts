/** The matrix of cases and forwarders: repeated, with rates, as text, CSV and page. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exactInterval } from '../../src/base/statistics/proportions.js';
import { conformancePage } from '../../src/report/render/conformance-page.js';
import { unexpectedCells } from '../../src/tasks/conformance/expected-matrix.js';
import { matrixCsv, matrixMarkdown, matrixText } from '../../src/tasks/conformance/matrix-text.js';
import { mergeMatrices } from '../../src/tasks/conformance/repeated.js';
import type { Matrix } from '../../src/tasks/conformance/suite.js';
import {
  cellText,
  isChance,
  type MatrixCell,
  rateOf,
  failureRateText,
} from '../../src/tasks/conformance/judge-case.js';

function cell(given: Partial<MatrixCell>): MatrixCell {
  const verdict = given.verdict ?? 'pass';
  const { failed = 0, conversations = 1 } = given;
  return {
    case: 'one',
    forwarder: 'mine',
    verdict,
    violation: verdict === 'fail',
    failed,
    conversations,
    runs: [verdict],
    rate: rateOf(failed, conversations),
    reasons: verdict === 'fail' ? ['client: <lost>'] : [],
    story: verdict === 'fail' ? ['0.1 ms  client 1: send'] : [],
    seconds: 1,
    ...given,
  };
}

function matrix(...cells: MatrixCell[]): Matrix {
  const texts = { asks: 'a & b?', right: 'all', rests: 'RFC 9293', sources: ['here'] };
  return {
    version: 1,
    times: 1,
    cases: [{ name: 'one', group: 'half-close', chance: null, ...texts }],
    forwarders: [{ label: 'mine', version: '1.2' }],
    cells,
    seconds: 2,
  };
}

const failing = cell({ verdict: 'fail', failed: 1 });

void describe('the exact interval of a share', () => {
  // Values of R's binom.test.
  for (const [hit, of, low, high] of [
    [0, 10, 0, 0.3084971],
    [1, 10, 0.0025286, 0.4450161],
    [5, 10, 0.187086, 0.812914],
    [10, 10, 0.6915029, 1],
  ] as const) {
    it(`${hit} of ${of}`, () => {
      const interval = exactInterval({ hit, of });
      assert.ok(Math.abs(interval.low - low) < 1e-6, String(interval.low));
      assert.ok(Math.abs(interval.high - high) < 1e-6, String(interval.high));
    });
  }

  it('refuses what is no count', () => {
    assert.throws(() => exactInterval({ hit: 2, of: 1 }), RangeError);
    assert.throws(() => exactInterval({ hit: 0, of: 0 }), RangeError);
  });
});

void describe('a matrix played several times', () => {
  it('marks a cell that differs as a matter of chance, with its rate', () => {
    const merged = mergeMatrices([matrix(cell({})), matrix(failing), matrix(cell({}))]);
    const [only] = merged.cells;
    assert.ok(only);
    assert.ok(isChance(only));
    assert.equal(cellText(only), 'FAIL 1/3*');
    assert.deepEqual(only.runs, ['pass', 'fail', 'pass']);
    assert.equal(failureRateText(only), '1 of 3 conversations: 33 %, 95 % 0.84 % to 91 %');
    assert.match(matrixText(merged, false), /played 3 times: \* 1 differed: a matter of chance/);
  });

  it('marks nothing where all are alike', () => {
    const merged = mergeMatrices([matrix(failing), matrix(failing)]);
    assert.ok(merged.cells.every((one) => !isChance(one)));
    assert.equal(cellText(merged.cells[0] ?? failing), 'FAIL 2/2');
    assert.match(matrixText(merged, false), /no cell differed/);
  });

  it('makes neither of both outcomes a difference from what is expected', () => {
    const stored = mergeMatrices([matrix(cell({})), matrix(failing)]);
    assert.deepEqual(unexpectedCells(stored, matrix(cell({}))), []);
    assert.deepEqual(unexpectedCells(stored, matrix(failing)), []);
    assert.equal(unexpectedCells(matrix(cell({})), matrix(failing)).length, 1);
  });

  it('needs one', () => {
    assert.throws(() => mergeMatrices([]), RangeError);
  });
});

void describe('the matrix in files', () => {
  it('has everything in the page, escaped, and asks nothing of a network', () => {
    const page = conformancePage(matrix(failing));
    assert.match(page, /FAIL/);
    assert.match(page, /client: &#60;lost&#62;/);
    assert.match(page, /a &#38; b\?/);
    assert.match(page, /0\.1 ms {2}client 1: send/);
    assert.match(page, /default-src 'none'/);
    assert.doesNotMatch(page, /https?:\/\//);
  });

  it('has the reason and the story in Markdown, and a row for each cell in CSV', () => {
    const markdown = matrixMarkdown(matrix(failing));
    assert.match(markdown, /\| one \| FAIL \|/);
    assert.match(markdown, /- client: <lost>/);
    const [header, row] = matrixCsv(matrix(failing)).split('\n');
    assert.match(header ?? '', /reason,runs,rate_ci_low,rate_ci_high$/);
    assert.match(row ?? '', /^one,mine,fail,true,1,1,client: <lost>,fail,,$/);
  });
});
