import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chartsOf } from '../../src/report/charts/charts.js';
import { markdownReport } from '../../src/report/render/markdown.js';
import type { RunReport } from '../../src/report/model/report-types.js';
import { crowdedReport, fakeReport, hardReport } from './report-fixture.js';

const text = (report: RunReport) => markdownReport.write(report) as string;
const REPORTS = { plain: fakeReport(), hard: hardReport(), crowded: crowdedReport() };

describe('report.md', () => {
  for (const [name, report] of Object.entries(REPORTS)) {
    it(`never shows a value that is none (${name})`, () => {
      assert.doesNotMatch(text(report), /NaN|undefined|\bnull\b|Infinity|\[object/);
    });

    it(`has tables whose rows have as many cells as their heads (${name})`, () => {
      const cells = (line: string) => line.split(/(?<!\\)\|/).length;
      let head = 0;
      for (const line of text(report).split('\n')) {
        if (!line.startsWith('|')) head = 0;
        else if (head === 0) head = cells(line);
        else assert.equal(cells(line), head, line);
      }
    });

    it(`shows every chart and links to no file outside of the run's folder (${name})`, () => {
      const referred = [...text(report).matchAll(/!\[.*\]\(([^)]+)\)/g)].map((match) => match[1]);
      const linked = [...text(report).matchAll(/^- \[.*\]\(([^)]+)\)/gm)].map((match) => match[1]);
      for (const file of linked) assert.match(file ?? '', /^[a-z]+\.(csv|jsonl?)$/);
      const drawn = [...chartsOf(report).values()]
        .flat()
        .map((chart) => `charts/${chart.name}.svg`);
      assert.deepEqual(referred, drawn);
    });

    it(`lets no label become markup (${name})`, () => {
      assert.doesNotMatch(text(report), /<img|<\/script|<b>/);
    });
  }

  it('begins with the verdict', () => {
    assert.match(text(REPORTS.plain), /^# splicebench: run .*\n\n\*\*Faster: splice/);
  });

  it('separates the two checks and says not to compare them', () => {
    const sections = text(REPORTS.plain).split(/^## /m);
    const checked = sections.find((section) => section.startsWith('Speed (check: full)'));
    assert.match(checked ?? '', /Not to be compared/);
    assert.ok(!checked?.includes('check: none'));
  });

  it('tells the conditions of the measurement', () => {
    const how = text(REPORTS.plain);
    for (const fact of [
      /cubic/,
      /AMD EPYC 7763/,
      /Linux 6\.12\.9/,
      /12046741230000000001/,
      /the run's own/,
      /forwarder on 1/,
      /known to within 3 %/,
      /\| not affected by \| mds, tsa \|/,
    ]) {
      assert.match(how, fact);
    }
  });

  it('names the congestion control that the sockets used, not the sysctl they did not', () => {
    const base = REPORTS.plain;
    const congestion = (asked: string, limits: string[], own: boolean): string => {
      const scenarios = [{ name: 'loopback', cells: [{ topology: { congestion: asked } }] }];
      const environment = base.manifest.environment.map((host) => ({
        ...host,
        limits,
        private_namespace: own,
      }));
      const report = { ...base, manifest: { ...base.manifest, scenarios, environment } };
      return /^\| congestion control \| (.*) \|$/m.exec(text(report))?.[1] ?? '';
    };
    assert.equal(congestion('cubic', [], true), 'cubic');
    assert.equal(congestion('bbr', [], true), 'bbr, set for the run');
    assert.equal(
      congestion('bbr', ["congestion control is not bbr but the host's: no"], true),
      'cubic',
    );
    assert.equal(congestion('bbr', [], false), 'cubic');
  });

  it('states the limits of loopback and what was unavailable', () => {
    const plain = text(REPORTS.plain);
    assert.match(plain, /Loopback is memory on one machine/);
    assert.match(plain, /of direct: no forwarder in between/);
    assert.match(text(REPORTS.hard), /no &lt;b&gt;hardware counters/);
    const listed = text(REPORTS.hard).split('## Unavailable')[1] ?? '';
    assert.doesNotMatch(listed, /the trial failed|does not look at the bytes/);
  });

  it('shows incidents in hex with the calls of the forwarder', () => {
    const hard = text(REPORTS.hard);
    assert.match(hard, /^003760 {2}7d\*be\*de\*81\*d2\*07\*/m);
    assert.match(hard, /172 +@ 14,164 +<== exactly these bytes/);
  });

  it('can describe a run of which nothing finished', () => {
    const empty = text(fakeReport({ blocks: 0, interrupted: true }));
    assert.match(empty, /Not measured: no trial has finished/);
    assert.doesNotMatch(empty, /NaN|undefined/);
  });
});
