/** `run --until` and `--hours` on real sockets. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readCsv, scratch, storedTrials, writeScenario } from '../support/folder.js';
import { cli } from '../support/process.js';

const EACH = 4 * 2 ** 20;

function keys(...forwarders: unknown[]) {
  return { workload: { bytes: EACH, check: 'full' }, forwarders, blocks: { min: 6, max: 12 } };
}

describe('run --until', () => {
  it('ends with the block that reaches the bound, having said how many it takes', async (t) => {
    const folder = scratch(t);
    const out = join(folder, 'run');
    const file = writeScenario(folder, keys('copy'));
    // 3.5 events in 300 per GB are 12 MB: three trials of 4 MiB.
    const bound = ['--until', 'corruption < 300/GB'];
    const ended = await cli(t, ['run', file, ...bound, '--out', out]);
    assert.equal(ended.code, 0, ended.stderr);
    assert.equal(storedTrials(out).length, 3);
    assert.match(ended.stderr, /bound after block 1: copy is below 830 per GB.* 2 more blocks/);
    assert.match(
      ended.stderr,
      /'corruption < 300\/GB' reached \(copy below 280 per GB\) after 3 b/,
    );
    const [row] = readCsv(join(out, 'integrity.csv')).rows;
    assert.equal(Number(row?.['verified_bytes']), 3 * EACH);
    assert.ok(Number(row?.['incidents_per_tb_high']) < 300_000);
  });

  it('stops at once when the bytes are wrong; a limit that is missed otherwise is exit code 4', async (t) => {
    const folder = scratch(t);
    const bad = writeScenario(
      folder,
      keys('copy', { use: 'faulty', fault: 'zeros', every: 65_536 }),
    );
    const out = join(folder, 'bad');
    const wrong = await cli(t, ['run', bad, '--until', 'corruption < 1/GB', '--out', out]);
    assert.equal(wrong.code, 3, wrong.stderr);
    assert.equal(storedTrials(out).length, 2);
    const { stopping } = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')) as {
      stopping: Record<string, string>;
    };
    const [why] = Object.values(stopping);
    assert.match(why ?? '', /cannot be reached: \d+ incidents of faulty mean more than .* per GB/);

    const good = writeScenario(folder, keys('copy'));
    const few = ['--until', 'corruption < 1/GB', '--hours', '0.1', '--blocks', '1'];
    const missed = await cli(t, ['run', good, ...few, '--out', join(folder, 'few')]);
    assert.equal(missed.code, 4, missed.stderr);
    assert.match(missed.stderr, /maximum of 1 block reached; 'corruption < 1\/GB' was not reached/);
  });
});
