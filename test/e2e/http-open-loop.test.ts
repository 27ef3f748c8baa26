/** HTTP at a rate, over real sockets: so many requests as were asked for, and latencies that say what they are. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { scratch, storedTrials, writeScenario } from '../support/folder.js';
import { splicebench, start } from '../support/process.js';

describe('an open loop of http', () => {
  it('keeps to its rate, and its percentiles are corrected', async (t) => {
    const folder = scratch(t);
    const http = { kind: 'http', connections: 2, body: '1KiB', seconds: 2, warmup: '100ms' };
    const scenario = writeScenario(folder, {
      workload: http,
      matrix: { 'workload.rate': [100, null] },
      forwarders: ['copy'],
      baseline: 'copy',
      blocks: { min: 1, max: 1 },
    });
    const out = join(folder, 'run');
    const { code, stderr } = await start(t, splicebench('run', scenario, '--out', out)).ended;
    assert.equal(code, 0, stderr);
    const trials = storedTrials(out);
    const paced = trials.find((one) => one['intended_rate'] === 100);
    const closed = trials.find((one) => one['intended_rate'] === null);
    assert.equal(paced?.['latency_of'], 'corrected');
    assert.equal(closed?.['latency_of'], 'sent');
    // By the second: at either end of the window a second's requests may fall on the other side of it.
    const requests = Number(paced['requests']);
    assert.ok(requests >= 100 && requests <= 300, String(requests));
    assert.ok(Number(closed['requests']) > requests);
    const page = readFileSync(join(out, 'report.md'), 'utf8');
    assert.match(page, /corrected for coordinated omission/);
  });

  it('refuses what autocannon cannot do', async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      workload: { kind: 'http', connections: 64, rate: 10 },
      forwarders: ['copy'],
    });
    const { code, stderr } = await start(t, splicebench('run', scenario, '--dry-run')).ended;
    assert.equal(code, 2);
    assert.match(stderr, /workload\.rate: .*at least 64 for 64 connections, got 10/);
  });
});
