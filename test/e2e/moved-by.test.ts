/** Which calls moved the bytes, of mechanisms by their own count and of programs by the tracepoint. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { MovedBy } from '../../src/data/record/moved-by.js';
import { syscallTracepoint } from '../../src/machine/host/tracepoint.js';
import { BAD_PROXY } from '../support/bad-proxy.js';
import { scratch, storedTrials, writeScenario } from '../support/folder.js';
import { cli } from '../support/process.js';
import { requireTool } from '../support/require-tool.js';

const PLACES = ['{listen.host}', '{listen.port}', '{upstream.host}', '{upstream.port}'];
const { skip: noHaproxy } = requireTool('haproxy');
const tracepoint = await syscallTracepoint();

describe('the calls that moved the bytes', () => {
  it('are told of every forwarder', { timeout: 120_000 }, async (t) => {
    const folder = scratch(t);
    const program = [process.execPath, BAD_PROXY, 'honest', ...PLACES];
    const forwarders: unknown[] = [
      ...['direct', 'splice', 'copy'],
      { use: 'command', name: 'program', argv: program },
      ...(noHaproxy
        ? []
        : [
            { use: 'haproxy', name: 'haproxy-splice', splice: 'both' },
            { use: 'haproxy', name: 'haproxy-copy' },
          ]),
    ];
    const scenario = writeScenario(folder, {
      workload: { warmup: 0, seconds: '200ms' },
      forwarders,
      blocks: { min: 1, max: 1 },
    });
    const out = join(folder, 'run');
    const ended = await cli(t, ['run', scenario, '--out', out]);
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    const told = new Map(
      storedTrials(out).map((trial) => [trial.forwarder, trial['moved_by'] as MovedBy | undefined]),
    );
    assert.equal(told.get('direct'), undefined);
    assert.deepEqual(told.get('splice')?.shares, { splice: 1 });
    assert.deepEqual(told.get('copy')?.shares, { 'recv and send': 1 });
    const own = told.get('program');
    if (tracepoint.id === null) assert.equal(own?.reason, tracepoint.reason);
    else assert.deepEqual(own?.shares, { 'recv and send': 1 });
    if (noHaproxy) return;
    const [spliced, copied] = ['haproxy-splice', 'haproxy-copy'].map((name) => told.get(name));
    assert.ok((spliced?.program?.spliced ?? 0) > 0);
    assert.equal(copied?.program?.spliced, 0);
    assert.ok(copied.program.bytes > 0);
    if (tracepoint.id === null) return;
    assert.ok((spliced?.shares?.splice ?? 0) > 0.9);
    assert.deepEqual(copied.shares, { 'recv and send': 1 });
  });
});
