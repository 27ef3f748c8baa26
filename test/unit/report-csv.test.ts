import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'csv-parse/sync';
import { summaryCsv, trialsCsv } from '../../src/report/render/csv.js';
import type { RunReport } from '../../src/report/model/report-types.js';
import type { TrialColumns } from '../../src/data/record/trial-columns.js';
import { fakeReport, hardReport, HOSTILE } from './report-fixture.js';

/** Design, section 6: copied from there, not from the code under test. */
const CONTRACT_TRIALS =
  'run_id, trial_id, block, position, scenario, topology, forwarder, direction, connections, message_bytes, check, outcome, bottleneck, seconds, bytes, goodput_gbps, forwarder_cpu_seconds, forwarder_cpu_seconds_per_gb, system_cpu_seconds_per_gb, syscalls, syscalls_per_gb, bytes_per_syscall, syscall_source, latency_p50_us, latency_p99_us, latency_p999_us, verified_bytes, incidents, corrupted_bytes, missing_bytes, extra_bytes, kernel_memory_peak_bytes, retransmits, error';
const CONTRACT_SUMMARY =
  'scenario, topology, forwarder, baseline, check, metric, unit, n, median, ci_low, ci_high, ratio, ratio_ci_low, ratio_ci_high, significant';

type Row = Record<string, string>;

function rowsOf(text: string | Map<string, string>): Row[] {
  assert.equal(typeof text, 'string');
  return parse(text as string, { columns: true });
}

function headOf(text: string | Map<string, string>): string[] {
  return (text as string).split('\n')[0]?.split(',') ?? [];
}

describe('trials.csv', () => {
  it('begins with the columns of the contract in their order', () => {
    const head = headOf(trialsCsv.write(fakeReport()));
    const contract = CONTRACT_TRIALS.split(', ');
    assert.deepEqual(head.slice(0, contract.length), contract);
    assert.equal(new Set(head).size, head.length);
  });

  it('ends with what the bytes are, and so does summary.csv', () => {
    for (const exporter of [trialsCsv, summaryCsv]) {
      const tail = exporter === trialsCsv ? ['pages', 'payload'] : ['compares', 'pages', 'payload'];
      const head = headOf(exporter.write(fakeReport()));
      assert.deepEqual(head.slice(-tail.length), tail);
    }
  });

  it('has one row per trial, in order, with the values as stored', () => {
    const report = hardReport();
    const rows = rowsOf(trialsCsv.write(report));
    assert.equal(rows.length, report.trials.length);
    for (const [index, row] of rows.entries()) {
      const trial = report.trials[index];
      assert.equal(row['trial_id'], trial?.trial_id);
      assert.equal(row['goodput_gbps'], trial?.goodput_gbps?.toString() ?? '');
      assert.equal(row['error'], trial?.error ?? '');
    }
  });

  it('says what is emulated, and nothing where the topology never crosses a wire', () => {
    const emulated = (columns: Partial<TrialColumns>) =>
      rowsOf(trialsCsv.write(fakeReport({ columns })))[0]?.['emulated'];
    assert.deepEqual(
      [emulated({ emulated: true }), emulated({ emulated: false }), emulated({})],
      ['true', 'false', ''],
    );
  });

  it('has the speed of the slowest card at its end, empty where a trial has none', () => {
    const report = fakeReport();
    const [first, second, ...others] = report.trials;
    assert.ok(first && second);
    const trials = [{ ...first, link_gbps: 10 }, { ...second, link_gbps: null }, ...others];
    const rows = rowsOf(trialsCsv.write({ ...report, trials }));
    assert.deepEqual(
      rows.slice(0, 3).map((row) => row['link_gbps']),
      ['10', '', ''],
    );
  });

  it('keeps labels whole, whatever they hold', () => {
    const rows = rowsOf(trialsCsv.write(hardReport()));
    assert.ok(rows.some((row) => row['forwarder'] === HOSTILE.label));
  });

  it('leaves unavailable figures empty and never writes NaN', () => {
    const report = fakeReport();
    const [first, ...others] = report.trials;
    assert.ok(first);
    const broken: RunReport = {
      ...report,
      trials: [{ ...first, goodput_gbps: NaN, bytes: Infinity, seconds: null }, ...others],
    };
    const text = trialsCsv.write(broken) as string;
    assert.doesNotMatch(text, /NaN|Infinity|undefined|null/);
    const [row] = rowsOf(text);
    assert.deepEqual([row?.['goodput_gbps'], row?.['bytes'], row?.['seconds']], ['', '', '']);
  });
});

describe('summary.csv', () => {
  it('begins with the columns of the contract in their order', () => {
    const head = headOf(summaryCsv.write(fakeReport()));
    const contract = CONTRACT_SUMMARY.split(', ');
    assert.deepEqual(head.slice(0, contract.length), contract);
  });

  it('has the metrics of the contract for every forwarder', () => {
    const rows = rowsOf(summaryCsv.write(fakeReport()));
    const metrics = new Set(rows.map((row) => row['metric']));
    for (const metric of [
      'goodput',
      'forwarder_cpu_per_gb',
      'system_cpu_per_gb',
      'syscalls_per_gb',
    ]) {
      assert.ok(metrics.has(metric), metric);
    }
  });

  it('says significance as true, false or nothing', () => {
    const rows = rowsOf(summaryCsv.write(hardReport()));
    const values = new Set(rows.map((row) => row['significant']));
    assert.deepEqual([...values].sort(), ['', 'false', 'true']);
  });
});
