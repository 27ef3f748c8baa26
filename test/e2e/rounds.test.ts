/** `blocks.rounds: auto` on real sockets: the first sets serve the choice, which is stored. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { scratch, storedTrials, writeScenario } from '../support/folder.js';
import { cli } from '../support/process.js';

describe('a run that chooses how many rounds its sets have', () => {
  it('stores the choice and keeps to it', async (t) => {
    const folder = scratch(t);
    const scenario = writeScenario(folder, {
      workload: { seconds: '400ms', warmup: 0, check: 'none' },
      forwarders: ['copy', 'splice'],
      baseline: 'copy',
      blocks: { min: 4, max: 4, rounds: 'auto' },
    });
    const out = join(folder, 'run');
    const { code, stderr } = await cli(t, ['run', scenario, '--out', out]);
    assert.equal(code, 0, stderr);
    const trials = storedTrials(out);
    assert.equal(trials.length, 8);
    // Of any arm: then all of its set have further rounds.
    const disturbed = new Set(
      trials
        .filter(({ slices }) => (slices as { left_out: number[] }).left_out.length > 0)
        .map(({ block }) => block),
    );
    for (const { block, set, slices } of trials) {
      const { choice, seconds } = set as {
        choice?: { rounds: number; by: string };
        seconds: number;
      };
      const { rounds_run: run, left_out: out } = slices as {
        rounds_run: number;
        left_out: number[];
      };
      assert.ok(seconds > 0);
      if (block === 1) {
        assert.equal(choice, undefined);
        continue;
      }
      assert.equal(choice?.by, block < 4 ? 'the first set' : 'the first 3 sets');
      // One round is discarded. Those that are left out are run again, but for the last one, up to twice the
      // number; what an arm lacks all of its set run.
      const counted = run - 1 - out.length;
      const told = `${run}, ${out.length}, ${choice.rounds}`;
      assert.ok(counted >= choice.rounds - 1 || run - 1 >= 2 * choice.rounds, told);
      assert.ok(disturbed.has(block) || counted === choice.rounds, told);
    }
  });
});
