/** Streams with a rate: a paced source, a slow reader, and messages of many connections. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { scratch, type ScenarioKeys, storedTrials, writeScenario } from '../support/folder.js';
import { cli } from '../support/process.js';

/** What a loop may catch up with after it was held up, seconds. */
const CATCH_UP = 0.05;
/** What was sent before the window may still be on its way when it begins, seconds. */
const WARMUP = 0.1;
const SECONDS = 0.5;
/** Seconds between two pieces of a paced loop, and more calls than a forwarder makes for a piece. */
const TICK = 250e-6;
const CALLS_PER_PIECE = 8;

/** A set rate below the speed of anything here; one block, with and without checking. */
function keys(workload: ScenarioKeys): ScenarioKeys {
  return {
    workload: { connections: 3, seconds: SECONDS, warmup: WARMUP, ...workload },
    matrix: { 'workload.check': ['none', 'full'] },
    forwarders: ['copy', 'splice'],
    blocks: { min: 1, max: 1 },
  };
}

describe('streams with a rate', () => {
  const cases: [string, ScenarioKeys, number][] = [
    ['paced source', { rate: '20Mbps' }, 20e6],
    ['paced messages', { rate: '20Mbps', message: 100 }, 20e6],
    ['slow reader', { reader: '10Mbps' }, 10e6],
    ['slow reader of a paced source', { rate: '20Mbps', reader: '10Mbps' }, 10e6],
    ['paced upload', { rate: '20Mbps', direction: 'upload' }, 20e6],
  ];
  for (const [name, workload, rate] of cases) {
    it(`${name}: never faster than asked for, and every byte arrives`, async (t) => {
      const folder = scratch(t);
      const out = join(folder, 'run');
      const file = writeScenario(folder, keys(workload));
      const ended = await cli(t, ['run', file, '--out', out]);
      assert.equal(ended.code, 0, ended.stderr);
      const trials = storedTrials(out);
      assert.equal(trials.length, 4);
      for (const trial of trials) {
        const what = `${trial.forwarder}, check ${trial.check}`;
        assert.equal(trial.outcome, trial.check === 'full' ? 'intact' : 'unchecked', what);
        const passed = Number(trial['goodput_gbps']) * 1e9;
        const most = rate * (1 + (WARMUP + 2 * CATCH_UP) / SECONDS);
        assert.ok(passed > 0 && passed <= most, `${what}: ${passed}`);
        // In crumbs it would take a call for every few bytes, and a CPU. What a sink holds back comes in none.
        if (workload['reader'] === undefined && workload['message'] === undefined) {
          const piece = (rate / 8) * TICK;
          assert.ok(Number(trial['bytes_per_syscall']) >= piece / CALLS_PER_PIECE, what);
        }
        assert.equal(trial['bottleneck'] === 'pacing', passed >= rate * 0.97, what);
      }
    });
  }
});
