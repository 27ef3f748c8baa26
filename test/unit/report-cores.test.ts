import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { coresFor } from '../../src/base/units/cores.js';
import { coresChart } from '../../src/report/charts/chart-cores.js';
import { coresCells, coresDrawn, coresTable } from '../../src/report/model/cores.js';
import { markdownReport } from '../../src/report/render/markdown.js';
import { COPY, DIRECT, fakeReport, POC, SPLICE } from './report-fixture.js';

describe('cores for a rate', () => {
  it('are the rate in bytes times the CPU seconds per byte', () => {
    assert.equal(coresFor(10, 0.4), 0.5);
    assert.equal(coresFor(100, 0.08), 1);
  });

  it('are told per forwarder and rate with intervals, of the whole system and of the forwarder', () => {
    const [cell] = coresCells(fakeReport());
    assert.ok(cell);
    const { rows, columns } = coresTable(cell);
    assert.deepEqual(
      rows.map(({ cells: [first] }) => first?.text),
      ['poc', 'splice', 'copy'],
    );
    assert.equal(columns.length, 9);
    const copy = rows[2]?.cells.map(({ text }) => text) ?? [];
    // 0.452 s/GB of the forwarder and 0.662 of the system, times 0.375, 1.25, 3.125 and 12.5 GB/s.
    assert.deepEqual(
      copy.slice(1).map((text) => text.replace(/ .*/, '')),
      ['0.25', '0.17', '0.83', '0.57', '2.1', '1.4', '8.3', '5.7'],
    );
    for (const text of copy.slice(1)) assert.match(text, / \(\S+–\S+\)$/);
  });

  it('are in the page and in Markdown, as a table and a chart', () => {
    const report = fakeReport();
    const markdown = markdownReport.write(report) as string;
    assert.match(markdown, /Cores for a rate/);
    assert.match(markdown, /charts\/cores-1\.svg/);
    const [cell] = coresCells(report);
    assert.ok(cell);
    const chart = coresChart(cell);
    assert.match(chart?.alt ?? '', /3 Gbps, splice 0\.0\d+ \/ 0\.1\d+/);
    assert.match(chart?.alt ?? '', /100 Gbps, copy 5\.65 \/ 8\.28/);
  });

  it('are drawn of the baseline and the cheapest where there are many', () => {
    const more = ['a', 'b', 'c'].map((label) => ({ ...POC, label }));
    const [cell] = coresCells(fakeReport({ forwarders: [DIRECT, POC, ...more, SPLICE, COPY] }));
    assert.ok(cell);
    assert.deepEqual(
      [...new Set(coresDrawn(cell).map(({ forwarder }) => forwarder))],
      ['splice', 'copy'],
    );
  });

  it('are not told where conditions are many, or no cost is known', () => {
    assert.equal(coresCells(fakeReport({ connections: [1, 64] })).length, 0);
    const free = [SPLICE, COPY].map((one) => ({ ...one, cpuPerGb: null }));
    const report = fakeReport({ forwarders: free });
    assert.equal(coresCells(report).length, 0);
    assert.doesNotMatch(markdownReport.write(report) as string, /Cores for a rate/);
  });
});
