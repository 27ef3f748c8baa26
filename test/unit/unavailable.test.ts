/** A forwarder that was left out is shown in every output, with its reason, and is never a pass. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'csv-parse/sync';
import { describePlan } from '../../src/cli/dry-run.js';
import { Progress } from '../../src/cli/progress.js';
import { forwarderKinds } from '../../src/machine/forwarders/registry.js';
import { summaryCsv } from '../../src/report/render/csv.js';
import { htmlReport } from '../../src/report/render/html.js';
import { markdownReport } from '../../src/report/render/markdown.js';
import { buildReport } from '../../src/report/model/model.js';
import { terminalReport } from '../../src/report/render/terminal.js';
import type { Unavailable } from '../../src/data/record/record.js';
import { runExitCode } from '../../src/experiment/verdict/verdict.js';
import { parseScenario } from '../../src/experiment/scenario/load.js';
import { summarise } from '../../src/experiment/verdict/summary.js';
import { fakeSource } from './report-fixture.js';

const REASON = 'haproxy not found (apt-get install haproxy)';
const EVERYWHERE: Unavailable = {
  scenario: 'loopback',
  forwarder: 'haproxy',
  cell: null,
  reason: REASON,
};
const IN_ONE_CELL: Unavailable = {
  scenario: 'loopback',
  forwarder: 'ncat',
  cell: 'loopback/check=full',
  reason: 'ncat forwards downloads only',
};

function reportWith(unavailable: Unavailable[]) {
  const source = fakeSource();
  return buildReport({ ...source, manifest: { ...source.manifest, unavailable } });
}

describe('a forwarder that is unavailable', () => {
  const report = reportWith([EVERYWHERE, IN_ONE_CELL]);

  it('stands below the terminal table of each cell that it was left out of', () => {
    const text = terminalReport(report, { columns: 120, color: false });
    assert.equal(text.split(`haproxy unavailable: ${REASON}`).length - 1, 2);
    assert.equal(text.split('ncat unavailable: ').length - 1, 1);
    assert.ok(text.indexOf('ncat unavailable: ') > text.indexOf('check: full'));
  });

  it('stands in the written reports, by table and among what is unavailable', () => {
    for (const written of [markdownReport.write(report), htmlReport.write(report)]) {
      assert.ok(typeof written === 'string');
      assert.match(written, /all figures in loopback of haproxy: haproxy not found/);
      assert.match(written, /haproxy unavailable: haproxy not found/);
    }
  });

  it('has one row of summary.csv per cell, with n = 0, no figure and the reason', () => {
    const scenario = parseScenario(
      '{name: loopback, matrix: {workload.check: [none, full]}, forwarders: [copy, haproxy, ncat]}',
      't.yaml',
      forwarderKinds,
    );
    const trials = fakeSource().trials.filter(({ forwarder }) => forwarder === 'copy');
    const summary = summarise(trials, scenario.cells, [], [EVERYWHERE, IN_ONE_CELL]);
    const text = summaryCsv.write({ ...report, summary });
    assert.ok(typeof text === 'string');
    const rows: Record<string, string>[] = parse(text, { columns: true });
    const own = rows.filter(({ unavailable }) => unavailable !== '');
    assert.deepEqual(
      own.map((row) => [row['forwarder'], row['check'], row['metric'], row['n'], row['median']]),
      [
        ['haproxy', 'none', 'goodput', '0', ''],
        ['haproxy', 'full', 'goodput', '0', ''],
        ['ncat', 'full', 'goodput', '0', ''],
      ],
    );
    assert.equal(own[0]?.['unavailable'], REASON);
  });

  it('is said by the plan, which does not count its trials', () => {
    const scenario = parseScenario(
      '{name: loopback, forwarders: [copy, haproxy]}',
      't.yaml',
      forwarderKinds,
    );
    const text = describePlan([scenario], '1', [EVERYWHERE]);
    assert.match(
      text,
      /^ {2}unavailable {2}haproxy: haproxy not found \(apt-get install haproxy\)$/m,
    );
    assert.match(text, /of 1 trials/);
    assert.doesNotMatch(text, /block 1 .*haproxy/);
    assert.match(describePlan([scenario], '1'), /of 2 trials/);
  });

  it('is a line of the progress', () => {
    let said = '';
    const progress = new Progress({ write: (text: string) => (said += text) });
    progress.take({ event: 'unavailable', ...EVERYWHERE });
    progress.take({ event: 'unavailable', ...IN_ONE_CELL });
    assert.equal(
      said,
      `haproxy is unavailable: ${REASON}\nncat in loopback/check=full is unavailable: ncat forwards downloads only\n`,
    );
  });

  it('says so plainly when it is the baseline', () => {
    const { verdict } = reportWith([{ ...EVERYWHERE, forwarder: 'copy', reason: 'no copy here' }]);
    assert.match(
      verdict.notes.join('\n'),
      /The baseline is unavailable, so there are no ratios to it \(copy: no copy here\)/,
    );
    assert.doesNotMatch(report.verdict.notes.join('\n'), /baseline is unavailable/);
  });

  it('and when there was no other: nothing ran, exit code 1', () => {
    const source = fakeSource();
    const { verdict } = buildReport({
      ...source,
      trials: [],
      summary: [],
      manifest: { ...source.manifest, unavailable: [EVERYWHERE] },
    });
    assert.match(
      verdict.notes.join('\n'),
      /Nothing ran: every forwarder is unavailable \(haproxy: haproxy not found/,
    );
    assert.equal(runExitCode([]), 1);
  });
});
