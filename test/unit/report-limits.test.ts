/** What a report says of a link, of a pace and of what is emulated, in every form of output. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { htmlReport } from '../../src/report/html.js';
import { markdownReport } from '../../src/report/markdown.js';
import { buildReport, type RunReport } from '../../src/report/model.js';
import { svgCharts } from '../../src/report/svg.js';
import { terminalReport } from '../../src/report/terminal.js';
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
      assert.match(text, /link: it was full, so that no forwarder gets more through it/);
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
