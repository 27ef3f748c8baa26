/** A million incidents in a trial: all counted, few stored, memory and disk bounded. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { STORED_PER_TRIAL } from '../../src/data/integrity/stored-limits.js';
import { scratch, storedIncidents, storedTrials, writeScenario } from '../support/folder.js';
import { cli } from '../support/process.js';

const MIB = 2 ** 20;
/** JavaScript's heap of the run and of each of its roles; a million incidents would not fit. */
const SMALL_HEAP = { NODE_OPTIONS: '--max-old-space-size=96' };
/** 1,000 incidents with their calls. */
const MOST_BYTES = 8 * MIB;

const LOADS = {
  'streams both ways': { direction: 'both', connections: 2, bytes: 16 * MIB },
  exchanges: { kind: 'exchange', connections: 64, request: 65_536, response: 65_536, seconds: 1 },
} as const;

describe('incidents without number', () => {
  for (const [name, workload] of Object.entries(LOADS)) {
    it(`${name}: all counted, stored up to the limit that every report tells`, async (t) => {
      const folder = scratch(t);
      const out = join(folder, 'run');
      const flips = { fault: 'bit-flip', at: 64, every: 64, length: 1, direction: 'both' };
      const file = writeScenario(folder, {
        workload: { warmup: '100ms', check: 'full', ...workload },
        forwarders: [{ use: 'faulty', ...flips }],
        blocks: { min: 1, max: 1 },
      });
      const ended = await cli(t, ['run', file, '--out', out], { env: SMALL_HEAP });
      assert.equal(ended.code, 3, ended.stderr);
      const [trial] = storedTrials(out);
      assert.equal(trial?.outcome, 'corrupt');
      const counted = trial.incidents ?? 0;
      const every = Math.floor((trial.verified_bytes ?? 0) / 64);
      if ('bytes' in workload) {
        assert.ok(counted >= 1e6, `counted ${counted}`);
        assert.equal(counted, 4 * (workload.bytes / 64 - 1));
      }
      assert.ok(counted >= 10 * STORED_PER_TRIAL && counted >= every / 2, `counted ${counted}`);
      const stored = storedIncidents(out);
      assert.ok(stored.length > 0 && stored.length <= STORED_PER_TRIAL, `${stored.length}`);
      assert.equal(new Set(stored.map(({ direction }) => direction)).size, 2);
      assert.ok(statSync(join(out, 'incidents.jsonl')).size < MOST_BYTES);
      assert.ok(statSync(join(out, 'report.html')).size < MOST_BYTES);
      const words = /stored of [\d,]+ counted; at most 1,000 of a trial/;
      assert.match(ended.stdout.replaceAll(/\s+/g, ' '), words);
      for (const report of ['report.md', 'report.html']) {
        assert.match(readFileSync(join(out, report), 'utf8'), words, report);
      }
    });
  }
});
