import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { axisTable, axisValue, axisSentences } from '../../src/report/model/axis.js';
import { axisCharts } from '../../src/report/charts/chart-axis.js';
import {
  countLabel,
  FUNCTIONS,
  type Json,
  LIGHT,
  sizeLabel,
} from '../../src/report/model/chart-runtime.js';
import { htmlReport } from '../../src/report/render/html.js';
import { markdownReport } from '../../src/report/render/markdown.js';
import { type RunReport } from '../../src/report/model/report-types.js';
import { buildReport } from '../../src/report/model/model.js';
import { svgCharts } from '../../src/report/render/svg.js';
import { terminalReport } from '../../src/report/render/terminal.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import { COPY, DIRECT, fakeSource, HOSTILE, SPLICE } from './report-fixture.js';
import { bootstrapFreeSummary } from './report-fixture-summary.js';

const CONNECTIONS = [1, 10, 100, 1000];

/** A run along the connections in which splice is `gain` as fast as copy, by connections. */
function along(
  gain: readonly number[],
  further = [DIRECT],
  columns: Partial<TrialRecord> = {},
): RunReport {
  const forwarders = [...further, SPLICE, COPY];
  const source = fakeSource({ forwarders, connections: CONNECTIONS, checks: ['none'], columns });
  const trials = source.trials.map((trial): TrialRecord => {
    if (trial.forwarder !== 'splice') return trial;
    const factor = (gain[CONNECTIONS.indexOf(trial.connections)] ?? 1) * (COPY.gbps / SPLICE.gbps);
    return { ...trial, goodput_gbps: (trial.goodput_gbps ?? 0) * factor };
  });
  const cells = CONNECTIONS.map((connections) => ({
    key: `loopback/check=none/connections=${connections}`,
    workload: { kind: 'stream', connections, message: null },
    topology: { kind: 'loopback', congestion: 'cubic' },
  }));
  const manifest = {
    ...source.manifest,
    scenarios: [
      {
        name: 'loopback',
        cells,
        forwarders: forwarders.map(({ label, use }) => ({ label, use: use ?? label, options: {} })),
      },
    ],
  };
  const summary = bootstrapFreeSummary(trials, 'copy', { lowerBound: false, coLimited: false });
  return buildReport({ ...source, manifest, trials, summary });
}

describe('an axis', () => {
  const report = along([0.5, 0.8, 1.6, 2]);
  const [axis] = report.axes;

  it('is found where conditions differ in one number', () => {
    assert.ok(axis);
    assert.equal(report.axes.length, 1);
    assert.equal(axis.name, 'connections');
    assert.deepEqual(axis.values, CONNECTIONS);
    assert.deepEqual(
      axis.series.map(({ forwarder }) => forwarder),
      ['direct', 'splice', 'copy'],
    );
    assert.deepEqual(buildReport(fakeSource()).axes, []);
  });

  it('says in words from which value on a forwarder pays, with its interval', () => {
    assert.ok(axis);
    const [sentence = '', ...more] = axisSentences(axis);
    assert.deepEqual(more, [], 'neither of direct nor of the baseline');
    assert.match(
      sentence,
      /^splice pays from 100 on this host \(connections; its ratio to copy crosses 1 between \d\d\.\d and \d\d\.\d, 95 %\)\.$/,
    );
  });

  it('says always, never and not monotone plainly', () => {
    const said = (...gain: number[]) =>
      along(gain).axes.flatMap(axisSentences).join('').split(/[,:]/)[0];
    assert.equal(said(2, 2, 2, 2), 'splice always pays on this host');
    assert.equal(said(0.5, 0.5, 0.5, 0.5), 'splice never pays on this host');
    assert.equal(said(0.5, 0.5, 0.5, 1), 'splice is not shown to pay on this host');
    assert.equal(said(0.5, 2, 2, 0.5), 'splice has no single crossover on this host');
  });

  it('has a table of ratios', () => {
    assert.ok(axis);
    const { columns, rows } = axisTable(axis);
    assert.deepEqual(
      columns.map(({ title }) => title),
      ['connections', 'copy, Gbps', 'direct', 'splice'],
    );
    assert.deepEqual(
      rows.map(({ cells }) => cells[0]?.text),
      ['1', '10', '100', '1,000'],
    );
    for (const { cells } of rows) assert.match(cells[3]?.text ?? '', /^[~≥]?\d.*x \d.*–\d/);
  });

  it('is in every report', () => {
    const title = 'Ratio to copy along the connections';
    const terminal = terminalReport(report, { columns: 80, color: false });
    const texts = [markdownReport.write(report), htmlReport.write(report), terminal] as string[];
    for (const text of texts) {
      assert.ok(text.includes(title));
      assert.ok(text.replaceAll(/\s+/g, ' ').includes('splice pays from 100 on this host'));
    }
    const files = svgCharts.write(report) as Map<string, string>;
    for (const name of ['axis-1-goodput.svg', 'axis-1-ratio.svg']) {
      const svg = files.get(name) ?? '';
      assert.ok(svg.startsWith('<svg') && !/NaN|undefined|\$\w/.test(svg), name);
      assert.ok(texts[0]?.includes(`charts/${name}`));
    }
  });

  it('keeps to the width of the terminal, whatever the labels', () => {
    const many = ['one', 'two', 'three', 'four', 'five', 'six'].map((label) => ({
      ...SPLICE,
      label: `splice pipe=${label}`,
    }));
    const wide = terminalReport(along([1, 1, 1, 1], [...many, HOSTILE]), {
      columns: 80,
      color: false,
    });
    const section = wide.slice(wide.indexOf('Ratio to copy along'), wide.indexOf('Integrity'));
    assert.ok(section.includes('splice pipe=six'));
    for (const line of section.split('\n')) assert.ok(line.length <= 80, line);
  });

  it('draws with names that charts know', () => {
    const known = new Set(
      [...Object.keys(LIGHT), ...Object.keys(FUNCTIONS)].map((one) => `$${one}`),
    );
    const walk = (value: Json): void => {
      if (typeof value === 'string' && /^\$\w/.test(value)) assert.ok(known.has(value), value);
      else if (Array.isArray(value)) value.forEach(walk);
      else if (value !== null && typeof value === 'object') Object.values(value).forEach(walk);
    };
    assert.ok(axis);
    for (const chart of axisCharts(axis)) walk(chart.option);
  });
});

describe('the ceilings along an axis', () => {
  it('are the dashed line of direct, and the link where it is known', () => {
    const run = along([0.9, 1, 1.2, 2], undefined, { link_gbps: 100 });
    const [axis] = run.axes;
    assert.ok(axis);
    const [goodput, ratio] = axisCharts(axis).map(({ option }) => JSON.stringify(option));
    assert.match(goodput ?? '', /"name":"direct \(ceiling\)"/);
    assert.match(goodput ?? '', /"lineStyle":\{[^}]*"type":"dashed"\}/);
    assert.match(goodput ?? '', /"formatter":"link 100 Gbps"/);
    assert.match(goodput ?? '', /"max":100[,}]/);
    assert.doesNotMatch(ratio ?? '', /link 100/);
  });
});

describe('values of an axis', () => {
  it('are written as people write them', () => {
    const bytes = [1, 64, 1024, 1460, 8192, 2 ** 20, 5300.5, 12.7];
    assert.deepEqual(
      bytes.map((value) => axisValue(value, 'bytes')),
      ['1 B', '64 B', '1 KiB', '1.46 kB', '8 KiB', '1 MiB', '5.2 KiB', '13 B'],
    );
    assert.equal(axisValue(10_000, 'count'), '10,000');
    assert.equal(axisValue(5e8, 'bits'), '500 Mbps');
    assert.deepEqual([64, 8192, 2 ** 20].map(sizeLabel), ['64 B', '8 KiB', '1 MiB']);
    assert.deepEqual([1, 1000, 10_000, 2.5e9].map(countLabel), ['1', '1k', '10k', '2.5G']);
  });
});
