/** Exchanges and churn through `run`: no forwarder, copy, splice, and proxies that are slow or cut. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { TrialRecord } from '../../src/data/record/record.js';
import { readCsv, scratchFolder, storedTrials, writeScenario } from '../support/folder.js';
import { Running, splicebench } from '../support/process.js';
import { SLOW_PROXY } from '../support/slow-proxy.js';

const { folder, remove } = scratchFolder();
after(remove);

const PLACES = ['{listen.host}', '{listen.port}', '{upstream.host}', '{upstream.port}'];

function proxy(mode: string) {
  return {
    use: 'command',
    name: mode,
    argv: [process.execPath, SLOW_PROXY, mode, ...PLACES],
  };
}

/** Takes connections and closes them. */
const DEAD = {
  use: 'command',
  name: 'dead',
  argv: [
    process.execPath,
    '-e',
    "require('net').createServer((s) => s.destroy()).listen(process.argv[2], process.argv[1])",
    '{listen.host}',
    '{listen.port}',
  ],
};

/** Runs one block; the trials by forwarder. The first forwarder is the baseline. */
async function run(
  workload: Record<string, unknown>,
  forwarders: (string | ReturnType<typeof proxy>)[],
  code: number,
) {
  const place = mkdtempSync(join(folder, 'run-'));
  const baseline = forwarders.includes('copy') ? 'copy' : forwarders[0];
  const path = writeScenario(place, { workload, forwarders, baseline });
  const out = join(place, 'out');
  const running = new Running(splicebench('run', path, '--blocks', '1', '--out', out));
  try {
    const ended = await running.ended;
    assert.equal(ended.code, code, ended.stderr + ended.stdout);
    const stored = storedTrials(out) as unknown as TrialRecord[];
    const trials = new Map(stored.map((trial) => [trial.forwarder, trial]));
    // The verdict is wrapped at the terminal's width.
    return { trials, out, text: (ended.stdout + ended.stderr).replaceAll(/\s+/g, ' ') };
  } finally {
    await running.clean();
  }
}

const OURS = ['direct', 'copy', 'splice'];

function trialOf(trials: Map<string, TrialRecord>, forwarder: string): TrialRecord {
  const trial = trials.get(forwarder);
  assert.ok(trial, `a trial of ${forwarder}`);
  return trial;
}

describe('exchange', () => {
  it('measures latencies in the closed loop, every byte checked', async () => {
    const { trials, out, text } = await run(
      {
        kind: 'exchange',
        connections: 4,
        request: 100,
        response: 1000,
        seconds: '500ms',
        warmup: '100ms',
      },
      OURS,
      0,
    );
    for (const forwarder of ['direct', 'copy', 'splice']) {
      const trial = trialOf(trials, forwarder);
      assert.equal(trial.outcome, 'intact', trial.error ?? '');
      assert.equal(trial.direction, 'exchange');
      assert.ok((trial.requests ?? 0) > 0 && (trial.requests_per_second ?? 0) > 0);
      const { latency_p50_us: p50, latency_p99_us: p99 } = trial;
      assert.ok(p50 !== null && p99 !== null && p50 > 0 && p50 <= p99);
      assert.ok((trial.verified_bytes ?? 0) >= 1100 * (trial.requests ?? 0));
      assert.equal(trial.intended_rate, null);
      assert.match(trial.unavailable.intended_rate ?? '', /closed loop/);
      assert.match(trial.unavailable.connections_per_second ?? '', /exchange workload/);
    }
    assert.match(text, /p99/);
    assert.match(text, /of copy's p99/);
    const metrics = readCsv(join(out, 'summary.csv')).rows.map((row) => row['metric']);
    for (const metric of ['latency_p50', 'latency_p99', 'requests_per_second']) {
      assert.ok(metrics.includes(metric), metric);
    }
    assert.match(readFileSync(join(out, 'report.md'), 'utf8'), /latency p99/);
  });

  it('runs at a share of the capacity that its own warm-up found', async () => {
    const { trials } = await run(
      { kind: 'exchange', connections: 4, load: '50%', seconds: '500ms', warmup: '400ms' },
      OURS,
      0,
    );
    for (const trial of trials.values()) {
      assert.equal(trial.outcome, 'intact', trial.error ?? '');
      const { capacity_per_second: capacity, intended_rate: rate } = trial;
      assert.ok(capacity !== null && rate !== null && capacity > 0);
      assert.ok(Math.abs(rate - capacity / 2) < 1e-6 * capacity);
    }
  });

  it('shows a stall of 100 ms in the p99 of an open loop, and not in its p50', async () => {
    const { trials } = await run(
      { kind: 'exchange', connections: 2, rate: 200, seconds: '2s', warmup: '100ms' },
      ['copy', proxy('stall')],
      0,
    );
    // A fifth of the time it stands still, so that a fifth of what falls due has to wait, 50 ms in
    // the mean. A client that waited for each response would have seen 4 of 400 late.
    const stalled = trialOf(trials, 'stall');
    assert.equal(stalled.outcome, 'intact', stalled.error ?? '');
    assert.ok((stalled.latency_p99_us ?? 0) > 70_000, `p99 ${stalled.latency_p99_us}`);
    assert.ok((stalled.requests_per_second ?? 0) > 150);
    assert.match(stalled.unavailable.latency_p999_us ?? '', /fewer than 1000/);
  });

  it('says that an open loop was overloaded', async () => {
    const { text, trials } = await run(
      { kind: 'exchange', connections: 1, rate: 5000000, seconds: '300ms', warmup: 0 },
      ['copy', 'splice'],
      0,
    );
    assert.match(text, /was overloaded in 1 trial/);
    const { requests_per_second: achieved } = trialOf(trials, 'copy');
    assert.ok(achieved !== null && achieved < 5_000_000);
  });
});

describe('churn', () => {
  for (const direction of ['download', 'upload', 'both'] as const) {
    it(`brings every body over whole: ${direction}`, async () => {
      const { trials } = await run(
        { kind: 'churn', direction, connections: 8, body: 10000, transfers: 300 },
        OURS,
        0,
      );
      for (const trial of trials.values()) {
        assert.equal(trial.outcome, 'intact', trial.error ?? '');
        assert.deepEqual([trial.transfers, trial.transfers_failed], [300, 0]);
        const streams = direction === 'both' ? 2 : 1;
        assert.equal(trial.verified_bytes, 300 * 10_000 * streams);
        assert.ok((trial.connections_per_second ?? 0) > 0);
      }
    });
  }

  it('runs for a time, also where nobody looks at the bytes', async () => {
    const { trials, text } = await run(
      {
        kind: 'churn',
        connections: 4,
        body: '4KiB',
        seconds: '400ms',
        warmup: '100ms',
        check: 'none',
      },
      OURS,
      0,
    );
    for (const trial of trials.values()) {
      assert.equal(trial.outcome, 'unchecked', trial.error ?? '');
      assert.ok((trial.connections_per_second ?? 0) > 0 && (trial.latency_p50_us ?? 0) > 0);
    }
    assert.match(text, /as many connections per second as copying/);
  });

  for (const check of ['full', 'none'] as const) {
    it(`counts the connections that were cut short, check: ${check}`, async () => {
      const { trials } = await run(
        { kind: 'churn', connections: 4, body: 10000, transfers: 200, check },
        ['copy', proxy('cut')],
        3,
      );
      const cut = trialOf(trials, 'cut');
      assert.equal(cut.outcome, 'truncated', cut.error ?? '');
      assert.deepEqual([cut.transfers, cut.transfers_failed], [200, 10]);
      assert.match(cut.error ?? '', /10 of 200 connections were cut short at the client/);
      assert.match(cut.error ?? '', /received 3000 bytes, 7000 missing at the end/);
    });
  }

  it('fails in time when nothing gets through', async () => {
    const { trials } = await run(
      { kind: 'churn', connections: 4, body: 10000, transfers: 300 },
      ['direct', DEAD],
      1,
    );
    assert.equal(trialOf(trials, 'dead').outcome, 'failed');
    assert.match(trialOf(trials, 'dead').error ?? '', /0 of 1 connections came up/);
  });
});
