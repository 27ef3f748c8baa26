/** Little's law: rates and latencies of closed loops that fit together, and that do not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { latencyColumns } from '../../src/experiment/measure/load-figures.js';
import type { TrialRecord } from '../../src/data/record/record.js';
import { littleGap, littleNotes } from '../../src/experiment/verdict/verdict-little.js';

/** 10 connections, 100 µs for each request: 100,000 requests per second. */
function trial(change: Partial<TrialRecord> = {}): TrialRecord {
  return {
    workload: 'exchange',
    connections: 10,
    intended_rate: null,
    requests_per_second: 100_000,
    latency_mean_us: 100,
    forwarder: 'splice',
    cell: 'latency',
    ...change,
  } as TrialRecord;
}

describe("Little's law", () => {
  it('holds for an honest closed loop, of exchanges and http', () => {
    assert.ok(Math.abs(littleGap(trial()) ?? 1) < 1e-9);
    assert.deepEqual(littleNotes([trial(), trial({ workload: 'http' })]), []);
    assert.deepEqual(littleNotes([trial({ requests_per_second: 97_000 })]), []);
  });

  it('names a forwarder whose figures do not fit together, once, with the worst', () => {
    const notes = littleNotes([
      trial({ requests_per_second: 80_000 }),
      trial({ requests_per_second: 50_000 }),
      trial(),
    ]);
    assert.deepEqual(notes, [
      'splice, in 2 trials of latency: rate and latency do not fit together. 10 connections at 50,000 ' +
        "requests per second make a mean latency 100 % more than the one measured (Little's law): " +
        'do not trust either.',
    ]);
    assert.match(littleNotes([trial({ latency_mean_us: 200 })])[0] ?? '', /50 % less/);
  });

  it('says nothing of open loops, other workloads and what has no figures', () => {
    for (const change of [
      { intended_rate: 90_000 },
      { workload: 'churn' },
      { requests_per_second: null },
      { requests_per_second: 0 },
    ] as const) {
      assert.equal(littleGap(trial({ latency_mean_us: 500, ...change })), null);
    }
    const without = trial();
    delete without.latency_mean_us;
    assert.equal(littleGap(without), null);
  });

  it('gets its mean from the latencies of the window', () => {
    const latency = { count: 5, minNs: 1, meanNs: 2500, maxNs: 9, p50Ns: 2, p90Ns: 3, p99Ns: 4 };
    assert.equal(latencyColumns({ ...latency, p999Ns: 5 }, 'sent').latency_mean_us, 2.5);
    assert.equal(
      latencyColumns({ ...latency, count: 0, p999Ns: 5 }, 'sent').latency_mean_us,
      undefined,
    );
  });
});
