import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  CellReport,
  Figure,
  ForwarderRow,
  RunReport,
} from '../../src/report/model/report-types.js';
import { markdownReport } from '../../src/report/render/markdown.js';
import { countedText, fieldText, ratioMaps } from '../../src/report/model/ratio-map.js';
import { svgCharts } from '../../src/report/render/svg.js';
import { fakeReport } from './report-fixture.js';

/** What splice came to in one combination. */
interface Outcome {
  ratio: number | null;
  significant?: boolean;
  perSplice?: number;
}

/** A report whose only cells are the combinations given. */
function reportOf(outcomes: Record<string, Outcome>): RunReport {
  const plain = fakeReport({ checks: ['none'] });
  const [base] = plain.cells;
  assert.ok(base);
  const cells = Object.entries(outcomes).map(([key, outcome]): CellReport => ({
    ...base,
    scenario: 'offloads',
    cell: `offloads/${key}`,
    rows: base.rows.map((row) => (row.forwarder === 'splice' ? spliced(row, outcome) : row)),
  }));
  return { ...plain, cells };
}

function spliced(row: ForwarderRow, { ratio, significant, perSplice }: Outcome): ForwarderRow {
  const goodput: Figure = {
    ...row.figures.goodput,
    ratio,
    ratioLow: ratio === null ? null : ratio * 0.95,
    ratioHigh: ratio === null ? null : ratio * 1.05,
    significant: significant ?? (ratio === null ? null : true),
    lowerBound: false,
    coLimited: false,
  };
  const calls = perSplice === undefined ? [] : [splices(perSplice)];
  return { ...row, figures: { ...row.figures, goodput }, calls };
}

function splices(size: number): ForwarderRow['calls'][number] {
  // Half of the calls found nothing: they moved no bytes and do not count.
  return { name: 'splice', calls: 200, eagain: 100, bytes: 100 * size, histogram: [60, 40] };
}

const TYPICAL: Record<string, Outcome> = {
  'offloads=on,mtu=1500': { ratio: 2.1, perSplice: 41_000 },
  'offloads=on,mtu=9000': { ratio: 2.2, perSplice: 60_000 },
  'offloads=off,mtu=1500': { ratio: 0.97, significant: false, perSplice: 1400 },
  'offloads=off,mtu=9000': { ratio: 0.9, perSplice: 8900 },
};

function sentences(outcomes: Record<string, Outcome>): string {
  const [map] = ratioMaps(reportOf(outcomes));
  return map?.sentences.join('\n') ?? '';
}

describe('ratioMaps', () => {
  it('makes a field of every combination', () => {
    const [map, ...more] = ratioMaps(reportOf(TYPICAL));
    assert.ok(map);
    assert.equal(more.length, 0);
    assert.deepEqual(map.rows, { key: 'offloads', values: ['off', 'on'] });
    assert.deepEqual(map.columns, { key: 'mtu', values: ['1500', '9000'] });
    assert.deepEqual([map.forwarder, map.baseline], ['splice', 'copy']);
    const field = map.fields.find(({ row, column }) => row === 'on' && column === '1500');
    assert.ok(field);
    assert.equal(fieldText(field), '2.10x');
    assert.equal(countedText(field), '41.0 kB per splice');
  });

  it('says where the ratio crosses 1, by what a call moves', () => {
    assert.match(
      sentences(TYPICAL),
      /pays where a call moves 41\.0 kB or more, .* not shown to pay where a call moves 8\.90 kB or less/,
    );
  });

  it('says that the bytes per call do not explain it when they do not', () => {
    const odd = { ...TYPICAL, 'offloads=off,mtu=9000': { ratio: 0.9, perSplice: 50_000 } };
    assert.match(sentences(odd), /do not explain it/);
  });

  it('says so when there is no crossover, or none that is proven', () => {
    const all = (outcome: Outcome) =>
      Object.fromEntries(Object.keys(TYPICAL).map((key) => [key, outcome]));
    assert.match(sentences(all({ ratio: 2 })), /none, splice pays in every combination/);
    assert.match(sentences(all({ ratio: 0.5 })), /none, splice is not shown to pay in any/);
    assert.match(sentences(all({ ratio: 1.1, significant: false })), /undecided/);
    assert.match(sentences(all({ ratio: null })), /No combination gave a ratio/);
  });

  it('makes none of one condition, of one axis, of three, or of a grid with holes', () => {
    const only = (...keys: string[]) =>
      ratioMaps(reportOf(Object.fromEntries(keys.map((key) => [key, { ratio: 2 }])))).length;
    assert.equal(only('mtu=1500'), 0);
    assert.equal(only('mtu=1500', 'mtu=9000'), 0);
    assert.equal(only('a=1,b=1', 'a=1,b=2', 'a=2,b=1'), 0);
    assert.equal(
      only(
        ...[1, 2].flatMap((a) => [1, 2].flatMap((b) => [1, 2].map((c) => `a=${a},b=${b},c=${c}`))),
      ),
      0,
    );
    assert.equal(ratioMaps(fakeReport()).length, 0);
  });
});

describe('a map in the reports', () => {
  it('is a chart with every ratio, and a table', () => {
    const report = reportOf(TYPICAL);
    const charts = svgCharts.write(report);
    assert.ok(charts instanceof Map);
    const svg = charts.get('offloads-map-none.svg') ?? '';
    for (const text of ['2.10x', '2.20x', '~ 0.97x', '0.90x', '41.0 kB per splice']) {
      assert.ok(svg.includes(text), text);
    }
    const markdown = markdownReport.write(report);
    assert.ok(typeof markdown === 'string');
    assert.match(markdown, /offloads: splice over copy, by offloads and mtu/);
    assert.match(markdown, /charts\/offloads-map-none\.svg/);
  });
});
