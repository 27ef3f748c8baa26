/** `calls: recorder`: incidents of a program explained with its calls. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { RecordedCall } from '../../src/data/record/record.js';
import { BAD_PROXY } from '../support/bad-proxy.js';
import { BAD_AT, BAD_LENGTH } from '../support/bad-proxy-modes.js';
import { scratch, storedIncidents, storedTrials, writeScenario } from '../support/folder.js';
import { cli } from '../support/process.js';
import { requireTool } from '../support/require-tool.js';

const PLACES = ['{listen.host}', '{listen.port}', '{upstream.host}', '{upstream.port}'];

describe('calls: recorder', () => {
  it('explains what a program did to its bytes', async (t) => {
    const folder = scratch(t);
    const out = join(folder, 'run');
    const argv = [process.execPath, BAD_PROXY, 'zeros', ...PLACES];
    const file = writeScenario(folder, {
      workload: { bytes: 4 * 2 ** 20, check: 'full' },
      forwarders: ['copy', { use: 'command', name: 'zeroing', argv, calls: 'recorder' }],
      blocks: { min: 1, max: 1 },
    });
    const ended = await cli(t, ['run', file, '--out', out]);
    assert.equal(ended.code, 3, ended.stderr);
    const [incident] = storedIncidents(out);
    assert.equal(incident?.offset, BAD_AT);
    const calls = (incident.calls ?? []) as unknown as RecordedCall[];
    const carries = calls.filter(
      ({ offset, got }) => got > 0 && offset < BAD_AT + BAD_LENGTH && offset + got > BAD_AT,
    );
    for (const side of ['in', 'out']) {
      assert.ok(
        carries.some((call) => call.side === side),
        `${side}: ${JSON.stringify(calls)}`,
      );
    }
  });

  for (const use of ['haproxy', 'nginx', 'socat']) {
    it(`${use} forwards everything with it`, requireTool(use), async (t) => {
      const folder = scratch(t);
      const out = join(folder, 'run');
      const file = writeScenario(folder, {
        workload: { direction: 'both', connections: 4, bytes: 4 * 2 ** 20, check: 'full' },
        forwarders: ['copy', { use, calls: 'recorder' }],
        blocks: { min: 1, max: 1 },
      });
      const ended = await cli(t, ['run', file, '--out', out]);
      assert.equal(ended.code, 0, ended.stderr + ended.stdout);
      const trial = storedTrials(out).find(({ forwarder }) => forwarder === `${use} recorded`);
      assert.equal(trial?.outcome, 'intact', trial?.error ?? '');
    });
  }

  it('a built-in mechanism is unavailable, with the reason', async (t) => {
    const folder = scratch(t);
    const file = writeScenario(folder, {
      workload: { bytes: 2 ** 20, check: 'full' },
      forwarders: ['direct', { use: 'splice', calls: 'recorder' }],
      blocks: { min: 1, max: 1 },
    });
    const { stdout } = await cli(t, ['run', file, '--dry-run']);
    assert.match(stdout, /splice recorded: 'calls: recorder' is for programs/);
  });
});
