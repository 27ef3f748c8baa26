/** What the kernel held and lost is told of trials that have no speed, in every report. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { heldInKernel, heldText } from '../../src/report/model/held-in-kernel.js';
import { trialsCsv } from '../../src/report/render/csv.js';
import { htmlReport } from '../../src/report/render/html.js';
import { markdownReport } from '../../src/report/render/markdown.js';
import { type RunReport } from '../../src/report/model/report-types.js';
import { buildReport } from '../../src/report/model/model.js';
import { terminalReport } from '../../src/report/render/terminal.js';
import type { Outcome } from '../../src/data/record/words.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import { fakeReport, PLAIN_RUN, SPLICE } from './report-fixture.js';

const SOCKMAP = { ...SPLICE, label: 'sockmap' };
const DETAIL = { redirected_bytes: 9e8, backlog_peak_bytes: 6e8, lost_bytes: 5e8 };

/** Every trial of sockmap ends like this, and tells this of itself. */
function reportWith(outcome: Outcome, detail: TrialRecord['forwarder_detail']): RunReport {
  const run = { forwarders: [...PLAIN_RUN.forwarders, SOCKMAP], checks: ['none' as const] };
  const report = fakeReport(run);
  const trials = report.trials.map((trial) =>
    trial.forwarder === 'sockmap' ? { ...trial, outcome, forwarder_detail: detail } : trial,
  );
  return buildReport({ ...report, trials });
}

function held(trials: readonly TrialRecord[]): string | null {
  const found = heldInKernel(trials);
  return found === null ? null : heldText('sockmap', found);
}

describe('what the kernel held', () => {
  const truncated = reportWith('truncated', DETAIL);
  const own = truncated.trials.filter(({ forwarder }) => forwarder === 'sockmap');
  const SENTENCE =
    'sockmap: 12 of 12 trials truncated; the kernel held up to 600 MB that no socket accounts ' +
    'for (kernel memory of TCP: up to 6.29 MB more), and lost 500 MB per trial at the end of the stream';

  it('is told with how the trials ended, in the terminal, in Markdown and on the page', () => {
    assert.equal(held(own), SENTENCE);
    const terminal = terminalReport(truncated, { columns: 80, color: false });
    assert.ok(terminal.replaceAll(/\n\s*/g, ' ').includes(SENTENCE), terminal);
    for (const written of [markdownReport.write(truncated), htmlReport.write(truncated)]) {
      assert.ok(typeof written === 'string' && written.includes(SENTENCE));
    }
  });

  it('is a row with its counts, though there is no speed', () => {
    const row = truncated.cells[0]?.rows.find(({ forwarder }) => forwarder === 'sockmap');
    assert.deepEqual([row?.excluded, row?.detail], [12, DETAIL]);
    const csv = trialsCsv.write({
      ...truncated,
      trials: own.map((trial) => ({ ...trial, backlog_peak_bytes: 6e8, lost_bytes: 5e8 })),
    });
    assert.ok(typeof csv === 'string');
    const [head = '', first = ''] = csv.split('\n');
    const cell = (name: string) => first.split(',')[head.split(',').indexOf(name)];
    assert.deepEqual(
      [cell('outcome'), cell('backlog_peak_bytes'), cell('lost_bytes')],
      ['truncated', '600000000', '500000000'],
    );
  });

  it('gives the least and the most where trials differ', () => {
    const differing = own.map((trial, index) => ({
      ...trial,
      forwarder_detail: { ...DETAIL, lost_bytes: 1e6 * (index + 1) },
    }));
    assert.match(held(differing) ?? '', /lost 1.00 MB to 12.0 MB per trial/);
  });

  it('says so where nothing was lost, and nothing of forwarders without a backlog', () => {
    const paced = reportWith('unchecked', { backlog_peak_bytes: 4e6, lost_bytes: 0 });
    const trials = paced.trials.filter(({ forwarder }) => forwarder === 'sockmap');
    assert.match(held(trials) ?? '', /^sockmap: the kernel held up to 4.00 MB .* lost none of it$/);
    assert.equal(held(paced.trials.filter(({ forwarder }) => forwarder === 'copy')), null);
  });
});
