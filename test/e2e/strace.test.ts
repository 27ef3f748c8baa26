/** `run --strace`: incidents of a program explained with its calls, and no speed from such trials. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { RecordedCall } from '../../src/data/record/record.js';
import { straceUnavailable } from '../../src/machine/role/strace.js';
import { BAD_PROXY } from '../support/bad-proxy.js';
import { BAD_AT, BAD_LENGTH } from '../support/bad-proxy-modes.js';
import {
  readCsv,
  scratch,
  storedIncidents,
  storedTrials,
  writeScenario,
} from '../support/folder.js';
import { cli } from '../support/process.js';

const PLACES = ['{listen.host}', '{listen.port}', '{upstream.host}', '{upstream.port}'];
const REQUIRED = process.env['REQUIRE_ALL'] === '1';

describe('run --strace', async () => {
  const lacking = (await straceUnavailable(false)) ?? (await straceUnavailable(true));
  const skip = lacking !== null && !REQUIRED ? lacking : false;

  it('explains what a program did to its bytes; nothing is compared', { skip }, async (t) => {
    const folder = scratch(t);
    const out = join(folder, 'run');
    const argv = [process.execPath, BAD_PROXY, 'zeros', ...PLACES];
    const file = writeScenario(folder, {
      workload: { bytes: 4 * 2 ** 20, check: 'full' },
      forwarders: ['copy', { use: 'command', name: 'zeroing', argv }],
      blocks: { min: 1, max: 1 },
    });
    const ended = await cli(t, ['run', file, '--strace', '--out', out]);
    assert.equal(ended.code, 3, ended.stderr);
    const [incident] = storedIncidents(out);
    assert.equal(incident?.forwarder, 'zeroing');
    assert.equal(incident.offset, BAD_AT);
    const calls = (incident.calls ?? []) as unknown as RecordedCall[];
    const carries = calls.filter(
      ({ offset, got }) => got > 0 && offset < BAD_AT + BAD_LENGTH && offset + got > BAD_AT,
    );
    assert.ok(
      carries.some(({ side }) => side === 'in'),
      JSON.stringify(calls),
    );
    assert.ok(
      carries.some(({ side }) => side === 'out'),
      JSON.stringify(calls),
    );
    const trials = storedTrials(out);
    assert.deepEqual(
      trials
        .map(({ forwarder, outcome, under_strace: traced }) => [forwarder, outcome, traced])
        .sort(),
      [
        ['copy', 'intact', true],
        ['zeroing', 'corrupt', true],
      ],
    );
    const { rows } = readCsv(join(out, 'summary.csv'));
    assert.ok(rows.length > 0 && rows.every((row) => row['n'] === '0' && row['ratio'] === ''));
    assert.match(ended.stdout, /under strace: its speed is not a speed/);
    const told = await cli(t, ['explain', out, '1']);
    assert.match(told.stdout, /write/);
  });

  it(
    'interleaves poc with and without: only the traced one has traced calls',
    { skip },
    async (t) => {
      const out = join(scratch(t), 'run');
      const args = ['run', 'report-2008-strace', '--blocks', '2', '--out', out];
      const ended = await cli(t, args);
      assert.equal(ended.code, 0, ended.stderr);
      const trials = storedTrials(out);
      assert.equal(trials.length, 8);
      for (const trial of trials) {
        const { traced_calls: traced } = trial['forwarder_detail'] as { traced_calls?: number };
        const expected = trial.forwarder.endsWith(' under strace');
        assert.equal(trial.outcome, 'intact', trial.error ?? '');
        assert.equal(trial['under_strace'], expected, trial.forwarder);
        if (expected) assert.ok((traced ?? 0) > 0, `${trial.forwarder}: ${traced} calls`);
        else assert.equal(traced, undefined, trial.forwarder);
      }
      // In turns: each block has every variant once.
      for (const block of [1, 2]) {
        const of = trials.filter((trial) => trial.block === block);
        assert.equal(new Set(of.map(({ forwarder }) => forwarder)).size, 4);
      }
      assert.match(ended.stdout, /^poc under strace +[\d.]+ [MG]B +2 +0 /m);
    },
  );

  it('without strace it is unavailable, with the reason', async (t) => {
    const folder = scratch(t);
    const file = writeScenario(folder, {
      workload: { bytes: 2 ** 20, check: 'full' },
      forwarders: ['direct', { use: 'copy', strace: true }],
      blocks: { min: 1, max: 1 },
    });
    const args = ['run', file, '--dry-run'];
    const { stdout } = await cli(t, args, { env: { PATH: '/nonexistent' } });
    // The folders for administrators are searched as well; strace is in none of them.
    assert.match(stdout, /copy under strace: strace not found \(apt-get install strace\)/);
  });
});
