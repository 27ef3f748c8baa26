/** What a report says of a link, of a pace and of what is emulated, in every form of output. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ceilingsOf } from '../../src/report/model/ceiling.js';
import { htmlReport } from '../../src/report/render/html.js';
import { markdownReport } from '../../src/report/render/markdown.js';
import { type RunReport } from '../../src/report/model/report-types.js';
import { buildReport } from '../../src/report/model/model.js';
import { svgCharts } from '../../src/report/render/svg.js';
import { terminalReport } from '../../src/report/render/terminal.js';
import { COPY, fakeReport, SPLICE } from './report-fixture.js';

const FORMS: Readonly<Record<string, (report: RunReport) => string>> = {
  terminal: (report) => terminalReport(report, { columns: 120, color: false }),
  'report.md': (report) => markdownReport.write(report) as string,
  'report.html': (report) => htmlReport.write(report) as string,
};

/** On one line, whatever the width was. */
function said(report: RunReport, form: string): string {
  return (FORMS[form]?.(report) ?? '').replaceAll(/\s+/g, ' ');
}

const EMULATED = fakeReport({ columns: { topology: 'nic', emulated: true } });
const LINKED = fakeReport({
  forwarders: [
    { ...SPLICE, gbps: COPY.gbps, bottleneck: 'link' },
    { ...COPY, bottleneck: 'link' },
  ],
});

describe('a report in every form', () => {
  for (const form of Object.keys(FORMS)) {
    it(`says what is emulated, in the verdict and beside each condition (${form})`, () => {
      const text = said(EMULATED, form);
      assert.match(text, /Emulated: parts share a machine without a network card between them/);
      assert.match(text, /on nic, download, 1 connection, emulated/);
      assert.doesNotMatch(said(fakeReport({ columns: { emulated: false } }), form), /mulated/);
    });

    it(`says that CPU per GB is the comparison where the link limits (${form})`, () => {
      const text = said(LINKED, form);
      assert.match(text, /The link limits both, so compare CPU per GB: splice takes 0\.38x/);
      assert.match(text, /link: it was full, so no forwarder could go faster/);
      assert.doesNotMatch(said(fakeReport(), form), /[Ll]ink limits|link: it was full/);
    });
  }

  it('says so in charts', () => {
    const charts = [...(svgCharts.write(EMULATED) as Map<string, string>).values()];
    for (const chart of charts) assert.match(chart, /connection, emulated/);
  });

  it('says where only some trials of a condition are emulated', () => {
    const { manifest, trials, incidents, summary } = fakeReport({ columns: { topology: 'hosts' } });
    const some = trials.map((trial) => ({ ...trial, emulated: trial.forwarder === 'direct' }));
    const report = buildReport({ manifest, trials: some, incidents, summary });
    assert.match(report.cells[0]?.title ?? '', /, partly emulated$/);
    assert.match(report.verdict.notes.join(' '), /^Emulated in 24 of 96 trials: parts share/);
  });
});

describe('the ceilings', () => {
  const report = fakeReport({ columns: { topology: 'hosts', link_gbps: 50 } });
  const chart = (kind: string) => {
    const charts = svgCharts.write(report) as Map<string, string>;
    const [name] = [...charts.keys()].filter((one) => one.endsWith(`-${kind}.svg`));
    return charts.get(name ?? '') ?? assert.fail(`no chart of ${kind}`);
  };

  it('are lines with names in the charts of goodput: the link, and direct', () => {
    for (const kind of ['goodput', 'time']) {
      assert.match(chart(kind), /stroke-dasharray/);
      assert.match(chart(kind), />link 50\.0 Gbps</);
      assert.match(chart(kind), />direct \(ceiling\)</);
    }
    assert.match(chart('goodput'), /Ceilings: link 50\.0 Gbps and direct 4\d\.\d Gbps\./);
    assert.doesNotMatch(chart('ratio'), /link 50/);
  });

  it('are said in words wherever a table is', () => {
    for (const form of Object.keys(FORMS)) {
      assert.match(said(report, form), /ceilings of goodput: link 50\.0 Gbps and direct 4/);
    }
  });

  it('are not drawn where neither is known', () => {
    const without = fakeReport({ forwarders: [SPLICE, COPY] });
    const charts = [...(svgCharts.write(without) as Map<string, string>).values()];
    for (const one of charts) assert.doesNotMatch(one, /link \d|ceiling/i);
  });

  it('are of the slowest card that a forwarder passes, and of the ends with direct alone', () => {
    const { trials } = report;
    const of = (speeds: Record<string, number | null>) =>
      ceilingsOf(
        trials.map((trial) => ({ ...trial, link_gbps: speeds[trial.forwarder] ?? null })),
        () => 9.4,
        (label) => label === 'direct',
      );
    assert.deepEqual(of({ direct: 25, splice: 10, copy: 10 }), { link: 10, direct: 9.4 });
    assert.deepEqual(of({ direct: 25 }), { link: 25, direct: 9.4 });
    assert.deepEqual(of({ direct: 5, copy: 10 }), { link: 10, direct: 9.4 });
    assert.equal(of({}).link, null);
  });
});
