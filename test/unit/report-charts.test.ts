import assert from 'node:assert/strict';
import { coresCells } from '../../src/report/model/cores.js';
import { describe, it } from 'node:test';
import { chartsOf } from '../../src/report/charts/charts.js';
import { type Json, LIGHT, resolveOption } from '../../src/report/model/chart-runtime.js';
import type { RunReport } from '../../src/report/model/report-types.js';
import { svgCharts } from '../../src/report/render/svg.js';
import { crowdedReport, fakeReport, hardReport } from './report-fixture.js';

const REPORTS = { plain: fakeReport(), hard: hardReport(), crowded: crowdedReport() };

function drawn(report: RunReport): Map<string, string> {
  return svgCharts.write(report) as Map<string, string>;
}

describe('charts', () => {
  it('are five per cell and one of cores per kind of ends, with names safe for files', () => {
    for (const [name, report] of Object.entries(REPORTS)) {
      const names = [...chartsOf(report).values()].flat().map((chart) => chart.name);
      assert.equal(names.length, 5 * report.cells.length + coresCells(report).length, name);
      assert.equal(new Set(names).size, names.length);
      for (const one of names) assert.match(one, /^[a-z0-9-]+$/);
    }
  });

  it('have different names for cells that differ only in signs', () => {
    const report = fakeReport();
    const [first] = report.cells;
    assert.ok(first);
    const twins = {
      ...report,
      cells: [
        { ...first, cell: 'a/b=1' },
        { ...first, cell: 'a b 1' },
      ],
    };
    const names = [...chartsOf(twins).values()].flat().map((chart) => chart.name);
    assert.equal(new Set(names).size, 10);
  });

  it('are plain JSON, so that the page can carry them', () => {
    for (const chart of [...chartsOf(REPORTS.hard).values()].flat()) {
      assert.deepEqual(JSON.parse(JSON.stringify(chart.option)), chart.option);
    }
  });

  it('use only names that the themes and functions have', () => {
    const known = new Set([...Object.keys(LIGHT), 'errorBar'].map((name) => `$${name}`));
    const walk = (value: Json): void => {
      if (typeof value === 'string' && /^\$\w/.test(value)) assert.ok(known.has(value), value);
      else if (Array.isArray(value)) value.forEach(walk);
      else if (value !== null && typeof value === 'object') Object.values(value).forEach(walk);
    };
    for (const chart of [...chartsOf(REPORTS.crowded).values()].flat()) walk(chart.option);
  });

  it('escape labels in tooltips, which are HTML', () => {
    const json = JSON.stringify(
      [...chartsOf(REPORTS.hard).values()].flat().map((chart) => chart.option),
    );
    const formatters = [...json.matchAll(/"formatter":"((?:[^"\\]|\\.)*)"/g)].map(
      (match) => match[1] ?? '',
    );
    assert.ok(formatters.some((text) => text.includes('onerror')));
    for (const text of formatters) assert.doesNotMatch(text.replaceAll('<br>', ''), /[<>]/);
  });

  it('are left out when they would be empty', () => {
    assert.equal([...chartsOf(fakeReport({ blocks: 0 })).values()].flat().length, 0);
  });
});

describe('resolving an option', () => {
  it('replaces names that are known and nothing else', () => {
    const option = { a: '$ink', b: ['$ink', 1, null], c: { d: '$5 off', e: 'ink' } };
    assert.deepEqual(resolveOption(option, { ink: '#000' }), {
      a: '#000',
      b: ['#000', 1, null],
      c: { d: '$5 off', e: 'ink' },
    });
  });
});

describe('charts as SVG', () => {
  for (const [name, report] of Object.entries(REPORTS)) {
    it(`are the same bytes each time (${name})`, () => {
      const first = drawn(report);
      drawn(REPORTS.plain);
      assert.deepEqual(drawn(report), first);
    });

    it(`are white, titled and free of failed numbers and of markup from labels (${name})`, () => {
      for (const [file, svg] of drawn(report)) {
        assert.match(svg, /^<svg [^>]*role="img"><title>[^<]+<\/title><desc>[^<]+<\/desc>/, file);
        assert.match(svg, /fill="#ffffff"/, file);
        assert.doesNotMatch(svg, /NaN|undefined|Infinity|<img|<\/script/, file);
        assert.ok(svg.endsWith('</svg>\n'), file);
      }
    });
  }

  it('draw intervals as lines with caps', () => {
    const svg = drawn(REPORTS.plain).get('loopback-check-none-goodput.svg') ?? '';
    const bars = [...svg.matchAll(/<path d="M[^"]+" fill="none"[^>]*stroke="#1c1e21"/g)];
    assert.equal(bars.length, 4 * 3);
  });
});
